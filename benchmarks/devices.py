"""A process of its own with people's devices: raw clients over TLS, in their rooms, that notice their end.

    python -m benchmarks.devices CA_FILE PORT DOMAIN

Reads one JSON list a line: people with `username`, `secret`, `nick`, `devices` and `rooms`. Answers `{"ready": …}`
when all devices are in all rooms, then `{"closed": …}`, a `time.monotonic()` of this machine, when the last stream has
ended.
"""

import asyncio
import json
import ssl
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from tests.e2e.raw_client import RawClient, connect, local

_MUC = "http://jabber.org/protocol/muc"
_AT_ONCE = 8


class Devices:
    """The devices' process, seen from the benchmark."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def log_in(self, *, username: str, secret: str, nick: str, devices: int, rooms: Sequence[str]) -> None:
        """Log a person's devices in and let each join the rooms."""
        person = {"username": username, "secret": secret, "nick": nick, "devices": devices, "rooms": list(rooms)}
        await self.log_in_all([person])

    async def log_in_all(self, people: Sequence[Mapping[str, object]]) -> None:
        """Log the devices of many people in, described as above."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(people).encode() + b"\n")
        await self._answer("ready")

    async def closed(self) -> float:
        """Wait until the last stream has ended; return when that was (`time.monotonic()`)."""
        return await self._answer("closed")

    async def _answer(self, key: str) -> float:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the devices' process ended")
        return float(json.loads(line)[key])


@asynccontextmanager
async def open_devices(*, ca_file: str, port: int, domain: str) -> AsyncIterator[Devices]:
    """Start the process, and end it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.devices", ca_file, str(port), domain,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Devices(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _serve(ca_file: str, port: int, domain: str) -> None:
    tls = ssl.create_default_context(cafile=ca_file)
    reader, turn = asyncio.StreamReader(limit=2**24), asyncio.Semaphore(_AT_ONCE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        devices = [(person, number) for person in json.loads(line) for number in range(person["devices"])]
        clients = await asyncio.gather(*(_log_in(port, domain, tls, *device, turn=turn) for device in devices))
        print(json.dumps({"ready": len(clients)}), flush=True)
        ends = await asyncio.gather(*(_closed(client) for client in clients))
        print(json.dumps({"closed": max(ends)}), flush=True)


async def _log_in(
    port: int, domain: str, tls: ssl.SSLContext, person: dict[str, Any], number: int, *, turn: asyncio.Semaphore
) -> RawClient:
    async with turn:
        return await _logged_in(port, domain, tls, person, number)


async def _logged_in(port: int, domain: str, tls: ssl.SSLContext, person: dict[str, Any], number: int) -> RawClient:
    client = await connect(port)
    await client.log_in(person["username"], person["secret"], domain=domain, resource=f"device{number}", tls=tls)
    await client.iq("get", "<query xmlns='jabber:iq:roster'/>", to=f"{person['username']}@{domain}")
    await client.send("<presence/>")
    for room in person["rooms"]:
        await client.send(f"<presence to={quoteattr(room + '/' + person['nick'])}><x xmlns='{_MUC}'/></presence>")
    for _ in person["rooms"]:
        await client.wait(_ends_a_join)
    client.inbox.clear()
    return client


def _ends_a_join(stanza: Element) -> bool:
    """Whether this is a room's subject, the last thing that comes for a join (XEP-0045, 7.1)."""
    if stanza.get("type") == "error":
        raise RuntimeError(f"{stanza.get('from')} let nobody in")
    return stanza.get("type") == "groupchat" and any(local(child) == "subject" for child in stanza)


async def _closed(client: RawClient) -> float:
    while True:
        try:
            await client.wait_closed()
        except TimeoutError:
            continue
        return time.monotonic()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
