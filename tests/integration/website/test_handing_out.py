"""Handing out access and taking it away again: links, sheets, devices, browsers, and roles on the dashboard."""

import html
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import aiohttp

from kleanxmpp import credentials, one_time_links
from kleanxmpp.testing_directory import MemoryDirectory
from kleanxmpp.website_ports import LinkPurpose, StaffRole
from tests.integration.admin_api.desk import SETTINGS, opened
from tests.integration.website.browser import Browser, Shown, cookie_jar
from tests.integration.website.test_departures import a_person
from tests.integration.website.test_people import beside, signed_in


def address_of(shown: Shown) -> str:
    found = re.search(r'<p id="link" class="secret">([^<]+)</p>', shown.text)
    assert found, shown.text
    return found.group(1)


async def test_a_link_is_shown_once_with_its_code_and_a_sheet(admin: Browser) -> None:
    desk, bob = admin.desk, await a_person(admin.desk)
    path = f"/people/{bob.id}/access"
    assert re.search(r'value="72" selected', (await admin.open(path)).text), "three days, as usual"
    origin = str(desk.client.make_url("/")).rstrip("/")
    proxied = {"Origin": origin.replace("http:", "https:")}
    shown = await admin.send(path, {"hours": "24", "uses": "2"}, headers=proxied, follow=False)
    assert shown.status == 200 and shown.headers["Cache-Control"] == "no-store", "no redirect, nothing kept"
    address = address_of(shown)
    assert address.startswith(proxied["Origin"] + "/join/"), "as the browser reached us, through a proxy"
    code = address.rpartition("/")[2]
    held = await one_time_links.look(desk.directory, code, purpose=LinkPurpose.JOIN, now=datetime.now(UTC))
    assert held.user is not None and held.user.id == bob.id and held.link.uses_left == 2
    assert abs(held.link.expires_at - datetime.now(UTC) - timedelta(days=1)) < timedelta(minutes=1)
    assert 'class="qr" src="data:image/svg+xml' in shown.text and "style=" not in shown.text
    sheet = shown.text.partition('<section class="sheet" lang="de">')[2]
    assert "Scannen Sie diesen Code" in sheet and "Bob Bauer" in sheet, "in the language of the person"
    (mail,) = (urlsplit(html.unescape(found)) for found in re.findall(r'href="(mailto:[^"]+)"', shown.text))
    body = parse_qs(mail.query)["body"][0].splitlines()
    assert (unquote(mail.path), body[0]) == (bob.email or "", "Guten Tag Bob Bauer,") and address in body
    page = await admin.open(f"/people/{bob.id}")
    assert code not in page.text and "Set up a device" in page.text and "2 times" in page.text


async def test_the_address_is_the_public_one_where_it_is_set() -> None:
    settings = replace(SETTINGS, public_url="https://chat.firma.test/")
    async with (
        opened(MemoryDirectory(), settings=settings) as desk,
        aiohttp.ClientSession(cookie_jar=cookie_jar(desk)) as session,
    ):
        there = Browser(desk=desk, session=session)
        await there.sign_in()
        bob = await a_person(desk)
        await there.open(f"/people/{bob.id}/access")
        shown = await there.send(f"/people/{bob.id}/access", {"hours": "1", "uses": "1"})
        assert address_of(shown).startswith("https://chat.firma.test/join/")


async def test_a_link_needs_a_life_and_a_number_that_make_sense(admin: Browser) -> None:
    bob = await a_person(admin.desk)
    path = f"/people/{bob.id}/access"
    await admin.open(path)
    shown = await admin.send(path, {"hours": "5", "uses": "1"})
    assert shown.status == 422 and "how long" in shown.text
    for uses in ("0", "11", "many", ""):
        shown = await admin.send(path, {"hours": "168", "uses": uses})
        assert shown.status == 422 and "1 to 10" in beside(shown, "uses")
        assert re.search(r'value="168" selected', shown.text)


async def test_who_may_not_chat_gets_no_link(admin: Browser) -> None:
    bob = await a_person(admin.desk)
    await admin.open(f"/people/{bob.id}/access")
    await admin.desk.call("POST", f"/users/{bob.id}/deactivate", {})
    shown = await admin.send(f"/people/{bob.id}/access", {"hours": "24", "uses": "1"})
    assert shown.status == 409 and "may not chat at the moment" in shown.text


async def test_a_device_is_revoked(admin: Browser) -> None:
    desk, bob = admin.desk, await a_person(admin.desk)
    made, _ = await credentials.issue(
        desk.directory, desk.company, bob.id, label="Bobs Telefon", actor="test", now=datetime.now(UTC)
    )
    page = await admin.open(f"/people/{bob.id}")
    action = f"/people/{bob.id}/devices/{made.id}/revoke"
    assert "Bobs Telefon" in page.text and f'action="{action}"' in page.text
    shown = await admin.send(action)
    assert "Revoked." in shown.text and "Bobs Telefon" not in shown.text
    assert (await admin.send(action)).status == 404


async def test_a_link_is_revoked_by_whoever_handed_it_out_to_this_person(admin: Browser) -> None:
    desk, now = admin.desk, datetime.now(UTC)
    bob, eve = await a_person(desk), await a_person(desk, "Eve")
    link, code = await one_time_links.make_join(desk.directory, desk.company, bob.id, actor="test", now=now)
    await admin.open(f"/people/{bob.id}")
    assert (await admin.send(f"/people/{eve.id}/links/{link.id}/revoke")).status == 404
    await one_time_links.look(desk.directory, code, purpose=LinkPurpose.JOIN, now=now)
    await admin.open(f"/people/{bob.id}")
    shown = await admin.send(f"/people/{bob.id}/links/{link.id}/revoke")
    assert shown.status == 200 and link.id not in shown.text


async def test_somebody_is_signed_out_everywhere(admin: Browser, other_browser: Browser) -> None:
    hr = await signed_in(other_browser, StaffRole.HR)
    page = await admin.open(f"/people/{hr.id}")
    assert "Dashboard" in page.text and "last seen" in page.text
    shown = await admin.send(f"/people/{hr.id}/sign-out")
    assert "Signed out in every browser" in shown.text and "In no browser." in shown.text
    assert (await other_browser.open("/people", follow=False)).status == 303


async def test_roles_are_given_and_seen_by_administrators_only(browser: Browser, other_browser: Browser) -> None:
    await signed_in(browser, StaffRole.ADMIN, "Boss")
    hr = await signed_in(other_browser, StaffRole.HR)
    assert "On the dashboard" not in (await other_browser.open(f"/people/{hr.id}")).text
    await other_browser.open("/people")
    shown = await other_browser.send(f"/people/{hr.id}/roles", {"role": ["admin"]})
    assert shown.status == 403
    await browser.open(f"/people/{hr.id}/roles")
    shown = await browser.send(f"/people/{hr.id}/roles", {"role": ["auditor", "group_lead"]})
    assert "Group lead" in shown.text and "Auditor" in shown.text
    async with browser.desk.directory.read() as tx:
        assert await tx.staff_roles_of(hr.id) == {StaffRole.AUDITOR, StaffRole.GROUP_LEAD}
    assert (await browser.send(f"/people/{hr.id}/roles", {"role": "king"})).status == 422


async def test_the_last_administrator_is_not_taken_away_by_accident(admin: Browser, other_browser: Browser) -> None:
    boss = await signed_in(other_browser, StaffRole.ADMIN, "Boss")
    path = f"/people/{boss.id}/roles"

    async def roles() -> frozenset[StaffRole]:
        async with admin.desk.directory.read() as tx:
            return await tx.staff_roles_of(boss.id)

    await admin.open(path)
    shown = await admin.send(path, {"role": ["hr"]})
    assert shown.status == 409 and "Nobody else is an administrator" in shown.text and 'name="sure"' in shown.text
    assert re.search(r'value="hr" checked', shown.text) and await roles() == {StaffRole.ADMIN}
    await other_browser.open(path)
    shown = await other_browser.send(path, {})
    assert shown.status == 409 and "your own administrator role" in shown.text and await roles() == {StaffRole.ADMIN}
    shown = await other_browser.send(path, {"sure": "yes", "role": ["hr"]})
    assert shown.path == "/" and await roles() == {StaffRole.HR}
    assert (await other_browser.open(path)).status == 403


async def test_what_is_planned_is_shown(admin: Browser) -> None:
    bob = await a_person(admin.desk)
    answer = await admin.desk.call(
        "POST", "/scheduled",
        {"user_id": bob.id, "type": "employee.left", "effective_at": "2031-05-04", "reason": "moves away"},
    )  # fmt: skip
    assert answer.status == 201, answer.text
    shown = await admin.open(f"/people/{bob.id}")
    assert "leaves the company" in shown.text and "May 2031" in shown.text and "moves away" in shown.text
