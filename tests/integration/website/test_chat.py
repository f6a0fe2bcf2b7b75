"""The chat's page: who gets it, what it signs in with, how it learns that it is over, and its way to the server."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
import time_machine
from aiohttp import web
from aiohttp.test_utils import TestServer

from admin_api.settings import ApiSettings
from admin_api.website import chat_relay
from kleanxmpp import credentials, ids, one_time_links, users, web_sessions
from kleanxmpp.model import Credential, User
from kleanxmpp.testing_directory import MemoryDirectory
from kleanxmpp.website_ports import LinkPurpose, StaffRole
from tests.integration.admin_api.desk import SETTINGS, Desk, opened
from tests.integration.website.browser import Browser, cookie_jar
from tests.integration.website.test_signing_in import person


@dataclass(slots=True, kw_only=True)
class Echo:
    """Something that answers each frame with the same one, in place of ejabberd. `streams`: those that were opened.

    It says nothing at all while `answering` is not set.
    """

    server: TestServer
    streams: list[web.WebSocketResponse]
    answering: asyncio.Event


@pytest.fixture
async def chat_server() -> AsyncIterator[Echo]:
    streams: list[web.WebSocketResponse] = []
    answering = asyncio.Event()
    answering.set()

    async def answer(request: web.Request) -> web.WebSocketResponse:
        await answering.wait()
        socket = web.WebSocketResponse(protocols=("xmpp",))
        await socket.prepare(request)
        streams.append(socket)
        async for frame in socket:
            await socket.send_str(frame.data)
        return socket

    app = web.Application()
    app.router.add_get("/ws", answer)
    async with TestServer(app) as server:
        yield Echo(server=server, streams=streams, answering=answering)


@pytest.fixture
async def quick_desk(chat_server: Echo, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """A desk whose website has a chat, which looks often whether it is over."""
    monkeypatch.setattr(chat_relay, "_LOOK_EVERY", 0.05)
    async with opened(MemoryDirectory(), settings=settings_for(chat_server)) as found:
        yield found


def settings_for(chat_server: Echo, *embed_origins: str) -> ApiSettings:
    url = chat_server.server.make_url("/ws").with_scheme("ws")
    return replace(SETTINGS, chat_socket=str(url), embed_origins=embed_origins)


@pytest.fixture
async def aylin(quick_desk: Desk) -> User:
    return await person(quick_desk)


@pytest.fixture
async def chatting(browser: Browser, aylin: User) -> Browser:
    """A browser in which Aylin is signed in to the chat alone."""
    await sign_in_to_chat(browser, aylin)
    return browser


async def sign_in_to_chat(browser: Browser, user: User, **fields: str) -> None:
    desk = browser.desk
    _, code = await one_time_links.make_chat(desk.directory, desk.company, user.id, actor="test", now=datetime.now(UTC))
    assert (await browser.send("/chat/session", {"code": code, **fields}, csrf=None)).status == 200


async def csrf_of(browser: Browser) -> str:
    return (await browser.open("/chat")).text.partition('data-csrf="')[2].partition('"')[0]


async def devices(desk: Desk, user: User) -> list[Credential]:
    async with desk.directory.read() as tx:
        return [*await tx.credentials(user.id)]


async def lets_in(desk: Desk, user: User, secret: str) -> bool:
    async with desk.directory.read() as tx:
        return await tx.may_log_in(desk.company.domain, user.username, ids.sha256_hex(secret))


async def leave(desk: Desk, user: User) -> None:
    await users.deactivate(desk.directory, desk.company, user.id, reason=None, actor="test", now=datetime.now(UTC))


async def test_nobody_is_shown_the_chat_and_is_told_how_to_get_in(browser: Browser) -> None:
    shown = await browser.open("/chat")
    assert shown.status == 200 and "You are not signed in here" in shown.text
    assert browser.desk.company.name not in shown.text


async def test_who_may_not_chat_sees_why_and_whom_to_ask(browser: Browser, admin: Browser, aylin: User) -> None:
    shown = await admin.open("/chat")
    assert shown.status == 403 and "belongs to no person" in shown.text
    await browser.sign_in(StaffRole.HR, user=aylin)
    desk = browser.desk
    assert (await desk.call("PATCH", f"/users/{aylin.id}", {"chat_permission": False})).status == 200
    shown = await browser.open("/chat")
    assert shown.status == 403 and "keine Berechtigung für den Chat" in shown.text
    assert browser.desk.company.name in shown.text
    assert json.loads((await browser.open("/chat/state")).text) == {"open": False}


async def test_the_page_allows_nothing_inline_and_no_other_host(chatting: Browser) -> None:
    shown = await chatting.open("/chat/ended")
    policy = shown.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in policy and "unsafe-eval" not in policy and "http" not in policy
    assert "frame-ancestors 'none'" in policy and "default-src 'none'" in policy
    assert shown.headers["Clear-Site-Data"] == '"cache", "storage"'


async def test_the_modules_of_the_page_find_each_other(chatting: Browser) -> None:
    (start,) = re.findall(r'<script type="module" src="([^"]+)"', (await chatting.open("/chat/ended")).text)
    waiting, found = [start], {start}
    while waiting:
        script = await chatting.open(address := waiting.pop())
        assert script.status == 200 and "immutable" in script.headers["Cache-Control"], address
        named = re.findall(r'(?:from|import\()\s*"\./([a-z]+\.js)"', script.text)
        waiting += (new := {f"{start.rpartition('/')[0]}/{name}" for name in named} - found)
        found |= new
    assert len(found) >= 6


async def test_a_credential_is_for_this_browser_and_for_minutes(chatting: Browser, aylin: User) -> None:
    desk, csrf = chatting.desk, await csrf_of(chatting)
    before = datetime.now(UTC)
    made = []
    for _ in range(2):
        shown = await chatting.send("/chat/credential", csrf=csrf)
        assert shown.headers["Cache-Control"] == "no-store"
        made.append(json.loads(shown.text))
    assert made[0]["jid"] == f"{aylin.username}@{desk.company.domain}"
    (one,) = await devices(desk, aylin)
    assert one.expires_at is not None and one.web_session_id is not None
    assert one.expires_at - before < credentials.BROWSER_LASTS + timedelta(seconds=5)
    assert [await lets_in(desk, aylin, each["password"]) for each in made] == [False, True]
    await chatting.send("/sign-out", csrf=csrf)
    assert await devices(desk, aylin) == []
    assert not await lets_in(desk, aylin, made[1]["password"])


async def test_other_sites_and_strangers_get_no_credential(chatting: Browser, aylin: User) -> None:
    csrf = await csrf_of(chatting)
    shown = await chatting.send("/chat/credential", csrf=csrf, headers={"Sec-Fetch-Site": "cross-site"})
    assert shown.status == 403
    assert (await chatting.send("/chat/credential", csrf=None)).status == 409
    chatting.session.cookie_jar.clear()
    assert (await chatting.send("/chat/credential", csrf=csrf)).status == 401
    assert await devices(chatting.desk, aylin) == []


async def test_a_leaver_is_told_from_the_commit_on(chatting: Browser, aylin: User) -> None:
    csrf = await csrf_of(chatting)
    assert json.loads((await chatting.open("/chat/state")).text) == {"open": True}
    await leave(chatting.desk, aylin)
    assert json.loads((await chatting.open("/chat/state")).text) == {"open": False}
    assert (await chatting.send("/chat/credential", csrf=csrf)).status == 401
    assert "data-chat=" not in (await chatting.open("/chat")).text


async def test_asking_by_script_keeps_no_session_alive(chatting: Browser) -> None:
    with time_machine.travel(datetime.now(UTC), tick=True) as clock:
        for _ in range(4):
            clock.shift(web_sessions.IDLE / 3)
            last = json.loads((await chatting.open("/chat/state")).text)
        assert last == {"open": False}


async def test_a_code_opens_the_chat_once_and_nothing_else(browser: Browser, aylin: User) -> None:
    desk, now = browser.desk, datetime.now(UTC)
    code = await code_for(desk, aylin)
    assert (await browser.send("/chat/session", {"code": "wrong"}, csrf=None)).status == 404
    assert (await browser.send("/chat/session", {"code": code}, csrf=None)).status == 200
    assert (await browser.open("/", follow=False)).status == 303, "the dashboard stays shut"
    assert json.loads((await browser.open("/chat/state")).text) == {"open": True}
    browser.session.cookie_jar.clear()
    assert (await browser.send("/chat/session", {"code": code}, csrf=None)).status == 404
    code = await code_for(desk, aylin)
    with time_machine.travel(now + one_time_links.CHAT_LASTS + timedelta(seconds=5), tick=True):
        assert (await browser.send("/chat/session", {"code": code}, csrf=None)).status == 404


async def test_a_join_code_is_no_chat_code(browser: Browser, aylin: User) -> None:
    desk = browser.desk
    _, code = await one_time_links.make_join(
        desk.directory, desk.company, aylin.id, actor="test", now=datetime.now(UTC)
    )
    assert (await browser.send("/chat/session", {"code": code}, csrf=None)).status == 404
    assert await one_time_links.look(desk.directory, code, purpose=LinkPurpose.JOIN, now=datetime.now(UTC))


async def test_a_frame_needs_an_origin_that_was_named(browser: Browser, aylin: User, chat_server: Echo) -> None:
    await sign_in_to_chat(browser, aylin, framed="yes")
    (cookie,) = browser.session.cookie_jar
    assert cookie["samesite"] == "Lax", "no frame was allowed"
    settings = settings_for(chat_server, "https://app.example.org")
    async with (
        opened(MemoryDirectory(), settings=settings) as desk,
        aiohttp.ClientSession(cookie_jar=cookie_jar(desk)) as session,
    ):
        framed = Browser(desk=desk, session=session)
        code = await code_for(desk, await person(desk))
        shown = await framed.send("/chat/session", {"code": code, "framed": "yes"}, csrf=None)
        assert shown.status == 200, shown.text
        kept = {part.strip() for part in shown.headers["Set-Cookie"].split(";")}
        assert {"SameSite=None", "Partitioned", "Secure", "HttpOnly"} <= kept
        shown = await framed.open("/chat")
        assert "frame-ancestors https://app.example.org" in shown.headers["Content-Security-Policy"]
        shown = await framed.open("/sign-in")
        assert "frame-ancestors 'none'" in shown.headers["Content-Security-Policy"], "only the chat"


async def code_for(desk: Desk, user: User) -> str:
    _, code = await one_time_links.make_chat(desk.directory, desk.company, user.id, actor="test", now=datetime.now(UTC))
    return code


async def open_socket(browser: Browser, **headers: str) -> aiohttp.ClientWebSocketResponse:
    url = browser.desk.client.make_url("/chat/websocket")
    sent = {"Origin": str(url.origin())} | headers
    return await browser.session.ws_connect(url, protocols=("xmpp",), headers=sent)


async def closed(socket: aiohttp.ClientWebSocketResponse) -> None:
    async with asyncio.timeout(5):
        while (await socket.receive()).type not in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}:
            pass


async def test_frames_go_both_ways(chatting: Browser, chat_server: Echo) -> None:
    async with await open_socket(chatting) as socket:
        assert socket.protocol == "xmpp"
        for text in ("<open/>", "<message>äöü</message>"):
            await socket.send_str(text)
            assert await socket.receive_str(timeout=5) == text
        await chat_server.streams[0].close()
        await closed(socket)


async def test_only_our_own_page_opens_the_socket(chatting: Browser, chat_server: Echo) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await open_socket(chatting, **headers)
        assert refused.value.status == 403
    chatting.session.cookie_jar.clear()
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await open_socket(chatting)
    assert refused.value.status == 401 and chat_server.streams == []


async def test_signing_out_closes_the_socket(chatting: Browser, chat_server: Echo) -> None:
    csrf = await csrf_of(chatting)
    async with await open_socket(chatting) as socket:
        await socket.send_str("<open/>")
        await socket.receive_str(timeout=5)
        await chatting.send("/sign-out", csrf=csrf)
        await closed(socket)
    async with asyncio.timeout(5):
        while not chat_server.streams[0].closed:
            await asyncio.sleep(0.01)


async def test_signing_somebody_out_everywhere_closes_the_socket_at_once(
    chatting: Browser, other_browser: Browser, aylin: User, chat_server: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat_relay, "_LOOK_EVERY", 60.0)
    await other_browser.sign_in()
    async with await open_socket(chatting) as socket:
        await other_browser.open(f"/people/{aylin.id}")
        await other_browser.send(f"/people/{aylin.id}/sign-out")
        await closed(socket)


async def test_access_that_ends_closes_the_socket(chatting: Browser, aylin: User, chat_server: Echo) -> None:
    async with await open_socket(chatting) as socket:
        await leave(chatting.desk, aylin)
        await closed(socket)


async def test_a_session_that_ends_elsewhere_closes_the_socket(
    chatting: Browser, aylin: User, chat_server: Echo
) -> None:
    desk = chatting.desk
    async with await open_socket(chatting) as socket:
        assert await web_sessions.end_all(desk.directory, desk.company, aylin.id, actor="test", now=datetime.now(UTC))
        await closed(socket)


async def test_a_chat_server_that_is_away_is_told(chatting: Browser, chat_server: Echo) -> None:
    await chat_server.server.close()
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await open_socket(chatting)
    assert refused.value.status == 502


async def test_a_chat_server_that_never_answers_is_given_up(
    chatting: Browser, chat_server: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat_relay, "_CONNECT_SECONDS", 0.1)
    chat_server.answering.clear()
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await open_socket(chatting)
    assert refused.value.status == 502
    chat_server.answering.set()
