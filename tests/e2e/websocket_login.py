"""The web chat's way in: XMPP over WebSocket (RFC 7395) with aiohttp, as far as a login and a message."""

import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import aiohttp

from tests.e2e.staff import Login, LoginRefused
from tests.e2e.waiting import SECONDS

_FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"
_SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
_BIND = "urn:ietf:params:xml:ns:xmpp-bind"


class Closed(Exception):
    """The server ended the stream; the text is the condition it gave."""


class Browser:
    """One tab with an open stream: every frame is one element."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._condition = ""
        self.jid = ""

    async def send(self, xml: str) -> None:
        await self._socket.send_str(xml)

    async def receive(self) -> Element:
        """Return the next element. Raises Closed."""
        frame = await self._socket.receive(timeout=SECONDS)
        if frame.type is not aiohttp.WSMsgType.TEXT:
            raise Closed(self._condition)
        element = ElementTree.fromstring(frame.data)
        if element.tag.endswith("}error") and len(element):
            self._condition = element[0].tag.rpartition("}")[2]
        if element.tag == f"{{{_FRAMING}}}close":
            raise Closed(self._condition)
        return element

    async def until(self, name: str) -> Element:
        """Return the next element of this name, passing over others."""
        while not (element := await self.receive()).tag.endswith("}" + name):
            pass
        return element

    async def closed(self) -> str:
        """Wait until the server ends the stream and return its condition."""
        try:
            while True:
                await self.receive()
        except Closed as closed:
            return str(closed)

    async def log_in(self, who: Login) -> None:
        """Open, authenticate, bind, and be present. Raises LoginRefused."""
        username, _, domain = who.jid.partition("@")
        opening = f"<open xmlns='{_FRAMING}' to='{domain}' version='1.0'/>"
        await self.send(opening)
        await self.until("features")
        token = base64.b64encode(f"\0{username}\0{who.credential}".encode()).decode()
        await self.send(f"<auth xmlns='{_SASL}' mechanism='PLAIN'>{token}</auth>")
        answer = await self.receive()
        if answer.tag != f"{{{_SASL}}}success":
            raise LoginRefused("login", answer[0].tag.rpartition("}")[2])
        await self.send(opening)
        await self.until("features")
        bind = f"<bind xmlns='{_BIND}'><resource>browser</resource></bind>"
        await self.send(f"<iq xmlns='jabber:client' type='set' id='bind'>{bind}</iq>")
        answer = await self.until("iq")
        if answer.get("type") != "result":
            raise LoginRefused("bind", answer[-1][0].tag.rpartition("}")[2])
        self.jid = "".join(part.text or "" for part in answer.iter(f"{{{_BIND}}}jid"))
        await self.send("<presence xmlns='jabber:client'/>")


@asynccontextmanager
async def browser(url: str, tls: ssl.SSLContext) -> AsyncIterator[Browser]:
    """Open a tab."""
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(url, ssl=tls, protocols=("xmpp",)) as socket,
    ):
        yield Browser(socket)
