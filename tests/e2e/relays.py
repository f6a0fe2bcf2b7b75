"""What stands between the service and ejabberd in tests of faults: lets some changes through and then nothing, or lies.

Both ways of the service lead through it, the HTTP API and the component's stream, and changes are counted over both.
What the tests look up themselves goes straight to ejabberd.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import aiohttp
from aiohttp import web

from ejabberd.launcher import PrivateServer

Lie = Callable[[str], web.Response | None]
"""What a command is answered instead of being run; None: it is run."""

_CHANGES = ("klean_kick_", "klean_leave_", "klean_join_", "klean_clear_", "klean_set_", "set_", "srg_create",
            "srg_delete", "create_", "destroy_", "change_", "unregister")  # fmt: skip
_IQ = b"</iq>"


def is_change(command: str) -> bool:
    """Whether a command changes something."""
    return command.startswith(_CHANGES)


class Dropped(Exception):
    """What was held back was dropped: the service that sent it is not there any more."""


class Barrier:
    """Counts changes and holds everything back from one on. `passed` are the changes that went through."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self.frozen = asyncio.Event()
        self._allowed: int | None = None
        self._held: list[asyncio.Future[None]] = []

    def freeze_after(self, changes: int) -> None:
        """Let so many changes through, and when the next one comes nothing at all."""
        self.passed.clear()
        self._allowed = changes

    def freeze(self) -> None:
        """Let nothing through from now on."""
        self.frozen.set()

    def go_on(self) -> None:
        """Let through what was held back, and everything after it."""
        self._thaw(lambda held: held.set_result(None))

    def drop(self) -> None:
        """Forget what was held back, and let through what comes from now on."""
        self._thaw(lambda held: held.set_exception(Dropped()))

    async def pass_change(self, name: str) -> None:
        """Return when the change may go through. Raises Dropped."""
        if self._allowed is not None and len(self.passed) >= self._allowed:
            self.freeze()
        await self.pass_on()
        self.passed.append(name)

    async def pass_on(self) -> None:
        """Return when anything else may go through. Raises Dropped."""
        if self.frozen.is_set():
            held = asyncio.get_running_loop().create_future()
            self._held.append(held)
            await held

    def _thaw(self, release: Callable[[asyncio.Future[None]], None]) -> None:
        self._allowed = None
        self.frozen.clear()
        held, self._held = self._held, []
        for one in held:
            if not one.done():
                release(one)


class Relays:
    """The two relays. `barrier` stops them, `lie` answers instead of ejabberd's HTTP API."""

    def __init__(self, server: PrivateServer, http: aiohttp.ClientSession) -> None:
        self.barrier = Barrier()
        self.lie: Lie | None = None
        self.honest = asyncio.Event()
        self.api_port = self.component_port = 0
        self._server, self._http = server, http
        self._streams: set[asyncio.Task[None]] = set()

    def answer_by(self, lie: Lie | None) -> None:
        """Lie from now on, or (None) tell the truth."""
        self.lie = lie
        self.honest.clear() if lie else self.honest.set()

    async def serve_call(self, request: web.Request) -> web.Response:
        """Pass on one call of the HTTP API."""
        body, command = await request.read(), request.path.rpartition("/")[2]
        if self.lie is not None and (lie := self.lie(command)) is not None:
            if lie.status == NEVER:
                await self.honest.wait()
            return lie
        try:
            await (self.barrier.pass_change(command) if is_change(command) else self.barrier.pass_on())
            headers = {name: request.headers[name] for name in ("Authorization", "Content-Type")}
            url = f"{self._server.api_url}/{command}"
            async with self._http.post(url, data=body, headers=headers) as answer:
                text = await answer.read()
                await self.barrier.pass_on()
                return web.Response(status=answer.status, body=text, content_type="application/json")
        except (Dropped, aiohttp.ClientError):
            return web.Response(status=503)

    async def serve_stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on the component's stream until either side closes it."""
        task = asyncio.current_task()
        assert task is not None
        self._streams.add(task)
        try:
            with suppress(OSError):
                onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", self._server.component_port)
                both = (self._outward(reader, onward_writer), self._inward(onward_reader, writer))
                pumps = [asyncio.ensure_future(pump) for pump in both]
                try:
                    await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for pump in pumps:
                        pump.cancel()
                    await asyncio.gather(*pumps, return_exceptions=True)
                    onward_writer.close()
        finally:
            writer.close()
            self._streams.discard(task)

    async def _outward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what the service sends, one IQ at a time."""
        rest = b""
        while data := await reader.read(65536):
            rest += data
            while (end := rest.find(_IQ)) >= 0:
                stanza, rest = rest[: end + len(_IQ)], rest[end + len(_IQ) :]
                change = b"muc#admin" in stanza and (b'type="set"' in stanza or b"type='set'" in stanza)
                await (self.barrier.pass_change("muc#admin") if change else self.barrier.pass_on())
                writer.write(stanza)
            if b"<iq" not in rest:
                await self.barrier.pass_on()
                writer.write(rest)
                rest = b""
            await writer.drain()

    async def _inward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self.barrier.pass_on()
            writer.write(data)
            await writer.drain()

    async def stop(self) -> None:
        """End the streams that are open."""
        self.barrier.drop()
        self.answer_by(None)
        for task in self._streams:
            task.cancel()
        await asyncio.gather(*self._streams, return_exceptions=True)


NEVER = 599
"""The status of a lie that is no answer at all."""


@asynccontextmanager
async def relays(server: PrivateServer) -> AsyncIterator[Relays]:
    """Listen on two free ports of this machine."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        made = Relays(server, http)
        app = web.Application()
        app.router.add_post("/api/v0/{command}", made.serve_call)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        made.api_port = runner.addresses[0][1]
        listening = await asyncio.start_server(made.serve_stream, "127.0.0.1", 0)
        stack.callback(listening.close)
        made.component_port = listening.sockets[0].getsockname()[1]
        stack.push_async_callback(made.stop)
        yield made
