"""Off-boarding, pausing, taking back and erasing somebody on the website, and the evidence as it comes in."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest

from kleanxmpp import errors
from kleanxmpp.model import Absence, Role, User
from kleanxmpp.website_ports import StaffRole
from tests.integration.admin_api.desk import Desk
from tests.integration.website.browser import Browser, Shown
from tests.integration.website.test_people import SCRIPT, beside, signed_in, the_user

ITEMS = ("New logins", "Gate on the server", "Live sessions", "Rooms", "Contact lists", "One-time links")


async def a_person(desk: Desk, name: str = "Bob Bauer") -> User:
    return await the_user(desk, (await desk.person(name))["id"])


async def a_group(desk: Desk, user: User, role: Role) -> str:
    group_id = str((await desk.group("Frühschicht"))["id"])
    async with desk.directory.write(desk.company.id) as tx:
        await tx.put_members(group_id, {user.id: role})
    return group_id


async def proven(browser: Browser, path: str) -> Shown:
    """Ask as a script does, until nothing asks again."""
    async with asyncio.timeout(10):
        while "hx-trigger" in (shown := await browser.open(path, headers=SCRIPT)).text:
            await asyncio.sleep(0.01)
    return shown


async def test_an_offboarding_is_shown_item_by_item_with_milliseconds(admin: Browser) -> None:
    bob = await a_person(admin.desk)
    await admin.open(f"/people/{bob.id}/off-board")
    shown = await admin.send(f"/people/{bob.id}/off-board", {"reason": "contract ends"})
    assert re.fullmatch(rf"/people/{bob.id}/offboardings/[0-9a-f]+", shown.path)
    assert "Not complete yet" in shown.text and "contract ends" in shown.text
    assert 'http-equiv="refresh"' in shown.text and 'hx-trigger="every 300ms"' in shown.text
    assert not (await the_user(admin.desk, bob.id)).active, "the doors are closed already"
    async with admin.desk.working():
        part = await proven(admin, shown.path)
    assert "<html" not in part.text and 'hx-swap-oob="innerHTML:#verdict"' in part.text
    whole = await admin.open(shown.path)
    for text in (part.text, whole.text):
        assert "Complete and proven" in text and all(item in text for item in ITEMS)
        assert (
            len(re.findall(r'class="badge good">closed<', text)) == len(re.findall(r"<td>\d[\d,]* ms</td>", text)) > 9
        )
    assert "http-equiv" not in whole.text and "hx-trigger" not in whole.text
    assert "signed in with a link from the server" in whole.text, "who asked"
    history = await admin.open(f"/people/{bob.id}")
    assert "contract ends" in history.text and f'href="{shown.path}.pdf"' in history.text and ">left<" in history.text
    async with admin.desk.directory.read() as tx:
        entries = await tx.page_audit(admin.desk.company.id, before=None, limit=20)
    told = [entry for entry in entries if entry.subject == f"user:{bob.id}" and entry.reason == "contract ends"]
    assert any(entry.actor.startswith("session:") for entry in told)


async def test_the_evidence_is_printed_in_the_language_of_the_page(browser: Browser) -> None:
    hr = await signed_in(browser, StaffRole.HR)
    bob = await a_person(browser.desk)
    await browser.open(f"/people/{bob.id}/off-board")
    shown = await browser.send(f"/people/{bob.id}/off-board", {"name": " bob  BAUER "})
    assert hr.display_name in shown.text, "who asked"
    url = browser.desk.client.make_url(f"{shown.path}.pdf")
    async with browser.session.get(url) as answer:
        content = await answer.read()
    assert (answer.status, answer.content_type, answer.headers["Content-Language"]) == (200, "application/pdf", "en")
    assert content.startswith(b"%PDF") and answer.headers["Cache-Control"] == "no-store"


async def test_nobody_is_offboarded_by_a_slip(admin: Browser) -> None:
    bob = await a_person(admin.desk)
    path = f"/people/{bob.id}/off-board"
    await admin.open(path)
    shown = await admin.send(path, {"reason": " ", "name": ""})
    assert shown.status == 422 and "give the reason" in beside(shown, "reason")
    shown = await admin.send(path, {"reason": "gone", "name": "Rob Bauer"})
    assert shown.status == 422 and "Bob Bauer" in beside(shown, "name")
    assert shown.fields["reason"] == "gone" and shown.fields["name"] == "Rob Bauer"
    shown = await admin.send(path, {"reason": "x" * 501})
    assert shown.status == 422 and "500" in beside(shown, "reason")
    assert (await the_user(admin.desk, bob.id)).active


async def test_a_group_is_handed_over_to_whoever_is_meant(admin: Browser) -> None:
    desk = admin.desk
    bob, one, two = [await a_person(desk, name) for name in ("Bob Bauer", "Anna Alt", "Anna Alter")]
    group_id = await a_group(desk, bob, Role.MODERATOR)
    path = f"/people/{bob.id}/off-board"
    assert "Frühschicht" in (await admin.open(path)).text
    shown = await admin.send(path, {"reason": "gone", "successor": "nobody at all"})
    assert shown.status == 422 and "Nobody who may chat" in beside(shown, "successor")
    shown = await admin.send(path, {"reason": "gone", "successor": "anna"})
    assert shown.status == 422 and "who is meant" in beside(shown, "successor")
    assert f'value="{one.id}"' in shown.text and f'value="{two.id}"' in shown.text
    shown = await admin.send(path, {"reason": "gone", "successor": "anna alter"}, follow=False)
    assert shown.status == 303, "a whole name is clear"
    await admin.desk.call("POST", f"/users/{bob.id}/reactivate", {})
    async with desk.directory.write(desk.company.id) as tx:
        await tx.put_members(group_id, {bob.id: Role.MODERATOR})
        await tx.remove_members(group_id, [two.id])
    await admin.open(path)
    shown = await admin.send(path, {"reason": "gone", "successor": "alter", "successor_id": two.id})
    assert "/offboardings/" in shown.path
    async with desk.directory.read() as tx:
        assert await tx.roles_of(group_id, [two.id]) == {two.id: Role.MODERATOR}
    assert "Frühschicht" in shown.text and "Anna Alter" in shown.text


async def test_somebody_is_paused_until_a_day_and_taken_back(admin: Browser) -> None:
    bob = await a_person(admin.desk)
    path = f"/people/{bob.id}/pause"
    await admin.open(path)
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    for day in (yesterday, "31.12.2030"):
        shown = await admin.send(path, {"mode": "garden_leave", "returns_on": day, "reason": "Elternzeit"})
        assert shown.status == 422 and "in the future" in beside(shown, "returns_on")
        assert shown.fields["reason"] == "Elternzeit"
        assert re.search(r'value="garden_leave" checked', shown.text)
    assert (await admin.send(path, {"mode": "left"})).status == 422
    shown = await admin.send(path, {"mode": "paused", "returns_on": "2031-05-04"})
    assert "/offboardings/" in shown.path
    user = await the_user(admin.desk, bob.id)
    assert user.absence is Absence.PAUSED and user.active
    shown = await admin.open(f"/people/{bob.id}")
    assert "paused until 04 May 2031" in shown.text
    assert f"/people/{bob.id}/access" not in shown.text, "no access to hand out meanwhile"
    await admin.open(f"/people/{bob.id}/take-back")
    shown = await admin.send(f"/people/{bob.id}/take-back", {"reason": "back early"})
    assert "The person is back" in shown.text
    assert (await the_user(admin.desk, bob.id)).absence is None
    history = (await admin.open(f"/people/{bob.id}")).text
    assert "broken off" in history, "it was never proven, and is not called complete"


async def test_erasing_asks_for_the_name_and_leaves_the_evidence(admin: Browser) -> None:
    bob = await a_person(admin.desk)
    path = f"/people/{bob.id}/erase"
    await admin.open(path)
    shown = await admin.send(path, {"name": "", "reason": "asked for"})
    assert shown.status == 422 and beside(shown, "name") and shown.fields["reason"] == "asked for"
    shown = await admin.send(path, {"name": "Bob Bauer", "reason": "asked for"})
    assert "/offboardings/" in shown.path
    async with admin.desk.working():
        await proven(admin, shown.path)
    evidence = await admin.open(shown.path)
    assert "Complete and proven" in evidence.text and "Bob Bauer" not in evidence.text
    assert (await admin.open(f"/people/{bob.id}")).status == 404


async def test_what_can_be_reached_is_looked_up_live(admin: Browser) -> None:
    desk = admin.desk
    bob = await a_person(desk)
    await a_group(desk, bob, Role.MEMBER)
    path = f"/people/{bob.id}/reach"
    async with desk.working():
        async with asyncio.timeout(10):
            while "Frühschicht" not in (shown := await admin.open(path, headers=SCRIPT)).text:
                await asyncio.sleep(0.01)
    assert "<html" not in shown.text and "May write and read" in shown.text and "on no device" in shown.text
    assert "<html" in (await admin.open(path)).text, "a page without scripts"


async def test_a_server_that_does_not_answer_is_not_called_empty(
    admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = await a_person(admin.desk)

    async def away(*args: object) -> None:
        raise errors.Temporary

    monkeypatch.setattr(admin.desk.server, "observe_user", away)
    shown = await admin.open(f"/people/{bob.id}/reach")
    assert "not known at the moment" in shown.text and "on no device" not in shown.text
    assert (await admin.open(f"/people/{bob.id}")).status == 200, "the page does not wait for the server"


async def test_evidence_of_one_person_is_not_found_at_another(browser: Browser) -> None:
    desk = browser.desk
    await signed_in(browser, StaffRole.GROUP_LEAD)
    bob, eve = await a_person(desk), await a_person(desk, "Eve")
    answer = await desk.call("POST", f"/users/{bob.id}/deactivate", {"reason": "secret reason"})
    offboarding = answer.headers["Location"].rpartition("/")[2]
    shown = await browser.open(f"/people/{bob.id}/offboardings/{offboarding}")
    assert shown.status == 403 and "secret" not in shown.text, "a group lead is not told why"
    await browser.sign_in()
    assert (await browser.open(f"/people/{eve.id}/offboardings/{offboarding}")).status == 404
    assert (await browser.open(f"/people/{bob.id}/offboardings/{offboarding}")).status == 200
