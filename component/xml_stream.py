"""A client's stream in a hundred lines, for the doctor: STARTTLS, PLAIN, stanzas as text and elements.

Not slixmpp: its clients and components share state of the whole process, and the service's component lives in this one.
"""

import asyncio
import base64
import itertools
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from kleanxmpp import errors

STREAM = "http://etherx.jabber.org/streams"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"

_LARGEST = 1_000_000


class StreamEnded(errors.Temporary):
    """The XMPP server ended the client's stream."""


class XmlStream:
    """One stream. Stanzas that nobody waited for yet are kept."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, domain: str) -> None:
        self._reader, self._writer, self._domain = reader, writer, domain
        self._inbox: list[Element] = []
        self._numbers = itertools.count(1)

    async def open(self) -> Element:
        """Open the stream (anew) and return what the server offers."""
        self._parser: Any = ElementTree.XMLPullParser(("start", "end"))
        self._depth, self._read = 0, 0
        await self.send(
            f"<stream:stream xmlns='jabber:client' xmlns:stream='{STREAM}' to='{self._domain}' version='1.0'>"
        )
        return await self.wait(lambda element: element.tag == f"{{{STREAM}}}features")

    async def encrypt(self, tls: ssl.SSLContext) -> None:
        """Ask for TLS and start it; ssl.SSLCertVerificationError if the certificate is refused."""
        await self.send(f"<starttls xmlns='{TLS}'/>")
        await self.wait(lambda element: element.tag == f"{{{TLS}}}proceed")
        await self._writer.start_tls(tls, server_hostname=self._domain)

    def certificate(self) -> Mapping[str, object] | None:
        """Return the server's certificate, if it was verified."""
        found: Mapping[str, object] | None = self._writer.get_extra_info("peercert")
        return found

    async def authenticate(self, username: str, secret: str) -> str | None:
        """Log in with PLAIN; return the condition of a refusal."""
        token = base64.b64encode(f"\0{username}\0{secret}".encode()).decode()
        await self.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{token}</auth>")
        answer = await self.wait(lambda element: element.tag.startswith(f"{{{SASL}}}"))
        return None if local(answer) == "success" else next((local(part) for part in answer), "refused")

    async def bind(self) -> str | None:
        """Bind a session; return the condition of a refusal."""
        try:
            answer = await self.iq("set", f"<bind xmlns='{BIND}'/>")
        except StreamEnded:
            return "closed"  # what 23.01 does where the gate's group does not exist
        return condition_of(answer)

    async def send(self, xml: str) -> None:
        """Send this text."""
        try:
            self._writer.write(xml.encode())
            await self._writer.drain()
        except OSError as error:
            raise StreamEnded from error

    async def wait(self, match: Callable[[Element], bool]) -> Element:
        """Return the first element that matches; the others stay for later."""
        checked = 0
        while True:
            for number in range(checked, len(self._inbox)):
                if match(self._inbox[number]):
                    return self._inbox.pop(number)
            checked = len(self._inbox)
            await self._feed()

    async def iq(self, kind: str, payload: str, *, to: str = "") -> Element:
        """Send an IQ and return its answer, also an error."""
        name, address = f"q{next(self._numbers)}", f" to='{to}'" if to else ""
        await self.send(f"<iq type='{kind}' id='{name}'{address}>{payload}</iq>")
        return await self.wait(lambda element: local(element) == "iq" and element.get("id") == name)

    async def wait_ended(self) -> None:
        """Return when the server has ended the stream."""
        with suppress(StreamEnded):
            while True:
                await self._feed()

    async def close(self) -> None:
        """Leave."""
        self._writer.transport.abort()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _feed(self) -> None:
        try:
            data = await self._reader.read(65536)
        except OSError as error:
            raise StreamEnded from error
        self._read += len(data)
        if not data or self._read > _LARGEST:
            raise StreamEnded
        try:
            self._parser.feed(data)
            for event, element in self._parser.read_events():
                self._depth += 1 if event == "start" else -1
                if event == "end" and self._depth == 1:
                    self._inbox.append(element)
        except ElementTree.ParseError as error:
            raise StreamEnded from error


async def connect(host: str, port: int, *, domain: str) -> XmlStream:
    """Connect, without opening the stream. Raises Temporary."""
    try:
        return XmlStream(*await asyncio.open_connection(host, port), domain=domain)
    except OSError as error:
        raise errors.Temporary(f"There is no connection to the clients' port {port}.") from error


def local(element: Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def condition_of(stanza: Element) -> str | None:
    """Return the condition of an error, None if the stanza is none."""
    if stanza.get("type") != "error":
        return None
    conditions = (part for part in stanza.iter() if part.tag.startswith(f"{{{STANZAS}}}"))
    return next((local(part) for part in conditions if local(part) != "text"), "undefined-condition")
