"""The staff of a company with all their devices: the one process that hosts the clients (`slixmpp_client`)."""

import asyncio
import itertools
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.e2e.client import Client, Login, LoginRefused, Refused
from tests.e2e.waiting import SECONDS

_CHILD = Path(__file__).with_name("slixmpp_client.py")
_INTERESTS = ("storage:bookmarks", "urn:xmpp:bookmarks:1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One login of somebody who tries again and again. `outcome` is `in` or where it ended."""

    began: float
    ended: float
    outcome: str


class Staff:
    """The process with all clients, and the clients. An async context manager."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._clients: dict[str, Client] = {}
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, str(_CHILD), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=log, limit=2**24,
            )  # fmt: skip
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), SECONDS)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reading

    async def login(
        self,
        who: Login,
        *,
        resource: str = "handy",
        stream_management: bool = False,
    ) -> Client:
        """Log a device in: TLS verified, contact list, presence. Raises LoginRefused."""
        name = f"{who.username}/{resource}#{next(self._numbers)}"
        client = self._clients[name] = Client(self, name, who)
        answer = await self.ask(
            "login", client=name, jid=f"{who.jid}/{resource}", credential=who.credential, host=who.host, port=who.port,
            ca_file=who.ca_file, stream_management=stream_management, interests=_INTERESTS,
        )  # fmt: skip
        client.jid = answer["jid"]
        return client

    async def refused_login(self, who: Login) -> LoginRefused:
        """Return why a login is refused; it is a failure of the test if it is not."""
        try:
            client = await self.login(who, resource="noch-einmal")
        except LoginRefused as refused:
            return refused
        raise AssertionError(f"{client.jid} was let in")

    async def hammer(self, who: Login) -> "Hammering":
        """Have a device log in again and again, as fast as it can; returns after the first success."""
        name = f"{who.username}#hammer{next(self._numbers)}"
        await self.ask(
            "hammer", client=name, jid=f"{who.jid}/unermuedlich", credential=who.credential, host=who.host,
            port=who.port, ca_file=who.ca_file,
        )  # fmt: skip
        return Hammering(self, name)

    async def everybody_leaves(self) -> None:
        """Log all devices out; what they saw is forgotten."""
        await asyncio.gather(*(client.logout() for client in self._clients.values()))
        self._clients.clear()

    async def ask(self, do: str, **command: object) -> dict[str, Any]:
        """Have a command done. Raises LoginRefused or Refused for what the server refuses."""
        assert self._process.stdin is not None
        number = next(self._numbers)
        future = self._answers[number] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps({"id": number, "do": do, **command}).encode() + b"\n")
        answer = await asyncio.wait_for(future, 45)
        if refused := answer.get("refused"):
            if do in ("login", "come_back"):
                raise LoginRefused(refused["step"], refused["condition"])
            raise Refused(refused["condition"])
        assert "failed" not in answer, f"{do}: {answer['failed']}"
        result: dict[str, Any] = answer["result"]
        return result

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            told = json.loads(line)
            if "answer" in told:
                self._answers.pop(told["answer"]).set_result(told)
            elif client := self._clients.get(told["client"]):
                client.note(told)
        for future in self._answers.values():
            future.set_exception(AssertionError(f"The clients' process ended, see {self._log}"))


@dataclass(frozen=True, slots=True)
class Hammering:
    """Somebody who tries again and again."""

    staff: Staff
    name: str

    async def stop(self) -> list[Attempt]:
        """Stop it and return every attempt."""
        answer = await self.staff.ask("stop_hammer", client=self.name)
        return [Attempt(**attempt) for attempt in answer["attempts"]]


__all__ = ["Attempt", "Client", "Hammering", "Login", "LoginRefused", "Refused", "Staff"]
