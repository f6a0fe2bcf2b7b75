"""A TCP relay between the service and ejabberd that counts what crosses it: API calls by command, stanzas by payload.

Counting on the wire needs no counter inside the service and misses nothing that it sends, whatever part of it does.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_CALL = re.compile(rb"POST /api/v0/(\w+) HTTP")
_STANZA = re.compile(rb"<(iq|message|presence)\b[^>]*?(?:/>|>\s*<([\w:]+))")
_LONGEST = 512


class Relay:
    """Passes everything on to a port of this machine and counts what the service sends. `port` is where it listens.

    `carried` are the bytes that crossed it, both ways: one answer may hold thousands of people.
    """

    def __init__(self, to_port: int) -> None:
        self.port = 0
        self.counts: Counter[str] = Counter()
        self.carried = 0
        self._to_port = to_port
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on one connection until either side closes it."""
        onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", self._to_port)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(reader, onward_writer, counting=True))
                group.create_task(self._pass_on(onward_reader, writer, counting=False))
        finally:
            self._tasks.discard(task)

    def forget(self) -> None:
        """Count from here on."""
        self.counts.clear()
        self.carried = 0

    async def stop(self) -> None:
        """End the connections that are open."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counting: bool) -> None:
        rest = b""
        try:
            with suppress(ConnectionError):
                while data := await reader.read(65536):
                    self.carried += len(data)
                    if counting:
                        rest = self._count(rest + data)
                    writer.write(data)
                    await writer.drain()
        finally:
            writer.close()

    def _count(self, data: bytes) -> bytes:
        """Count what is whole in `data` and return the end of it, which may be the beginning of something."""
        end = 0
        for found in (*_CALL.finditer(data), *_STANZA.finditer(data)):
            self.counts[" ".join(part.decode() for part in found.groups() if part)] += 1
            end = max(end, found.end())
        return data[max(end, len(data) - _LONGEST) :]


@asynccontextmanager
async def relay(to_port: int) -> AsyncIterator[Relay]:
    """Listen on a free port of this machine."""
    made = Relay(to_port)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await made.stop()
