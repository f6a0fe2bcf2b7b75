"""My sign-ins: the browsers in which somebody is, and the end of all of them."""

from datetime import UTC, datetime, timedelta

import time_machine

from kleanxmpp import web_sessions
from kleanxmpp.website_ports import StaffRole
from tests.integration.website.browser import Browser
from tests.integration.website.test_signing_in import person


async def test_the_browsers_of_a_person_are_listed_and_this_one_is_marked(
    browser: Browser, other_browser: Browser
) -> None:
    aylin, ali = await person(browser.desk), await person(browser.desk, "Ali")
    await other_browser.sign_in(StaffRole.HR, user=ali)
    for one in (other_browser, browser):
        await one.sign_in(StaffRole.HR, user=aylin)
    shown = await browser.open("/me")
    assert shown.status == 200 and "Aylin Öztürk" in shown.text
    assert (shown.text.count("Dieser Browser"), shown.text.count("Ein anderer Browser")) == (1, 1), "not Ali's"
    assert shown.text.index("Dieser Browser") < shown.text.index("Ein anderer Browser")


async def test_a_browser_that_was_left_alone_is_not_listed(browser: Browser, other_browser: Browser) -> None:
    aylin = await person(browser.desk)
    await other_browser.sign_in(StaffRole.HR, user=aylin)
    with time_machine.travel(datetime.now(UTC) + web_sessions.IDLE + timedelta(seconds=1), tick=True):
        await browser.sign_in(StaffRole.HR, user=aylin)
        text = (await browser.open("/me")).text
        assert "Dieser Browser" in text and "Ein anderer Browser" not in text


async def test_signing_out_everywhere_ends_every_browser_at_once(browser: Browser, other_browser: Browser) -> None:
    aylin = await person(browser.desk)
    for one in (other_browser, browser):
        await one.sign_in(StaffRole.HR, user=aylin)
    await browser.open("/me")
    assert (await browser.send("/sign-out/everywhere", csrf="forged", follow=False)).status == 409
    await browser.open("/me")
    assert (await browser.send("/sign-out/everywhere")).path == "/sign-in"
    assert not list(browser.session.cookie_jar)
    assert (await other_browser.open("/", follow=False)).status == 303
    async with browser.desk.directory.read() as tx:
        assert await tx.web_sessions(browser.desk.company.id, aylin.id) == []


async def test_a_link_from_the_shell_ends_itself_alone(admin: Browser, other_browser: Browser) -> None:
    await other_browser.sign_in()
    shown = await admin.open("/me")
    assert "A link signed you in" in shown.text and "Sign out everywhere" not in shown.text
    assert "Another browser" not in shown.text, "whose link that was is not known"
    await admin.send("/sign-out/everywhere")
    assert (await admin.open("/", follow=False)).status == 303
    assert (await other_browser.open("/", follow=False)).status == 200


async def test_nobody_sees_the_page_of_nobody(browser: Browser) -> None:
    assert (await browser.open("/me", follow=False)).headers["Location"] == "/sign-in?next=/me"
    shown = await browser.send("/sign-out/everywhere")
    assert shown.status == 401


async def test_the_language_is_chosen_on_the_page(admin: Browser) -> None:
    await admin.open("/me")
    shown = await admin.send("/language", {"language": "de", "next": "/me"})
    assert shown.path == "/me" and "Meine Anmeldungen" in shown.text and 'value="de" lang="de" selected' in shown.text
