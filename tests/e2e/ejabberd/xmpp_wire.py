"""A tiny raw XMPP client and component for tests: what is sent is what stands in the test.

slixmpp is not used here: a client and a component in one interpreter share process-wide state there. Every
wait is for a stanza, never for time.
"""

import asyncio
import base64
import hashlib
import itertools
import os
import re
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

STREAM = "http://etherx.jabber.org/streams"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
SM = "urn:xmpp:sm:3"
SECONDS = 10.0

Element = ET.Element


class Closed(Exception):
    """The server closed the stream; the text is its reason."""


class Wire(Protocol):
    """One connection that carries XML."""

    async def send(self, xml: str) -> None: ...
    async def receive(self) -> Element: ...
    async def open_stream(self, domain: str) -> Element: ...
    async def close(self) -> None: ...
    def cut(self) -> None: ...


class TcpWire:
    """XMPP over TCP."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, namespace: str) -> None:
        self._reader, self._writer, self._namespace = reader, writer, namespace
        self._restart()

    @classmethod
    async def connect(cls, port: int, *, namespace: str = "jabber:client") -> "TcpWire":
        return cls(*await asyncio.open_connection("127.0.0.1", port), namespace=namespace)

    def _restart(self) -> None:
        self._parser = ET.XMLPullParser(["start", "end"])
        self._depth = 0
        self.header: Element | None = None

    async def open_stream(self, domain: str, *, sender: str = "") -> Element:
        await self.open_header(domain, sender=sender)
        return await self.receive()

    async def open_header(self, domain: str, *, sender: str = "") -> str:
        """Open a stream and return its id."""
        self._restart()
        address = f"from='{sender}' " if sender else ""
        await self.send(
            f"<?xml version='1.0'?><stream:stream xmlns='{self._namespace}' xmlns:stream='{STREAM}' "
            f"{address}to='{domain}' version='1.0'>"
        )
        while self.header is None:
            await self._feed()
            self._scan()
        return self.header.get("id", "")

    async def start_tls(self, context: ssl.SSLContext, domain: str) -> None:
        await self.send(f"<starttls xmlns='{TLS}'/>")
        assert (await self.receive()).tag == f"{{{TLS}}}proceed"
        await self._writer.start_tls(context, server_hostname=domain)

    async def send(self, xml: str) -> None:
        self._writer.write(xml.encode())
        await self._writer.drain()

    async def receive(self) -> Element:
        while (element := self._scan()) is None:
            await self._feed()
        return element

    def _scan(self) -> Element | None:
        for event, element in self._parser.read_events():
            self._depth += 1 if event == "start" else -1
            if event == "start" and self._depth == 1:
                self.header = element
                return None
            if event == "end" and self._depth == 1:
                return element
            if event == "end" and self._depth == 0:
                raise Closed("stream end")
        return None

    async def _feed(self) -> None:
        data = await self._reader.read(65536)
        if not data:
            raise Closed("connection end")
        self._parser.feed(data)

    async def close(self) -> None:
        with suppress(OSError):
            await self.send("</stream:stream>")
            if "component" in self._namespace:
                # until the server has let go of the address, it shares stanzas between old and new connection
                await self._reader.read(-1)
        self.cut()

    def cut(self) -> None:
        self._writer.transport.abort()


class WebsocketWire:
    """XMPP over a secure websocket (RFC 7395), one frame per stanza."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def connect(cls, url: str, context: ssl.SSLContext) -> "WebsocketWire":
        address = urlsplit(url)
        host, port = address.hostname or "", address.port or 443
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=host)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET {address.path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n".encode()
        )
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101"), answer
        return cls(reader, writer)

    async def open_stream(self, domain: str) -> Element:
        await self.send(f"<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='{domain}' version='1.0'/>")
        while (element := await self.receive()).tag != f"{{{STREAM}}}features":
            pass
        return element

    async def send(self, xml: str) -> None:
        # every frame stands for itself: no default namespace comes from a stream header
        text = re.sub(r"^<(iq|message|presence)\b", r"<\1 xmlns='jabber:client'", xml).encode()
        size = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + struct.pack(">H", len(text))
        self._writer.write(b"\x81" + size + b"\0\0\0\0" + text)
        await self._writer.drain()

    async def receive(self) -> Element:
        while True:
            opcode, data = await self._read_frame()
            if opcode == 1:
                break
            if opcode == 8:
                raise Closed("websocket end")
        element = ET.fromstring(data)
        if element.tag.endswith("}close"):
            raise Closed("stream end")
        return element

    async def _read_frame(self) -> tuple[int, bytes]:
        try:
            first, size = await self._reader.readexactly(2)
            if size >= 126:
                length, code = (2, ">H") if size == 126 else (8, ">Q")
                (size,) = struct.unpack(code, await self._reader.readexactly(length))
            return first & 0x0F, await self._reader.readexactly(size)
        except asyncio.IncompleteReadError:
            raise Closed("connection end") from None

    async def close(self) -> None:
        with suppress(OSError):
            await self.send("<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>")
        self.cut()

    def cut(self) -> None:
        self._writer.transport.abort()


class Refusal(Exception):
    """The server refused a step; `condition` is its error condition."""

    def __init__(self, condition: str) -> None:
        super().__init__(condition)
        self.condition = condition


class Client:
    """One connected client (or component): sends stanzas and waits for stanzas."""

    def __init__(self, wire: Wire, jid: str = "") -> None:
        self.wire, self.jid = wire, jid
        self._inbox: list[Element] = []
        self._ids = itertools.count(1)

    async def send(self, xml: str) -> None:
        await self.wire.send(xml)

    async def wait(self, match: Callable[[Element], bool], *, seconds: float = SECONDS) -> Element:
        """Return the first stanza that matches, keeping the others for later waits."""
        for element in self._inbox:
            if match(element):
                self._inbox.remove(element)
                return element
        async with asyncio.timeout(seconds):
            while True:
                element = await self.wire.receive()
                if match(element):
                    return element
                self._inbox.append(element)

    async def iq(self, kind: str, payload: str, *, to: str = "", sender: str = "") -> Element:
        """Send an IQ and return the answer, be it a result or an error."""
        identifier = f"q{next(self._ids)}"
        addresses = (f" to='{to}'" if to else "") + (f" from='{sender}'" if sender else "")
        await self.send(f"<iq type='{kind}' id='{identifier}'{addresses}>{payload}</iq>")
        return await self.wait(lambda element: is_stanza(element, "iq") and element.get("id") == identifier)

    async def barrier(self) -> None:
        """Return when the server has handled what was sent before (it answers in order)."""
        await self.iq("get", "<ping xmlns='urn:xmpp:ping'/>", to=self.jid.partition("@")[2].partition("/")[0])

    async def seen(self, match: Callable[[Element], bool]) -> bool:
        """Tell whether such a stanza has arrived before now."""
        await self.barrier()
        return any(match(element) for element in self._inbox)

    def forget(self) -> None:
        """Forget what has arrived and was not waited for."""
        self._inbox.clear()

    def received(self) -> list[Element]:
        """Return what has arrived and was not waited for."""
        return list(self._inbox)

    def seen_text(self) -> str:
        """Return what has arrived and was not waited for, as text."""
        return "".join(ET.tostring(element, encoding="unicode") for element in self._inbox)

    async def wait_closed(self, *, seconds: float = SECONDS) -> str:
        """Wait until the server ends the stream and return its error condition, if it gives one."""
        condition = ""
        async with asyncio.timeout(seconds):
            while True:
                try:
                    element = await self.wire.receive()
                except (Closed, OSError):
                    return condition
                if element.tag == f"{{{STREAM}}}error":
                    condition = local(element[0])

    async def close(self) -> None:
        await self.wire.close()


def local(element: Element) -> str:
    return element.tag.partition("}")[2]


def is_stanza(element: Element, name: str) -> bool:
    return local(element) == name


def condition_of(element: Element) -> str | None:
    """The error condition of an error stanza, None if it is no error."""
    error = next((child for child in element if local(child) == "error"), None)
    if error is None:
        return None
    return next(local(child) for child in error if child.tag.startswith(f"{{{STANZAS}}}"))


def mechanisms(features: Element) -> set[str]:
    return {element.text or "" for element in features.iter(f"{{{SASL}}}mechanism")}


async def authenticate(
    wire: Wire, username: str, password: str, *, authzid: str = "", mechanism: str = "PLAIN"
) -> None:
    """Authenticate; raise Refusal with the server's condition."""
    token = base64.b64encode(f"{authzid}\0{username}\0{password}".encode()).decode()
    await wire.send(f"<auth xmlns='{SASL}' mechanism='{mechanism}'>{token}</auth>")
    answer = await wire.receive()
    if local(answer) != "success":
        raise Refusal(local(answer[0]))


async def bind(wire: Wire, resource: str) -> str:
    """Bind a session and return its JID; raise Refusal with the server's condition."""
    await wire.send(f"<iq type='set' id='bind'><bind xmlns='{BIND}'><resource>{resource}</resource></bind></iq>")
    answer = await wire.receive()
    condition = condition_of(answer)
    if condition is not None:
        raise Refusal(condition)
    return next(answer.iter(f"{{{BIND}}}jid")).text or ""


async def component(port: int, domain: str, secret: str) -> Client:
    """Connect as external component (XEP-0114)."""
    wire = await TcpWire.connect(port, namespace="jabber:component:accept")
    identifier = await wire.open_header(domain)
    await wire.send(f"<handshake>{hashlib.sha1((identifier + secret).encode()).hexdigest()}</handshake>")
    answer = await wire.receive()
    if local(answer) != "handshake":
        await wire.close()
        raise Refusal(local(answer[0]))
    return Client(wire, domain)
