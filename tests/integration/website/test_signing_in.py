"""Who is at the browser: links, sessions, roles, forms of other sites, and forms that outlive a session."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from kleanxmpp import one_time_links, users, web_sessions
from kleanxmpp.model import User
from kleanxmpp.testing_directory import MemoryDirectory
from kleanxmpp.website_ports import LinkPurpose, StaffRole
from tests.integration.admin_api.desk import SETTINGS, Desk, opened
from tests.integration.website.browser import Browser, browser_at


async def person(desk: Desk, name: str = "Aylin Öztürk") -> User:
    made = await desk.person(name)
    async with desk.directory.read() as tx:
        found = await tx.user(desk.company.id, made["id"])
    assert found is not None
    return found


async def test_nobody_sees_anything_without_signing_in(browser: Browser) -> None:
    shown = await browser.open("/", follow=False)
    assert (shown.status, shown.headers["Location"]) == (303, "/sign-in?next=/")
    shown = await browser.open("/")
    assert shown.status == 200 and "Sign in" in shown.text and browser.desk.company.name not in shown.text


async def test_a_link_signs_one_browser_in_once(browser: Browser, other_browser: Browser) -> None:
    desk = browser.desk
    _, code = await one_time_links.make_sign_in(
        desk.directory, desk.company, roles=frozenset({StaffRole.ADMIN}), actor="test", now=datetime.now(UTC)
    )
    for _ in range(3):
        shown = await browser.open(f"/sign-in/{code}")
        assert shown.status == 200, "looking uses nothing up"
    assert desk.company.name not in shown.text, "nothing is told before the link is used"
    shown = await browser.send(f"/sign-in/{code}")
    assert shown.path == "/" and desk.company.name in shown.text
    cookie = next(iter(browser.session.cookie_jar))
    assert cookie["secure"] and cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == "/"
    assert (await other_browser.open(f"/sign-in/{code}")).status == 404
    assert (await other_browser.send(f"/sign-in/{code}")).status == 404


async def test_a_link_ends_and_can_be_revoked(browser: Browser) -> None:
    desk, now = browser.desk, datetime.now(UTC)
    aylin = await person(desk)
    made = [
        await one_time_links.make_sign_in(desk.directory, desk.company, user_id=aylin.id, actor="test", now=now)
        for _ in range(2)
    ]
    await one_time_links.revoke(desk.directory, desk.company, made[0][0].id, actor="test", now=now)
    assert (await browser.open(f"/sign-in/{made[0][1]}")).status == 404
    assert (await browser.open(f"/sign-in/{made[1][1]}")).status == 200
    with time_machine.travel(now + one_time_links.SIGN_IN_LASTS, tick=True):
        assert (await browser.open(f"/sign-in/{made[1][1]}")).status == 404


async def test_wrong_codes_are_told_nothing_and_soon_not_even_looked_up() -> None:
    settings = replace(SETTINGS, requests_per_second=100.0)
    async with opened(MemoryDirectory(), settings=settings) as desk, browser_at(desk) as browser:
        wrong = [await browser.open(f"/sign-in/7k3m-9qxt-{number:04}") for number in range(30)]
        wrong += [await browser.send(f"/sign-in/7k3m-9qxt-{number:04}") for number in range(30)]
        assert {(shown.status, shown.text.count("This link is not valid any more")) for shown in wrong} == {(404, 1)}
        shown = await browser.open_until_refused("/sign-in/7k3m-9qxt-0060")
        assert "Please wait a moment" in shown.text
        assert shown.headers["Retry-After"] == "1" and shown.headers["Content-Type"].startswith("text/html")
        assert (await browser.open("/sign-in")).status == 200
        assert (await desk.call("GET", "/users")).status == 200, "the API has a budget of its own"


async def test_signing_out_ends_the_session_on_the_server(admin: Browser) -> None:
    cookie = {c.key: c.value for c in admin.session.cookie_jar}
    assert (await admin.send("/sign-out")).path == "/sign-in"
    admin.session.cookie_jar.update_cookies(cookie, admin.desk.client.make_url("/"))
    assert (await admin.open("/", follow=False)).status == 303, "an old cookie is worth nothing"


@pytest.mark.parametrize("later", [web_sessions.IDLE, web_sessions.LONGEST])
async def test_a_session_ends_by_itself(browser: Browser, later: timedelta) -> None:
    with time_machine.travel(datetime.now(UTC), tick=True) as clock:
        await browser.sign_in()
        end = datetime.now(UTC) + later
        while datetime.now(UTC) + web_sessions.IDLE / 2 < end and later is web_sessions.LONGEST:
            clock.shift(web_sessions.IDLE / 2)
            assert (await browser.open("/", follow=False)).status == 200
        clock.move_to(end + timedelta(seconds=1))
        assert (await browser.open("/", follow=False)).status == 303


async def test_whoever_leaves_is_signed_out_with_the_commit(browser: Browser) -> None:
    desk = browser.desk
    aylin = await person(desk)
    await browser.sign_in(StaffRole.HR, user=aylin)
    assert (await browser.open("/", follow=False)).status == 200
    begun = await users.deactivate(
        desk.directory, desk.company, aylin.id, actor="test", reason=None, now=datetime.now(UTC)
    )
    assert (await browser.open("/", follow=False)).status == 303
    async with desk.working():
        answer = await desk.until(
            f"/users/{aylin.id}/offboardings/{begun.id}", lambda found: bool(found.body["complete"])
        )
    lines = {line["item"]: (line["found"], line["done"], line["left"]) for line in answer.body["evidence"]}
    assert (lines["web_sessions"], lines["links"]) == ((1, 1, 0), (1, 1, 0))


async def test_without_a_role_there_is_no_dashboard(browser: Browser) -> None:
    aylin = await person(browser.desk)
    _, code = await one_time_links.make_sign_in(
        browser.desk.directory, browser.desk.company, user_id=aylin.id, actor="test", now=datetime.now(UTC)
    )
    await browser.open(f"/sign-in/{code}")
    shown = await browser.send(f"/sign-in/{code}")
    assert shown.status == 403 and "keine Rolle" in shown.text, "in the language of the person"


async def test_a_link_to_join_opens_no_dashboard(browser: Browser) -> None:
    desk, now = browser.desk, datetime.now(UTC)
    aylin = await person(desk)
    _, code = await one_time_links.make_join(desk.directory, desk.company, aylin.id, actor="test", now=now)
    assert (await browser.open(f"/sign-in/{code}")).status == 404
    _, _, token = await one_time_links.sign_in(desk.directory, code, purpose=LinkPurpose.JOIN, now=now)
    signed_in = await web_sessions.resume(desk.directory, token, now=now)
    assert signed_in is not None and signed_in.roles == frozenset()
    browser.session.cookie_jar.update_cookies({"__Host-klean-session": token}, desk.client.make_url("/"))
    assert (await browser.open("/", follow=False)).status == 303


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "", "Origin": "null"}],
)
async def test_forms_of_other_sites_change_nothing(admin: Browser, headers: dict[str, str]) -> None:
    shown = await admin.send("/sign-out", headers=headers, follow=False)
    assert shown.status == 403 and "another website" in shown.text
    assert (await admin.open("/", follow=False)).status == 200


async def test_a_form_that_outlived_its_session_is_sent_once_more(admin: Browser) -> None:
    shown = await admin.send("/sign-out", {"note": 'Käse "mit" <Löchern>'}, csrf="äl", follow=False)
    assert shown.status == 409 and "Nothing is lost" in shown.text
    assert shown.fields["note"] == 'Käse "mit" <Löchern>'
    assert (await admin.send("/sign-out", shown.fields, follow=False)).status == 303


async def test_a_directory_that_is_away_lets_nobody_in_and_says_so(admin: Browser) -> None:
    assert isinstance(admin.desk.directory, MemoryDirectory)
    admin.desk.directory.available = False
    shown = await admin.open("/", follow=False)
    assert shown.status == 503 and "directory cannot be reached" in shown.text
    admin.desk.directory.available = True
    assert (await admin.open("/", follow=False)).status == 200


async def test_the_language_is_the_one_that_somebody_chose(browser: Browser) -> None:
    assert 'lang="en"' in (await browser.open("/sign-in")).text
    browser.language = "de-AT,de;q=0.9,en;q=0.5"
    assert "Anmelden" in (await browser.open("/sign-in")).text
    shown = await browser.send("/language", {"language": "en", "next": "/sign-in"})
    assert shown.path == "/sign-in" and "Sign in" in shown.text
    elsewhere = await browser.send("/language", {"language": "de", "next": "//evil.example"}, follow=False)
    assert elsewhere.headers["Location"] == "/"


async def test_every_page_has_a_strict_policy(browser: Browser) -> None:
    policy = (await browser.open("/sign-in")).headers["Content-Security-Policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy


async def test_a_browser_at_an_address_that_nobody_serves_gets_a_page_and_others_a_problem(browser: Browser) -> None:
    browser.language = "de"
    shown = await browser.open("/nirgendwo", headers={"Accept": "text/html,*/*;q=0.8"})
    assert shown.status == 404 and "Hier ist nichts oder nichts mehr." in shown.text
    await browser.sign_in()
    assert 'href="/people"' in (await browser.open("/nirgendwo", headers={"Accept": "text/html"})).text
    shown = await browser.open("/nirgendwo", headers={"Accept": "*/*"})
    assert shown.status == 404 and shown.headers["Content-Type"].startswith("application/problem+json")
