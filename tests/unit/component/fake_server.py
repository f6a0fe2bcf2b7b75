"""A server that speaks just XEP-0114 and misbehaves on request."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from xml.etree import ElementTree

SECRET = "open sesame"
STREAM_ID = "s-1"
HEADER = (
    "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "
    f"xmlns:stream='http://etherx.jabber.org/streams' id='{STREAM_ID}' from='klean.firma.test'>"
)
REFUSAL = "<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"
NS = "{jabber:component:accept}"


def result_of(stanza: ElementTree.Element, payload: str = "") -> str:
    """Return the result for an IQ, from the address that was asked."""
    return (
        f"<iq type='result' id='{stanza.get('id')}' from='{stanza.get('to')}' to='{stanza.get('from')}'>{payload}</iq>"
    )


def answer_every_iq(stanza: ElementTree.Element) -> str | None:
    return result_of(stanza) if stanza.tag == f"{NS}iq" and stanza.get("type") in ("get", "set") else None


async def eventually(condition: Callable[[], bool]) -> None:
    """Return as soon as the condition holds; fail after ten seconds."""
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never happened")


@dataclass
class FakeServer:
    port: int = 0
    connections: int = 0
    accepts: bool = True
    opens_streams: bool = True
    closes_at_once: bool = False
    answer: Callable[[ElementTree.Element], str | None] = answer_every_iq
    received: list[ElementTree.Element] = field(default_factory=list)
    writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _listener: asyncio.Server | None = None

    async def start(self) -> None:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self.drop_streams()

    def drop_streams(self) -> None:
        for writer in self.writers:
            writer.close()

    def say(self, text: str) -> None:
        for writer in self.writers:
            writer.write(text.encode())

    def stanzas(self, name: str) -> list[ElementTree.Element]:
        return [stanza for stanza in self.received if stanza.tag == NS + name]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.add(writer)
        parser = ElementTree.XMLPullParser(("start", "end"))
        depth = 0
        try:
            while data := await reader.read(65536):
                parser.feed(data)
                for event, element in parser.read_events():
                    depth += 1 if event == "start" else -1
                    if event == "start" and depth == 1 and self.opens_streams:
                        writer.write(HEADER.encode())
                    elif event == "end" and depth == 1:
                        self._take(element, writer)
                    elif event == "end" and depth == 0:
                        return
        except ConnectionError:
            pass
        finally:
            self.writers.discard(writer)
            writer.close()

    def _take(self, element: ElementTree.Element, writer: asyncio.StreamWriter) -> None:
        if element.tag == f"{NS}handshake":
            right = hashlib.sha1((STREAM_ID + SECRET).encode()).hexdigest()
            if not self.accepts or element.text != right:
                writer.write(REFUSAL.encode())
                writer.close()
                return
            writer.write(b"<handshake/>")
            if self.closes_at_once:
                writer.close()
            return
        self.received.append(element)
        answer = self.answer(element)
        if answer is not None:
            writer.write(answer.encode())


@asynccontextmanager
async def fake_server() -> AsyncIterator[FakeServer]:
    server = FakeServer()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
