"""`/join/CODE`: what is told when, what uses a link up, and that a login is shown once."""

import asyncio
import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
import time_machine

from admin_api.services import SERVICES
from kleanxmpp import ids, one_time_links, users, web_sessions
from kleanxmpp.model import Credential, User
from kleanxmpp.testing_directory import MemoryDirectory
from tests.integration.admin_api.desk import EVERYWHERE, SETTINGS, Desk, logged, opened
from tests.integration.website.browser import Browser, Shown
from tests.integration.website.test_signing_in import person

ANDROID = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 Mobile"
OVER = "This link is not valid any more"
_SECRET = re.compile(r'<code class="secret" id="(\w+)">([^<]+)</code>')


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """A person, and the link that they were handed."""

    user: User
    id: str
    code: str

    @property
    def path(self) -> str:
        return f"/join/{self.code}"


async def handed(desk: Desk, *, uses: int = 3, user: User | None = None) -> Handed:
    theirs = user or await person(desk)
    link, code = await one_time_links.make_join(
        desk.directory, desk.company, theirs.id, uses=uses, actor="test", now=datetime.now(UTC)
    )
    return Handed(user=theirs, id=link.id, code=code)


async def devices_of(desk: Desk, user: User) -> Sequence[Credential]:
    async with desk.directory.read() as tx:
        return await tx.credentials(user.id)


async def uses_left(desk: Desk, link: Handed) -> int:
    async with desk.directory.read() as tx:
        return next(one.uses_left for one in await tx.one_time_links(desk.company.id, link.user.id))


async def chosen(browser: Browser, link: Handed, device: str = "android") -> dict[str, str]:
    """Go on until the login details can be shown, and return the form that does it."""
    await browser.send(link.path)
    fields = (await browser.open(f"{link.path}?device={device}")).fields
    assert fields["device"] == device
    return fields | {"step": "device"}


def login(shown: Shown) -> dict[str, str]:
    return dict(_SECRET.findall(shown.text))


async def test_nothing_personal_is_told_before_the_form_is_sent(browser: Browser) -> None:
    desk, link = browser.desk, await handed(browser.desk)
    for shown in [await browser.open(link.path), await browser.open(f"{link.path}?device=ios")]:
        assert shown.status == 200 and "Hello!" in shown.text
        for personal in ("Aylin", "ztürk", "aylin", desk.company.name, desk.company.domain):
            assert personal not in shown.text
    shown = await browser.send(link.path)
    assert (shown.status, shown.path) == (200, link.path)
    assert "Hello Aylin Öztürk" in shown.text and desk.company.name in shown.text
    assert "good for 3 more devices" in shown.text
    assert (await uses_left(desk, link), await devices_of(desk, link.user)) == (3, [])


async def test_another_browser_is_told_nothing_either(browser: Browser, other_browser: Browser) -> None:
    link = await handed(browser.desk)
    await browser.send(link.path)
    assert "Aylin" in (await browser.open(link.path)).text
    assert "Aylin" not in (await other_browser.open(link.path)).text
    other = await handed(browser.desk, user=await person(browser.desk, "Bea Blum"))
    assert "Bea" not in (await browser.open(other.path)).text, "each link begins anew"


async def test_a_device_is_set_up_and_its_login_shown_once(browser: Browser) -> None:
    desk, link = browser.desk, await handed(browser.desk)
    form = await chosen(browser, link)
    shown = await browser.send(link.path, form)
    assert (shown.status, shown.headers["Cache-Control"]) == (200, "no-store")
    assert login(shown)["address"] == f"{link.user.username}@{desk.company.domain}"
    (device,) = await devices_of(desk, link.user)
    assert device.label == "Android"
    async with desk.directory.read() as tx:
        password = ids.sha256_hex(login(shown)["password"])
        assert await tx.may_log_in(desk.company.domain, link.user.username, password)
    assert "good for 2 more devices" in shown.text and 'src="data:image/svg+xml' in shown.text
    assert SETTINGS.xmpp_host is not None and SETTINGS.xmpp_host in shown.text
    again = await browser.send(link.path, form)
    assert (again.status, login(again)) == (409, {}) and "Shown already" in again.text
    back = await browser.open(f"{link.path}?device=android")
    assert (back.status, login(back)) == (200, {}) and "Shown already" in back.text
    assert (await uses_left(desk, link), len(await devices_of(desk, link.user))) == (2, 1)


async def test_nothing_of_it_is_logged(browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    link = await handed(browser.desk)
    with caplog.at_level(logging.DEBUG):
        shown = await browser.send(link.path, await chosen(browser, link))
        await browser.send(link.path, {"step": "chat"}, follow=False)
        await browser.open("/join/7k3m-9qxt-0000")
    text = logged(caplog.records)
    assert "/join/{code}" in text
    for secret in (link.code, "7k3m-9qxt", login(shown)["password"], "Aylin", link.user.username):
        assert secret not in text


async def test_each_device_uses_the_link_once_until_it_is_used_up(browser: Browser) -> None:
    desk, link = browser.desk, await handed(browser.desk, uses=2)
    for device, left in (("ios", "good for 1 more device,"), ("computer", "used up")):
        shown = await browser.send(link.path, await chosen(browser, link, device))
        assert left in shown.text
    assert {one.label for one in await devices_of(desk, link.user)} == {"iPhone", "Computer"}
    assert "scan" not in shown.text, "a computer is not held before a screen"
    for shown in (await browser.open(link.path), await browser.send(link.path, {"step": "device", "uses_left": "0"})):
        assert shown.status == 404 and OVER in shown.text
    assert len(await devices_of(desk, link.user)) == 2


async def test_the_browser_says_which_device_it_is_and_all_can_be_chosen(browser: Browser) -> None:
    link = await handed(browser.desk)
    await browser.send(link.path)
    shown = await browser.open(link.path, headers={"User-Agent": ANDROID})
    assert "✓ Android" in shown.text and "Conversations" in shown.text and "Monal" not in shown.text
    for device, app in (("ios", "Monal"), ("computer", "Gajim"), ("android", "Conversations")):
        assert f"?device={device}" in shown.text
        other = await browser.open(f"{link.path}?device={device}", headers={"User-Agent": ANDROID})
        assert app in other.text
    assert "Gajim" in (await browser.open(f"{link.path}?device=toaster")).text


async def test_the_link_opens_the_chat_here_and_never_the_dashboard(browser: Browser) -> None:
    desk, link = browser.desk, await handed(browser.desk)
    await browser.send(link.path)
    shown = await browser.send(link.path, {"step": "chat"}, follow=False)
    assert (shown.status, shown.headers["Location"]) == (303, "/chat")
    cookie = shown.headers.getall("Set-Cookie")[0]
    token = cookie.partition("=")[2].partition(";")[0]
    signed_in = await web_sessions.resume(desk.directory, token, now=datetime.now(UTC))
    assert signed_in is not None and signed_in.session.chat_only and signed_in.user == link.user
    assert (await browser.open("/", follow=False)).headers["Location"].startswith("/sign-in")
    assert (await uses_left(desk, link), await devices_of(desk, link.user)) == (2, [])


async def test_a_wrong_used_ended_or_revoked_link_is_told_the_same(browser: Browser) -> None:
    desk, now = browser.desk, datetime.now(UTC)
    used, ended, revoked, sign_in = [await handed(desk, uses=1) for _ in range(4)]
    await one_time_links.set_up_device(desk.directory, used.code, label="", now=now)
    await one_time_links.revoke(desk.directory, desk.company, revoked.id, actor="test", now=now)
    _, code = await one_time_links.make_sign_in(
        desk.directory, desk.company, user_id=sign_in.user.id, actor="test", now=now
    )
    paths = ["/join/7k3m-9qxt-0000", used.path, revoked.path, f"/join/{code}"]
    shown = [await browser.open(path) for path in paths] + [await browser.send(path) for path in paths]
    with time_machine.travel(now + one_time_links.JOIN_LASTS + timedelta(minutes=1), tick=True):
        shown.append(await browser.open(ended.path))
    bodies = {re.sub(r'name="next" value="[^"]*"', "", one.text) for one in shown}
    assert {one.status for one in shown} == {404} and len(bodies) == 1
    assert OVER in shown[0].text and desk.company.name not in shown[0].text


async def test_whoever_leaves_on_the_way_gets_no_login(browser: Browser) -> None:
    desk, link = browser.desk, await handed(browser.desk)
    form = await chosen(browser, link)
    await users.deactivate(desk.directory, desk.company, link.user.id, actor="test", reason=None, now=datetime.now(UTC))
    for shown in (await browser.send(link.path, form), await browser.send(link.path, {"step": "chat"})):
        assert shown.status == 404 and OVER in shown.text and "Aylin" not in shown.text
    assert await devices_of(desk, link.user) == []


async def test_a_link_that_is_revoked_on_the_way_makes_nothing(browser: Browser) -> None:
    desk, link = browser.desk, await handed(browser.desk)
    form = await chosen(browser, link)
    await one_time_links.revoke(desk.directory, desk.company, link.id, actor="test", now=datetime.now(UTC))
    assert (await browser.send(link.path, form)).status == 404
    assert await devices_of(desk, link.user) == []


@pytest.mark.parametrize("step", ["device", "chat", ""])
async def test_forms_of_other_sites_use_nothing(browser: Browser, step: str) -> None:
    desk, link = browser.desk, await handed(browser.desk)
    form = {"step": step, "uses_left": "3"}
    shown = await browser.send(link.path, form, headers={"Sec-Fetch-Site": "cross-site"})
    assert shown.status == 403 and await uses_left(desk, link) == 3


async def test_guessing_is_slowed_down_and_told_kindly() -> None:
    limited = replace(SETTINGS, requests_per_second=100)
    async with opened(MemoryDirectory(), settings=limited) as desk, aiohttp.ClientSession() as session:
        browser, link = Browser(desk=desk, session=session), await handed(desk)
        stopped = time.monotonic()
        desk.client.app[SERVICES].rates._clock = lambda: stopped
        assert {(await browser.open(f"/join/{number}")).status for number in range(60)} == {404}
        for shown in (await browser.open("/join/7k3m"), await browser.open(link.path), await browser.send(link.path)):
            assert shown.status == 429 and shown.headers["Retry-After"] == "1" and "wait a minute" in shown.text
        assert (await desk.call("GET", "/users")).status == 200, "the API is not slowed down by it"


async def test_the_page_speaks_german(browser: Browser) -> None:
    browser.language = "de"
    link = await handed(browser.desk)
    assert "Los geht" in (await browser.open(link.path)).text
    assert "noch für 3 Geräte" in (await browser.send(link.path)).text
    assert "gilt nicht mehr" in (await browser.open("/join/x")).text


async def test_other_systems_make_list_and_revoke_links(browser: Browser) -> None:
    desk, theirs = browser.desk, await person(browser.desk)
    path = f"/users/{theirs.id}/links"
    made = await desk.call("POST", path, {"lasts_hours": 24, "uses": 2})
    assert made.status == 201 and made.headers["Location"].endswith(made.body["id"])
    assert made.body["qr_svg"].startswith("<svg") and made.body["uses_left"] == 2
    ends = datetime.fromisoformat(made.body["expires_at"])
    assert timedelta(hours=23) < ends - datetime.now(UTC) <= timedelta(hours=24)
    opened_there = made.body["url"].removeprefix(str(desk.client.make_url("")).rstrip("/"))
    assert "Hello!" in (await browser.open(opened_there)).text
    listed = await desk.call("GET", path)
    (one,) = listed.body["items"]
    assert (one["id"], one["purpose"], one["uses_left"], one["holds"]) == (made.body["id"], "join", 2, True)
    assert opened_there.rpartition("/")[2] not in listed.text
    bea = await person(desk, "Bea Blum")
    assert (await desk.call("DELETE", f"/users/{bea.id}/links/{one['id']}")).status == 404
    assert (await desk.call("DELETE", f"{path}/{one['id']}")).status == 204
    assert (await browser.open(opened_there)).status == 404
    for bad, field in (
        ({"uses": 11}, "uses"),
        ({"lasts_hours": 0}, "lasts_hours"),
        ({"lasts_hours": 721}, "lasts_hours"),
    ):
        answer = await desk.call("POST", path, bad)
        assert (answer.status, answer.fields) == (422, [field])
    await users.deactivate(desk.directory, desk.company, theirs.id, actor="test", reason=None, now=datetime.now(UTC))
    assert (await desk.call("POST", path)).problem == "conflict"


async def test_links_name_the_public_address() -> None:
    async with opened(MemoryDirectory(), settings=replace(SETTINGS, public_url="https://chat.example.org")) as desk:
        made = await desk.call("POST", f"/users/{(await desk.person())['id']}/links")
    assert made.body["url"].startswith("https://chat.example.org/join/")


@EVERYWHERE
async def test_a_form_that_is_sent_twice_at_once_makes_one_login(desk: Desk) -> None:
    link, now = await handed(desk), datetime.now(UTC)
    outcomes = await asyncio.gather(
        *(one_time_links.set_up_device(desk.directory, link.code, label="", uses_left=3, now=now) for _ in range(4)),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in outcomes) == ["Stale", "Stale", "Stale", "tuple"]
    assert (await uses_left(desk, link), len(await devices_of(desk, link.user))) == (2, 1)
