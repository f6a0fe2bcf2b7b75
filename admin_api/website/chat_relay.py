"""The chat's WebSocket: what a signed-in browser and the chat server say to each other goes through here.

A browser opens it only from our own page, with its session's cookie, and loses it when the session ends or the person's
access does: the chat server ends a leaver's stream by itself, and everything else is looked up every few seconds.
It reads nothing but whether somebody writes (a person who writes is there). See decision 38.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from kleanxmpp import desired, errors, web_sessions

from .. import metrics
from ..services import SERVICES, Services
from . import cookies
from .binding import from_here, page
from .visits import Visit

log = logging.getLogger(__name__)

PATH = "/chat/websocket"
_LOOK_EVERY = 15.0
_PING_EVERY = 25.0
_CONNECT_SECONDS = 10.0
_MOST_TABS = 20
_FROM_BROWSER, _FROM_SERVER = 512 * 1024, 16 * 1024 * 1024
"""Bytes of one frame. ejabberd takes half of the first; a large company's contacts need some of the second."""


@dataclass(slots=True, kw_only=True, eq=False)
class Tab:
    """One open chat. `ended` is set to close it; `wrote`: somebody wrote since the last look."""

    user_id: str
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    wrote: bool = False


class Relay:
    """The open chats of this process, by session, and the way to the chat server."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._tabs: defaultdict[str, set[Tab]] = defaultdict(set)
        self._http: aiohttp.ClientSession | None = None

    async def running(self, _app: web.Application) -> AsyncIterator[None]:
        """Be able to reach the chat server while the application runs."""
        async with aiohttp.ClientSession() as self._http:
            yield

    def end(self, session_id: str) -> None:
        """Close the session's chats now. Other processes notice at their next look."""
        for tab in self._tabs.get(session_id, ()):
            tab.ended.set()

    def end_all(self, user_id: str) -> None:
        """Close all chats of a person now, as far as they are in this process."""
        for tabs in self._tabs.values():
            for tab in tabs:
                if tab.user_id == user_id:
                    tab.ended.set()

    async def serve(self, visit: Visit) -> web.StreamResponse:
        """Answer a browser that wants to chat."""
        settings = self._services.settings
        if not from_here(visit.request):
            raise web.HTTPForbidden
        if settings.chat_socket is None or self._http is None:
            raise web.HTTPNotFound
        if not lets_chat(visit.signed_in):
            raise web.HTTPUnauthorized
        assert visit.user is not None
        tabs = self._tabs[visit.who.session.id]
        if len(tabs) >= _MOST_TABS:
            raise web.HTTPTooManyRequests
        tab = Tab(user_id=visit.user.id)
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                server = await self._http.ws_connect(
                    settings.chat_socket,
                    protocols=("xmpp",),
                    ssl=settings.chat_tls or True,
                    max_msg_size=_FROM_SERVER,
                    timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
                )
            tabs.add(tab)
            try:
                with metrics.CHAT_TABS.track_inprogress():
                    return await self._carry(visit, tab, server)
            finally:
                await server.close()
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("chat server's websocket cannot be reached", extra={"error": type(error).__name__})
            raise web.HTTPBadGateway from error
        finally:
            tabs.discard(tab)
            if not tabs:
                self._tabs.pop(visit.who.session.id, None)

    async def _carry(self, visit: Visit, tab: Tab, server: aiohttp.ClientWebSocketResponse) -> web.StreamResponse:
        browser = web.WebSocketResponse(
            protocols=("xmpp",), heartbeat=_PING_EVERY, compress=False, max_msg_size=_FROM_BROWSER, timeout=1.0
        )
        await browser.prepare(visit.request)
        work = [
            asyncio.create_task(one)
            for one in (
                _from_browser(browser, server, tab),
                _from_server(server, browser),
                self._until_ended(visit, tab),
                self._services.stopping.wait(),
            )
        ]
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in work:
                task.cancel()
            for result in await asyncio.gather(*work, return_exceptions=True):
                if isinstance(result, Exception) and not isinstance(result, aiohttp.ClientError | ConnectionError):
                    raise result
            await browser.close()
        return browser

    async def _until_ended(self, visit: Visit, tab: Tab) -> None:
        """Return when the session ends, or the person may not chat any more."""
        token = visit.request.cookies[cookies.SESSION]
        while not tab.ended.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(tab.ended.wait(), _LOOK_EVERY)
                return
            unasked, tab.wrote = not (tab.wrote or visit.who.session.chat_only), False
            try:
                now = self._services.clock()
                if not lets_chat(await web_sessions.resume(self._services.directory, token, now=now, unasked=unasked)):
                    return
            except errors.DirectoryUnavailable:
                log.warning("directory unavailable, whether chats may go on is looked up later")


RELAY = web.AppKey("chat_relay", Relay)


def add_routes(app: web.Application) -> None:
    """Serve the WebSocket."""
    relay = app[RELAY] = Relay(app[SERVICES])
    app.cleanup_ctx.append(relay.running)
    app.router.add_get(PATH, page(relay.serve, public=True, unasked=True))


def lets_chat(signed_in: web_sessions.SignedIn | None) -> bool:
    """Whether whoever is signed in is a person whose devices are let in to the chat."""
    return (
        signed_in is not None and signed_in.user is not None and desired.may_log_in(signed_in.company, signed_in.user)
    )


async def _from_browser(browser: web.WebSocketResponse, server: aiohttp.ClientWebSocketResponse, tab: Tab) -> None:
    async for frame in browser:
        if frame.type is not aiohttp.WSMsgType.TEXT:
            return
        tab.wrote = tab.wrote or frame.data.startswith("<message")
        await server.send_str(frame.data)


async def _from_server(server: aiohttp.ClientWebSocketResponse, browser: web.WebSocketResponse) -> None:
    async for frame in server:
        if frame.type is not aiohttp.WSMsgType.TEXT:
            return
        await browser.send_str(frame.data)
