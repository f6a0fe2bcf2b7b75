"""The plain way: a bare asyncio script that calls ejabberd without directory, plan or loop.

It speaks to the same two doors as the service, the HTTP API with as many calls at a time and a component stream,
and it pays for no more than it needs: answers are not checked beyond "0" and "result".
"""

import asyncio
import hashlib
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

import aiohttp

from benchmarks.world import API_PASSWORD, API_USER, SCRIPT_COMPONENT, SECRET
from ejabberd.launcher import PrivateServer

AT_ONCE = 8
"""Calls at a time: more do not make it faster here."""
_CONNECTIONS = 16
_ADMIN = "http://jabber.org/protocol/muc#admin"
Item = TypeVar("Item")


class Script:
    """One script with its two connections."""

    def __init__(self, url: str, http: aiohttp.ClientSession, component: "Component") -> None:
        self.component = component
        self._url, self._http = url, http

    async def call(self, command: str, **arguments: object) -> Any:  # noqa: ANN401 - whatever JSON it answers
        """Run a command of the HTTP API; a body of 1 is a failure."""
        async with self._http.post(f"{self._url}/{command}", json=arguments) as answer:
            body = json.loads(await answer.read())
            if answer.status != 200 or body in (1, "1"):
                raise RuntimeError(f"{command} failed: {answer.status} {body}")
            return body

    async def set_affiliations(self, room: str, affiliations: Mapping[str, str]) -> None:
        """Send one IQ with all of them."""
        items = "".join(f"<item jid={quoteattr(j)} affiliation='{a}'/>" for j, a in affiliations.items())
        await self.component.set(room, f"<query xmlns='{_ADMIN}'>{items}</query>")


async def each(items: Iterable[Item], do: Callable[[Item], Awaitable[object]], *, at_once: int = AT_ONCE) -> None:
    """Do something for each item, `at_once` at a time."""
    waiting = iter(items)

    async def work() -> None:
        for item in waiting:
            await do(item)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(at_once):
            tasks.create_task(work())


class Component:
    """A component stream (XEP-0114) that pairs answers with questions."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._incoming = self._elements()
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[Element]] = {}

    async def set(self, to: str, payload: str) -> None:
        """Send an IQ and wait for its result."""
        name = f"s{next(self._numbers)}"
        future = self._waiting[name] = asyncio.get_running_loop().create_future()
        iq = f"<iq type='set' id='{name}' from='{SCRIPT_COMPONENT}' to={quoteattr(to)}>{payload}</iq>"
        self._writer.write(iq.encode())
        answer = await future
        if answer.get("type") != "result":
            raise RuntimeError(f"{to} refused: {ElementTree.tostring(answer).decode()}")

    async def handshake(self) -> None:
        """Open the stream."""
        self._writer.write(
            f"<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' "
            f"to='{SCRIPT_COMPONENT}'>".encode()
        )
        header = await anext(self._incoming)
        digest = hashlib.sha1((header.get("id", "") + SECRET).encode(), usedforsecurity=False).hexdigest()
        self._writer.write(f"<handshake>{digest}</handshake>".encode())
        answer = await anext(self._incoming)
        if not answer.tag.endswith("handshake"):
            raise RuntimeError("ejabberd refused the script's component")

    async def listen(self) -> None:
        """Hand out answers until cancelled."""
        async for element in self._incoming:
            if future := self._waiting.pop(element.get("id", ""), None):
                future.set_result(element)

    async def _elements(self) -> AsyncIterator[Element]:
        """Yield the stream's header, then each element that it carries."""
        parser: ElementTree.XMLPullParser[Element] = ElementTree.XMLPullParser(("start", "end"))
        depth = 0
        while data := await self._reader.read(65536):
            parser.feed(data)
            for read in parser.read_events():
                event, element = read[0], read[-1]
                depth += 1 if event == "start" else -1
                if (event, depth) in {("start", 1), ("end", 1)} and isinstance(element, Element):
                    yield element
        raise RuntimeError("ejabberd closed the script's component stream")


@asynccontextmanager
async def open_script(server: PrivateServer) -> AsyncIterator[Script]:
    """Connect both ways."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.component_port)
    component = Component(reader, writer)
    await component.handshake()
    listening = asyncio.create_task(component.listen())
    headers = {"Authorization": aiohttp.encode_basic_auth(API_USER, API_PASSWORD)}
    connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as http:
        try:
            yield Script(server.api_url, http, component)
        finally:
            listening.cancel()
            writer.close()
