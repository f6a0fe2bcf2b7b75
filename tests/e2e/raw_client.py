"""A raw XMPP client of a hundred lines: one TCP stream, PLAIN over TLS, stanzas as text and elements."""

import asyncio
import base64
import itertools
import ssl
from collections.abc import Callable
from contextlib import suppress
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

STREAM = "http://etherx.jabber.org/streams"
SECONDS = 10.0


class Refused(Exception):
    """The server refused a step of the login."""


class RawClient:
    """A logged-in client. Stanzas nobody waited for yet are kept in `inbox`; a closed stream raises EOFError."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.jid = ""
        self.inbox: list[Element] = []
        self._reader, self._writer = reader, writer
        self._numbers = itertools.count(1)

    async def send(self, xml: str) -> None:
        self._writer.write(xml.encode())
        await self._writer.drain()

    async def wait(self, match: Callable[[Element], bool]) -> Element:
        """Return the first stanza that matches, and leave the others in the inbox."""
        async with asyncio.timeout(SECONDS):
            checked = 0
            while True:
                for number in range(checked, len(self.inbox)):
                    if match(self.inbox[number]):
                        return self.inbox.pop(number)
                checked = len(self.inbox)
                await self._feed()

    async def iq(self, kind: str, payload: str, *, to: str) -> Element:
        """Send an IQ and return its answer, also an error."""
        name = f"q{next(self._numbers)}"
        await self.send(f"<iq type='{kind}' id='{name}' to='{to}'>{payload}</iq>")
        return await self.wait(lambda stanza: stanza.get("id") == name and local(stanza) == "iq")

    async def settle(self) -> None:
        """Return when everything that the server sent before has arrived."""
        await self.iq("get", "<ping xmlns='urn:xmpp:ping'/>", to=self.jid.partition("@")[2].partition("/")[0])

    async def wait_closed(self) -> None:
        """Return when the server has closed the stream."""
        async with asyncio.timeout(SECONDS):
            try:
                while True:
                    await self._feed()
            except (EOFError, ConnectionError, ssl.SSLError):
                return

    async def close(self) -> None:
        """Cut the connection, as a phone does that loses the network."""
        self._writer.transport.abort()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _open(self, domain: str) -> None:
        self._parser, self._depth = ElementTree.XMLPullParser(("start", "end")), 0
        await self.send(f"<stream:stream xmlns='jabber:client' xmlns:stream='{STREAM}' to='{domain}' version='1.0'>")
        await self.wait(lambda stanza: local(stanza) == "features")

    async def _feed(self) -> None:
        data = await self._reader.read(65536)
        if not data:
            raise EOFError
        self._parser.feed(data)
        for event, element in self._parser.read_events():
            self._depth += 1 if event == "start" else -1
            if event == "end" and self._depth == 1:
                self.inbox.append(element)

    async def _step(self, xml: str, *, then: str) -> Element:
        await self.send(xml)
        answer = await self.wait(lambda stanza: True)
        if local(answer) != then or answer.get("type") == "error":
            raise Refused(" ".join(local(part) for part in answer.iter()))
        return answer

    async def log_in(self, username: str, secret: str, *, domain: str, resource: str, tls: ssl.SSLContext) -> None:
        """Encrypt, authenticate and bind. Raises Refused."""
        await self._open(domain)
        await self._step("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", then="proceed")
        await self._writer.start_tls(tls, server_hostname=domain)
        await self._open(domain)
        token = base64.b64encode(f"\0{username}\0{secret}".encode()).decode()
        sasl = "urn:ietf:params:xml:ns:xmpp-sasl"
        await self._step(f"<auth xmlns='{sasl}' mechanism='PLAIN'>{token}</auth>", then="success")
        await self._open(domain)
        wish = f"<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>{resource}</resource></bind>"
        answer = await self._step(f"<iq type='set' id='bind'>{wish}</iq>", then="iq")
        self.jid = "".join(part.text or "" for part in answer.iter() if local(part) == "jid")


async def connect(port: int) -> RawClient:
    """Open a connection; log in next."""
    return RawClient(*await asyncio.open_connection("127.0.0.1", port))


def local(element: Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def texts(element: Element, name: str) -> list[str]:
    """Return the texts of all elements of this name inside."""
    return [part.text or "" for part in element.iter() if local(part) == name]
