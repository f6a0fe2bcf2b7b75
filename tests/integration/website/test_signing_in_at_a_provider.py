"""Signing in at the company's identity provider, which may say anything."""

import base64
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from aiohttp import web
from yarl import URL

from admin_api.oidc import fetching
from kleanxmpp import provider_sign_ins, staff_roles, users
from kleanxmpp.model import Absence, User
from kleanxmpp.provider_sign_ins import Matches
from kleanxmpp.website_ports import StaffRole
from tests.integration.admin_api.desk import Desk, logged
from tests.integration.website.browser import Browser, Shown, browser_at
from tests.integration.website.pretender import (
    CLIENT,
    SECRET,
    Pretender,
    a_key,
    desk_with,
    gone,
    pretending,
    settings_for,
)

START = "/sign-in/with/firma.test"


@pytest.fixture
async def pretender() -> AsyncIterator[Pretender]:
    async with pretending() as made:
        yield made


@pytest.fixture
async def quick_desk(pretender: Pretender) -> AsyncIterator[Desk]:
    async with desk_with(firma=settings_for(pretender.url)) as desk:
        yield desk


@pytest.fixture
async def aylin(quick_desk: Desk) -> User:
    return await a_person(quick_desk, StaffRole.HR)


async def a_person(desk: Desk, *roles: StaffRole, **facts: Any) -> User:
    facts = {"email": "Aylin@firma.test", "external_id": "emp-1", "locale": "en"} | facts
    made = await desk.person("Aylin Öztürk", **facts)
    await staff_roles.give(
        desk.directory, desk.company, made["id"], roles=frozenset(roles), actor="test", now=datetime.now(UTC)
    )
    async with desk.directory.read() as tx:
        found = await tx.user(desk.company.id, made["id"])
    assert found is not None
    return found


async def sessions(desk: Desk, user: User) -> int:
    async with desk.directory.read() as tx:
        return len(await tx.web_sessions(desk.company.id, user.id))


async def sent_back(browser: Browser, *, start: str = START) -> str:
    """Go to the provider, and return the address to which it sends back, without going there."""
    there = await browser.open(start, follow=False)
    assert there.status == 303, there.text
    async with browser.session.get(URL(there.headers["Location"], encoded=True), allow_redirects=False) as answer:
        return str(URL(answer.headers["Location"]).relative())


def refused(shown: Shown, words: str, *, status: int = 403) -> None:
    assert (shown.status, words in shown.text) == (status, True), shown.text
    assert "You are not signed in" in shown.text
    assert "__Host-klean-session" not in shown.headers.get("Set-Cookie", "")


async def test_who_has_a_role_comes_to_the_page_that_they_wanted(
    browser: Browser, aylin: User, pretender: Pretender
) -> None:
    shown = await browser.open("/me", follow=False)
    assert shown.headers["Location"] == "/sign-in?next=/me"
    shown = await browser.open("/sign-in?next=/me")
    assert (
        "Sign in with your account at Firma" in shown.text and 'href="/sign-in/with/firma.test?next=/me"' in shown.text
    )
    shown = await browser.open(f"{START}?next=/me")
    assert (shown.status, shown.path) == (200, "/me") and "Aylin Öztürk" in shown.text
    asked = pretender.asked[0]
    assert (asked["response_type"], asked["code_challenge_method"], asked["realm"]) == ("code", "S256", "x")
    assert asked["scope"] == "openid email profile" and asked["ui_locales"] == "en"
    cookies = {cookie.key: cookie for cookie in browser.session.cookie_jar}
    assert set(cookies) == {"__Host-klean-session"}, "the attempt's cookie is gone"
    async with browser.desk.directory.read() as tx:
        entries = await tx.page_audit(browser.desk.company.id, before=None, limit=10)
    began = next(entry for entry in entries if entry.action == "session.began")
    assert (began.actor, began.details["by"]) == (f"user:{aylin.id}", "oidc")


async def test_who_has_no_role_but_may_chat_comes_to_the_chat(browser: Browser) -> None:
    aylin = await a_person(browser.desk)
    shown = await browser.open(f"{START}?next=/groups", follow=True)
    assert shown.path == "/chat" and await sessions(browser.desk, aylin) == 1
    assert (await browser.open("/")).status == 403
    assert (await browser.open("/me")).status == 200, "what is their own needs no role"


async def test_on_garden_leave_the_chat_alone_is_open_whatever_the_role(browser: Browser, aylin: User) -> None:
    await away(browser.desk, aylin, Absence.GARDEN_LEAVE)
    assert (await browser.open(START)).path == "/chat"
    assert (await browser.open("/", follow=False)).status == 303 and (await browser.open("/me")).path != "/me"


async def away(desk: Desk, user: User, absence: Absence) -> None:
    answer = await desk.call("POST", f"/users/{user.id}/deactivate", {"mode": absence})
    assert answer.status < 300, answer.text


async def leave(desk: Desk, user: User) -> None:
    await users.deactivate(desk.directory, desk.company, user.id, actor="test", reason=None, now=datetime.now(UTC))


async def test_nobody_is_made_by_signing_in(browser: Browser) -> None:
    refused(await browser.open(START), "You are not among the people of Firma here yet. Ask your HR department")
    async with browser.desk.directory.read() as tx:
        assert await tx.users_by_email(browser.desk.company.id, "aylin@firma.test") == []


async def test_whoever_left_is_told_whom_to_ask(browser: Browser, aylin: User) -> None:
    back = await sent_back(browser)
    await leave(browser.desk, aylin)
    refused(await browser.open(back), "Your access at Firma has ended")
    browser.language = "de"
    shown = await browser.open(START)
    assert shown.status == 403 and "Ihr Zugang bei Firma ist beendet" in shown.text
    assert await sessions(browser.desk, aylin) == 0


async def test_whoever_is_paused_or_has_nothing_open_is_told(browser: Browser, aylin: User) -> None:
    await away(browser.desk, aylin, Absence.PAUSED)
    refused(await browser.open(START), "Your access at Firma is paused")
    await browser.desk.call("POST", f"/users/{aylin.id}/reactivate")
    async with browser.desk.directory.write(browser.desk.company.id) as tx:
        await tx.save_users([replace(aylin, chat_permission=False)])
    assert (await browser.open(START)).path == "/", "a role needs no chat"
    await staff_roles.give(
        browser.desk.directory, browser.desk.company, aylin.id, roles=frozenset(), actor="t", now=datetime.now(UTC)
    )
    refused(await browser.open(START), "neither the chat nor the dashboard is open to you")


async def test_an_address_of_two_people_is_nobodys_and_of_one_who_came_back_theirs(
    browser: Browser, aylin: User
) -> None:
    other = await a_person(browser.desk, external_id="emp-2", email="AYLIN@firma.test")
    refused(await browser.open(START), "More than one person of Firma")
    await leave(browser.desk, aylin)
    assert (await browser.open(START)).path == "/chat" and await sessions(browser.desk, other) == 1


async def test_letters_that_only_fold_to_the_same_are_another_address(
    browser: Browser, aylin: User, pretender: Pretender
) -> None:
    await a_person(browser.desk, external_id="emp-3", email="strasse@firma.test")
    pretender.claims = {"email": "straße@firma.test"}
    refused(await browser.open(START), "You are not among the people")
    pretender.claims = {"email": "\0"}
    refused(await browser.open(START), "You are not among the people")


async def test_an_answer_counts_once(browser: Browser, aylin: User, pretender: Pretender) -> None:
    back = await sent_back(browser)
    assert (await browser.open(back)).path == "/"
    await browser.send("/sign-out")
    refused(await browser.open(back), "begun in another browser", status=400)
    assert len(pretender.redeemed) == 1


async def test_an_answer_is_worth_nothing_in_another_browser(
    browser: Browser, other_browser: Browser, aylin: User
) -> None:
    mine = await sent_back(browser)
    refused(await other_browser.open(mine), "begun in another browser", status=400)
    await sent_back(other_browser)
    refused(await other_browser.open(mine), "begun in another browser", status=400)
    assert (await browser.open(mine)).path == "/", "whose attempt it is loses nothing"


async def test_an_answer_without_an_attempt_is_no_answer(browser: Browser) -> None:
    for query in ("", "?code=x", "?state=&code=x", "?state=%C3%A4&code=x", "?error=access_denied"):
        refused(await browser.open(f"/oidc/callback{query}"), "begun in another browser", status=400)
        await sent_back(browser)
        refused(await browser.open(f"/oidc/callback{query}"), "begun in another browser", status=400)


async def test_an_attempt_ends(browser: Browser, aylin: User) -> None:
    with time_machine.travel(datetime.now(UTC), tick=True) as clock:
        back = await sent_back(browser)
        secret = next(iter(browser.session.cookie_jar)).value
        clock.shift(provider_sign_ins.ATTEMPT_LASTS + timedelta(seconds=1))
        headers = {"Cookie": f"__Host-klean-attempt={secret}"}  # this browser keeps cookies for ever
        refused(await browser.open(back, headers=headers), "took too long", status=400)


@pytest.mark.parametrize(
    ("claims", "why"),
    [({"nonce": "another"}, "another attempt"), ({"iss": "https://evil.example"}, "iss"), ({"aud": "another"}, "aud")],
)
async def test_an_id_token_that_is_not_for_this_signs_nobody_in(
    browser: Browser,
    aylin: User,
    pretender: Pretender,
    caplog: pytest.LogCaptureFixture,
    claims: dict[str, Any],
    why: str,
) -> None:
    caplog.set_level(logging.INFO)
    pretender.claims = claims
    refused(await browser.open(START), "an answer that cannot be trusted")
    assert await sessions(browser.desk, aylin) == 0
    assert why in logged(caplog.records), "the operator finds the reason in the log"
    assert "aylin@" not in logged(caplog.records) and "emp-1" not in logged(caplog.records)


async def test_a_provider_changes_its_keys_when_it_likes(browser: Browser, aylin: User, pretender: Pretender) -> None:
    for _ in range(2):
        assert (await browser.open(START)).path == "/"
    assert pretender.keys_read == 1, "they are kept"
    pretender.key = a_key("2")
    assert (await browser.open(START)).path == "/"
    assert pretender.keys_read == 2
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1, seconds=1), tick=True):
        assert (await browser.open(START)).path == "/"
    assert pretender.keys_read == 3, "a key that was taken back is not trusted for long"


async def test_an_address_that_nobody_verified_is_nobodys(browser: Browser, aylin: User, pretender: Pretender) -> None:
    for verified in (False, "true", 1, None):
        pretender.claims = {"email_verified": verified}
        pretender.userinfo = {"email": "aylin@firma.test"} if verified is None else {}
        refused(await browser.open(START), "Your e-mail address is not confirmed")
    assert await sessions(browser.desk, aylin) == 0


async def test_what_the_id_token_leaves_out_is_asked_for(browser: Browser, aylin: User, pretender: Pretender) -> None:
    pretender.claims = {"email": None, "email_verified": None}
    refused(await browser.open(START), "an answer that cannot be trusted")
    pretender.userinfo = {"email": "aylin@firma.test", "email_verified": True, "sub": "emp-2"}
    refused(await browser.open(START), "an answer that cannot be trusted")
    pretender.userinfo["sub"] = "emp-1"
    assert (await browser.open(START)).path == "/"


@pytest.mark.parametrize(
    ("answer", "words", "status"),
    [
        ({"error": "access_denied", "error_description": "<b>RAW</b>"}, "was cancelled, or is not allowed", 403),
        ({"error": "temporarily_unavailable"}, "does not answer at the moment", 503),
        ({"error": "<script>RAW</script>", "error_description": "RAW"}, "cannot be trusted", 403),
        ({"code": "0", "iss": "https://RAW.example"}, "cannot be trusted", 403),
    ],
)
async def test_what_the_provider_says_instead_is_said_in_our_words(
    browser: Browser,
    aylin: User,
    pretender: Pretender,
    caplog: pytest.LogCaptureFixture,
    answer: dict[str, str],
    words: str,
    status: int,
) -> None:
    caplog.set_level(logging.DEBUG, logger="admin_api")
    pretender.answer = answer
    shown = await browser.open(START)
    refused(shown, words, status=status)
    ours = [record for record in caplog.records if record.name.startswith("admin_api")]
    assert "RAW" not in shown.text and ours and "RAW" not in logged(ours)
    assert pretender.redeemed == []


async def test_a_provider_that_names_itself_has_to(browser: Browser, aylin: User, pretender: Pretender) -> None:
    pretender.metadata = {"authorization_response_iss_parameter_supported": True}
    refused(await browser.open(START), "cannot be trusted")
    pretender.answer = {"code": "1", "iss": pretender.url}
    assert (await browser.open(START)).path == "/"


async def test_a_provider_that_is_away_says_so(browser: Browser, aylin: User, pretender: Pretender) -> None:
    back = await sent_back(browser)
    await gone(pretender)
    refused(await browser.open(back), "does not answer at the moment", status=503)
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=2), tick=True):
        refused(await browser.open(START), "does not answer at the moment", status=503)


NO_ANSWERS: dict[str, Callable[[], web.Response]] = {
    "client": lambda: web.json_response({"error": "invalid_client"}, status=401),
    "grant": lambda: web.json_response({"error": "invalid_grant"}, status=400),
    "list": lambda: web.json_response([]),
    "nothing": lambda: web.json_response({}),
    "deep": lambda: web.Response(text="[" * 100_000),
    "large": lambda: web.Response(body=b" " * (fetching.MOST + 1)),
    "elsewhere": lambda: web.Response(status=307, headers={"Location": "/token"}),
}


async def test_what_is_no_answer_of_a_provider_is_refused(browser: Browser, aylin: User, pretender: Pretender) -> None:
    for tokens in NO_ANSWERS.values():
        pretender.tokens = tokens
        refused(await browser.open(START), "cannot be trusted")
    assert len(pretender.redeemed) == len(NO_ANSWERS), "redirects are not followed"
    pretender.tokens = lambda: web.Response(status=502)
    refused(await browser.open(START), "does not answer at the moment", status=503)


async def test_a_provider_that_describes_itself_wrongly_is_not_used(browser: Browser, pretender: Pretender) -> None:
    wrong: list[dict[str, Any]] = [
        {"issuer": "https://another.example"},
        {"token_endpoint": "http://192.0.2.1/token"},
        {"token_endpoint": "https://user:password@login.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": None},
        {"userinfo_endpoint": "http://[::"},
    ]
    for metadata in wrong:
        pretender.metadata = metadata
        refused(await browser.open(START), "cannot be trusted")
    assert pretender.asked == []


async def test_nobody_is_sent_elsewhere_afterwards(browser: Browser, aylin: User) -> None:
    for elsewhere in ("//evil.example", "https://evil.example", "/\\evil.example"):
        assert (await browser.open(str(URL(START).with_query(next=elsewhere)))).path == "/"


async def test_signing_in_anew_ends_the_session_that_was_there(browser: Browser, aylin: User) -> None:
    for _ in range(2):
        await browser.open(START)
    assert await sessions(browser.desk, aylin) == 1


async def test_signing_out_offers_to_sign_out_at_the_provider_too(
    browser: Browser, aylin: User, pretender: Pretender
) -> None:
    await browser.open(START)
    shown = await browser.send("/sign-out")
    assert shown.path == "/sign-in?company=firma.test&signed_out=1" and "You are signed out here" in shown.text
    assert f'href="{pretender.url}/end?client_id=chat&amp;post_logout_redirect_uri=' in shown.text
    assert "id_token_hint" not in shown.text
    pretender.metadata = {"end_session_endpoint": None}
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=2), tick=True):
        assert "Sign out of your company" not in (await browser.open(shown.path)).text


@pytest.mark.parametrize(
    ("chosen", "methods", "form", "basic"),
    [
        ({}, None, {}, True),
        ({}, ["client_secret_post"], {"client_id": CLIENT, "client_secret": SECRET}, False),
        ({"client_secret": None}, ["none"], {"client_id": CLIENT}, False),
    ],
)
async def test_we_prove_ourselves_as_the_provider_wants_it(
    pretender: Pretender, chosen: dict[str, Any], methods: list[str] | None, form: dict[str, str], basic: bool
) -> None:
    pretender.metadata = {"token_endpoint_auth_methods_supported": methods}
    chosen = chosen | {"claim": "sub", "matches": Matches.EXTERNAL_ID}
    api = {"public_url": "https://chat.firma.test"}
    async with desk_with(api=api, firma=settings_for(pretender.url, **chosen)) as desk, browser_at(desk) as browser:
        await a_person(desk, email=None)
        back = URL(await sent_back(browser))
        assert (await browser.open(str(back), follow=False)).headers["Location"] == "/chat"
    sent, authorization = pretender.redeemed[0]
    assert sent["redirect_uri"] == "https://chat.firma.test/oidc/callback", "as the settings say, whatever Host says"
    assert form.items() <= sent.items() and ("client_secret" in sent) is ("client_secret" in form)
    assert bool(authorization) is basic
    if basic:
        assert base64.b64decode(authorization.removeprefix("Basic ")) == b"chat:client%2Fsecret%2Bwith%3Aodd%20letters"


async def test_every_company_has_a_button_of_its_own(pretender: Pretender) -> None:
    labels = {"de": "Mit KleanApp anmelden", "en": "Sign in with KleanApp"}
    chosen = settings_for(pretender.url)
    async with (
        desk_with(firma=replace(chosen, labels=labels), other=chosen, nobody=chosen) as desk,
        browser_at(desk) as browser,
    ):
        await desk.company_named("other.test")
        text = (await browser.open("/sign-in")).text
        assert "Sign in with KleanApp" in text and "Sign in with your account at other.test" in text
        assert "nobody.test" not in text, "there is no such company"
        browser.language = "de"
        text = (await browser.open("/sign-in?company=firma.test")).text
        assert "Mit KleanApp anmelden" in text and "other.test" not in text
        assert "other.test" in (await browser.open("/sign-in?company=unknown.test")).text
        assert (await browser.open("/sign-in/with/nobody.test")).status == 404
        assert (await browser.open("/sign-in/with/unknown.test")).status == 404


async def test_an_answer_for_one_company_signs_nobody_in_at_another(pretender: Pretender) -> None:
    async with pretending() as evil:
        chosen = {"firma": settings_for(pretender.url), "other": settings_for(evil.url)}
        async with desk_with(**chosen) as desk, browser_at(desk) as browser:
            aylin = await a_person(desk, StaffRole.ADMIN)
            await desk.company_named("other.test")
            refused(await browser.open("/sign-in/with/other.test"), "You are not among the people of other.test")
            evil.claims = {"iss": pretender.url}
            refused(await browser.open("/sign-in/with/other.test"), "cannot be trusted")
            assert await sessions(desk, aylin) == 0


async def test_attempts_are_counted_by_address_and_the_page_says_how_long_to_wait(pretender: Pretender) -> None:
    api = {"requests_per_second": 100.0}
    async with desk_with(api=api, firma=settings_for(pretender.url)) as desk, browser_at(desk) as browser:
        assert {(await browser.open(START, follow=False)).status for _ in range(100)} == {303}
        shown = await browser.open_until_refused(START)
        assert "Please wait a moment (1 s)" in shown.text
        assert shown.headers["Retry-After"] == "1" and shown.headers["Content-Type"].startswith("text/html")
