"""A thin typed client of ejabberd's HTTP API (mod_http_api), for what XMPP cannot do.

The address pins the API version (`…/api/v0`: what 23.01 and everything newer understand). Failures are
translated here and nowhere else; values of arguments never get into an error's text. Beware: success
of many commands proves nothing (see `ejabberd.quirks`): look again.
"""

import asyncio
import json
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

import aiohttp

from ejabberd.accounts import Accounts
from ejabberd.commands import Refused
from ejabberd.records import Json, ServerStatus, Unreadable
from ejabberd.rooms import Rooms
from ejabberd.sessions import Sessions
from ejabberd.shared_groups import SharedGroups
from kleanxmpp.errors import Temporary

__all__ = ["EjabberdApi", "Refused"]

T = TypeVar("T")


class EjabberdApi:
    """One client for all companies of a server. Use as an asynchronous context manager.

    The commands live on `sessions`, `accounts`, `groups` (shared roster groups) and `rooms`.
    """

    def __init__(self, url: str, *, user: str, password: str, timeout: float = 10.0, concurrency: int = 16) -> None:
        """Describe the connection; nothing is sent yet.

        `url` ends in `/api/v0`, `user` is a bare JID, `timeout` is in seconds per command,
        `concurrency` is the number of commands (and connections) at one time.
        """
        self._url = url.rstrip("/")
        self._headers = {"Authorization": aiohttp.encode_basic_auth(user, password)}
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._concurrency = concurrency
        self._turn = asyncio.Semaphore(concurrency)
        self._session: aiohttp.ClientSession | None = None
        self.sessions = Sessions(self)
        self.accounts = Accounts(self)
        self.groups = SharedGroups(self)
        self.rooms = Rooms(self)

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=self._concurrency, keepalive_timeout=30)
        self._session = aiohttp.ClientSession(
            connector=connector, headers=self._headers, timeout=self._timeout, trust_env=False
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def status(self) -> ServerStatus:
        """Tell which ejabberd answers."""
        return await self.ask("status", ServerStatus.from_response)

    async def call(self, command: str, **arguments: Json) -> Json:
        """Run a command and return what it answers. Raises Temporary, or Refused (which is Permanent)."""
        return await self.ask(command, lambda answer: answer, **arguments)

    async def ask(self, command: str, read: Callable[[Json], T], **arguments: Json) -> T:
        """Run a command and read its answer with `read`; a shape it cannot read is Temporary."""
        status, body = await self._post(command, arguments)
        try:
            answer: Json = json.loads(body)
            if status == 200:
                return read(answer)
        except (ValueError, Unreadable) as error:
            raise Temporary(f"ejabberd gave no readable answer to {command} ({status})") from error
        if status >= 500 or status == 429:
            raise Temporary(f"ejabberd failed to run {command} ({status})")
        raise Refused(command, status=status, reason=_reason(answer))

    async def run(self, command: str, **arguments: Json) -> None:
        """Run a command that only answers whether it worked: a 200 with body 1 is a failure."""
        answer = await self.call(command, **arguments)
        if answer not in (0, "0") or answer is False:
            raise Refused(command, status=200, reason=str(answer))

    async def _post(self, command: str, arguments: dict[str, Json]) -> tuple[int, bytes]:
        if self._session is None:
            raise RuntimeError("EjabberdApi is used outside of its context")
        try:
            async with (
                self._turn,
                self._session.post(f"{self._url}/{command}", json=arguments, allow_redirects=False) as response,
            ):
                return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Temporary(f"ejabberd's API did not answer {command} ({type(error).__name__})") from error


def _reason(answer: Json) -> str:
    if isinstance(answer, dict):
        answer = answer.get("message")
    return answer if isinstance(answer, str) else ""
