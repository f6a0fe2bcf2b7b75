"""A receiver of webhooks on loopback: notes what comes, checks signatures by itself, and answers as it is told."""

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What came."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def type(self) -> str:
        return str(json.loads(self.body)["type"])

    @property
    def data(self) -> Any:
        return json.loads(self.body)["data"]

    def is_signed_by(self, secret: str) -> bool:
        """Check as the specification says it, without our own code."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return expected in self.headers["webhook-signature"].split(" ")


@dataclass(slots=True, kw_only=True)
class Receiver:
    """What came so far. `answers` are given one after another; after the last, `usual`."""

    url: str = ""
    port: int = 0
    messages: list[Message] = field(default_factory=list)
    answers: list[web.StreamResponse] = field(default_factory=list)
    usual: int = 204
    hold: asyncio.Event | None = None
    waiting: int = 0

    async def got(self, count: int, *, where: Callable[[Message], bool] = lambda message: True) -> list[Message]:
        """Wait until so many such messages have come, and return them."""
        async with asyncio.timeout(15):
            while len(found := [message for message in self.messages if where(message)]) < count:
                await asyncio.sleep(0.005)
        return found

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if self.hold is not None:
            self.waiting += 1
            await self.hold.wait()
        self.messages.append(Message(headers={k.lower(): v for k, v in request.headers.items()}, body=body))
        return self.answers.pop(0) if self.answers else web.Response(status=self.usual)


@asynccontextmanager
async def receiving(*, tls: ssl.SSLContext | None = None, **how: Any) -> AsyncIterator[Receiver]:
    """Run a receiver on a port of its own."""
    receiver = Receiver(**how)
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", receiver.handle)
    server = TestServer(app)
    await server.start_server(ssl=tls)
    try:
        receiver.port = server.port or 0
        receiver.url = f"{'https' if tls else 'http'}://127.0.0.1:{receiver.port}/hook"
        yield receiver
        if receiver.hold is not None:
            receiver.hold.set()
    finally:
        await server.close()
