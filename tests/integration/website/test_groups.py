"""Groups on the website: the list, a group's page, making, changing and deleting one, and who may."""

import asyncio
import re
from datetime import UTC, datetime

import pytest

from kleanxmpp import circle_marks, users
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.db.statements import count_statements
from kleanxmpp.model import Role
from kleanxmpp.website_ports import StaffRole
from tests.contracts.directory_base import saved_group, saved_users
from tests.factories import AT, a_group, a_user
from tests.integration.admin_api.desk import Desk
from tests.integration.website.browser import Browser, Shown
from tests.integration.website.test_signing_in import person


def named(shown: Shown) -> list[str]:
    """The groups of the list, in its order."""
    return re.findall(r'<td><a href="/groups/[0-9a-f]+">([^<]+)</a>', shown.text)


async def usable(browser: Browser, group_id: str) -> Shown:
    """Ask for the state until the page says that the room is usable."""
    async with asyncio.timeout(10):
        while True:
            shown = await browser.open(f"/groups/{group_id}/state")
            if "The room is usable" in shown.text:
                return shown
            await asyncio.sleep(0.01)


async def test_without_groups_the_list_helps_to_begin(admin: Browser) -> None:
    shown = await admin.open("/groups")
    assert "There is no group yet" in shown.text and "/groups/new" in shown.text


async def test_a_group_is_made_and_its_room_is_usable_when_the_page_says_so(admin: Browser) -> None:
    desk = admin.desk
    assert (await admin.open("/groups/new")).status == 200
    shown = await admin.send(
        "/groups/new", {"name": "Nachtschicht", "description": "Klinik\r\nWest", "kind": "announcement"}
    )
    found = re.fullmatch(r"/groups/([0-9a-f]{32})/circle", shown.path)
    assert found, shown.text
    group_id = found.group(1)
    shown = await admin.open(f"/groups/{group_id}")
    assert "being brought to the server" in shown.text and "The room is usable" not in shown.text
    assert f'hx-get="/groups/{group_id}/state"' in shown.text, "the page looks again by itself"
    assert "Nachtschicht" in shown.text and "only moderators write" in shown.text and "Klinik\nWest" in shown.text
    async with desk.working():
        state = await usable(admin, group_id)
    assert "hx-trigger" not in state.text, "and stops looking then"
    async with desk.directory.read() as tx:
        group = await tx.group(desk.company.id, group_id)
        assert group is not None and await tx.due(circle_marks.scope_of(group)) is None
    assert group.slug in await desk.server.room_names(desk.company)


async def test_what_is_wrong_is_told_at_the_field_and_what_was_typed_stays(admin: Browser) -> None:
    await admin.desk.group("Nachtschicht")
    assert (await admin.open("/groups/new")).status == 200
    shown = await admin.send("/groups/new", {"name": "Nachtschicht", "description": "alt", "kind": "announcement"})
    assert shown.status == 422 and "has this name already" in shown.text
    assert shown.fields["name"] == "Nachtschicht" and ">alt</textarea>" in shown.text
    assert 'value="announcement" checked' in shown.text
    shown = await admin.send("/groups/new", {"name": "  "})
    assert shown.status == 422 and "1 to 100 characters" in shown.text
    shown = await admin.send("/groups/new", {"name": "Neu", "description": "x" * 501})
    assert shown.status == 422 and "up to 500" in shown.text


async def test_groups_are_found_by_parts_of_their_names_however_they_are_written(admin: Browser) -> None:
    for name in ("Frühschicht Nord", "Frühschicht Süd", "Glas"):
        await admin.desk.group(name)
    assert named(await admin.open("/groups")) == ["Frühschicht Nord", "Frühschicht Süd", "Glas"]
    assert named(await admin.open("/groups?q=sued+frueh")) == ["Frühschicht Süd"]
    shown = await admin.open("/groups?q=%3Cb%3E")
    assert "No group has these words" in shown.text and "<b>" not in shown.text


async def test_a_long_list_has_pages(admin: Browser) -> None:
    desk = admin.desk
    async with desk.directory.write(desk.company.id) as tx:
        await tx.add_groups([a_group(desk.company, name=f"Objekt {number:04}") for number in range(1000)])
    shown = await admin.open("/groups?page=20")
    assert named(shown) == [f"Objekt {number:04}" for number in range(950, 1000)]
    assert "Page 20 of 20" in shown.text and "Next page" not in shown.text
    assert named(await admin.open("/groups?page=99999")) == named(shown)
    assert named(await admin.open("/groups?page=x&q=objekt+0990")) == ["Objekt 0990"]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
async def test_the_list_costs_the_same_for_a_thousand_groups(desk: Desk) -> None:
    from tests.integration.website.conftest import browser_at

    costs = []
    async with browser_at(desk) as admin:
        await admin.sign_in()
        assert isinstance(desk.directory, SqlDirectory)
        for more in (3, 1000):
            people = await saved_users(desk.directory, a_user(desk.company))
            async with desk.directory.write(desk.company.id) as tx:
                groups = [a_group(desk.company, name=f"Objekt {more} {number:04}") for number in range(more)]
                await tx.add_groups(groups)
                for group in groups[:60]:
                    await tx.put_members(group.id, {people[0].id: Role.MEMBER})
            with count_statements(desk.directory) as sent:
                shown = await admin.open("/groups")
            assert shown.status == 200 and "1 member" in shown.text
            costs.append(len(sent))
    assert costs[0] == costs[1] <= 6


async def test_a_group_is_changed_unless_somebody_else_did_meanwhile(admin: Browser, other_browser: Browser) -> None:
    made = await admin.desk.group("Frühschicht")
    path = f"/groups/{made['id']}/edit"
    await other_browser.sign_in()
    mine, theirs = await admin.open(path), await other_browser.open(path)
    shown = await other_browser.send(path, theirs.fields | {"name": "Spätschicht", "kind": "team"})
    assert shown.path == f"/groups/{made['id']}" and "<h1>Spätschicht</h1>" in shown.text
    shown = await admin.send(path, mine.fields | {"name": "Mittelschicht", "kind": "announcement"})
    assert shown.status == 409 and "Somebody else changed this group" in shown.text
    assert "Spätschicht" in shown.text and shown.fields["name"] == "Mittelschicht"
    shown = await admin.send(path, shown.fields | {"kind": "announcement"})
    assert "<h1>Mittelschicht</h1>" in shown.text and "only moderators write" in shown.text


async def test_deleting_says_what_is_lost_and_asks(admin: Browser) -> None:
    desk = admin.desk
    made = await desk.group("Frühschicht")
    path = f"/groups/{made['id']}/delete"
    async with desk.working():
        await usable(admin, made["id"])
        shown = await admin.open(path)
        assert "with all messages in it" in shown.text
        assert (await admin.send(path)).path == path, "not without the tick"
        shown = await admin.send(path, {"sure": "yes"})
        assert shown.path == "/groups" and "There is no group yet" in shown.text
        assert (await admin.open(f"/groups/{made['id']}")).status == 404
        async with asyncio.timeout(10):
            while await desk.server.room_names(desk.company):
                await asyncio.sleep(0.01)


async def test_a_page_shows_moderators_first_and_five_thousand_members_in_pages(admin: Browser) -> None:
    desk = admin.desk
    people = await saved_users(desk.directory, *(a_user(desk.company, username=f"u{n:04}") for n in range(5000)))
    group = await saved_group(desk.directory, desk.company, *people)
    async with desk.directory.write(desk.company.id) as tx:
        await tx.put_members(group.id, {people[4321].id: Role.MODERATOR})
    shown = await admin.open(f"/groups/{group.id}")
    rows = re.findall(r'<a href="/people/[0-9a-f]+">[^<]+</a> <span class="quiet">(u\d+)</span>', shown.text)
    assert rows == ["u4321", *(f"u{n:04}" for n in range(100))] and "5,000" in shown.text
    shown = await admin.open(f"/groups/{group.id}?after=u4320")
    assert "u4321<" not in shown.text, "who moderates stands on the first page only"
    assert "u4322" in shown.text and "u4420" in shown.text and "First page" in shown.text


async def test_what_failed_is_told_until_it_works(admin: Browser) -> None:
    desk = admin.desk
    made = await desk.group("Frühschicht")
    async with desk.directory.write(desk.company.id) as tx:
        group = await tx.group(desk.company.id, made["id"])
        assert group is not None
        due = await tx.due(circle_marks.scope_of(group))
        assert due is not None
        await tx.fail_due(due, error="The server is away.", next_attempt_at=datetime.now(UTC))
    shown = await admin.open(f"/groups/{made['id']}")
    assert "the last attempt failed" in shown.text and "The server is away." in shown.text
    async with desk.directory.write(desk.company.id) as tx:
        await tx.fail_due(due, error="gruppen.firma.test did not answer in time.", next_attempt_at=datetime.now(UTC))
    admin.language = "de"
    shown = await admin.open(f"/groups/{made['id']}")
    assert '<p class="quiet">gruppen.firma.test hat nicht rechtzeitig geantwortet.</p>' in shown.text
    admin.language = "en"
    async with desk.working():
        await usable(admin, made["id"])


async def test_a_room_is_not_called_usable_while_somebody_still_has_to_come_or_go(admin: Browser) -> None:
    desk = admin.desk
    aylin, made = await person(desk), await desk.group("Frühschicht")
    async with desk.working():
        await usable(admin, made["id"])
    for change in ({"add": [{"user_id": aylin.id}]}, {"remove": [aylin.id]}):
        answer = await desk.call("PATCH", f"/groups/{made['id']}/members", change)
        assert answer.status == 200, answer.text
        shown = await admin.open(f"/groups/{made['id']}/state")
        assert "usable" not in shown.text and "The phones of 1 person" in shown.text
        async with desk.working():
            await usable(admin, made["id"])


async def test_a_lead_sees_their_groups_first_and_changes_nothing_but_their_circles(browser: Browser) -> None:
    desk = browser.desk
    aylin = await person(desk)
    theirs, other = await desk.group("Zuletzt"), await desk.group("Anderswo")
    await desk.call("PUT", f"/groups/{theirs['id']}/members/{aylin.id}", {"role": "moderator"})
    await desk.call("PUT", f"/groups/{other['id']}/members/{aylin.id}", {"role": "member"})
    await browser.sign_in(StaffRole.GROUP_LEAD, user=aylin)
    shown = await browser.send("/language", {"language": "en"})
    shown = await browser.open("/groups")
    assert named(shown) == ["Zuletzt", "Anderswo"] and shown.text.count("You moderate this group") == 1
    assert "/groups/new" not in shown.text
    shown = await browser.open(f"/groups/{theirs['id']}")
    assert f"/groups/{theirs['id']}/circle" in shown.text
    assert "/edit" not in shown.text and "/delete" not in shown.text
    assert "/circle" not in (await browser.open(f"/groups/{other['id']}")).text
    assert (await browser.open(f"/groups/{theirs['id']}/circle")).status == 200
    refused = await browser.open(f"/groups/{other['id']}/circle")
    assert refused.status == 403 and "You change only the groups that you moderate." in refused.text
    assert (await browser.send(f"/groups/{other['id']}/circle", {"do": "save", "version": "1"})).status == 403
    for path in ("/groups/new", f"/groups/{theirs['id']}/edit", f"/groups/{theirs['id']}/delete"):
        assert (await browser.open(path)).status == 403
        assert (await browser.send(path, {"name": "x", "sure": "yes"})).status == 403
    for path in (f"/groups/{theirs['id']}/rule", f"/groups/{theirs['id']}/why/{aylin.id}"):
        assert (await browser.open(path)).status == 200
        assert (await browser.send(path, {"do": "save", "rule": 'site = "x"'})).status == 403
    async with desk.directory.read() as tx:
        assert [group.name for group in await tx.page_groups(desk.company.id, after=None, limit=9)] == [
            "Anderswo",
            "Zuletzt",
        ]


@pytest.mark.parametrize("role", [StaffRole.HR, StaffRole.AUDITOR])
async def test_who_may_only_read_changes_nothing(browser: Browser, role: StaffRole) -> None:
    desk = browser.desk
    aylin = await person(desk)
    made = await desk.group("Frühschicht")
    await desk.call("PUT", f"/groups/{made['id']}/members/{aylin.id}", {"role": "moderator"})
    await browser.sign_in(role, user=aylin)
    shown = await browser.open(f"/groups/{made['id']}")
    assert shown.status == 200 and "/circle" not in shown.text and "/edit" not in shown.text
    assert (await browser.open(f"/groups/{made['id']}/circle")).status == 403
    assert (await browser.send(f"/groups/{made['id']}/circle", {"do": "save"})).status == 403


async def test_groups_of_another_company_are_not_there(admin: Browser) -> None:
    desk = admin.desk
    group = await saved_group(desk.directory, await desk.company_named("andere.test"))
    for path in ("", "/circle", "/rule", "/edit", "/delete", "/state"):
        assert (await admin.open(f"/groups/{group.id}{path}")).status == 404, path


async def test_who_left_is_marked_in_the_list_of_members(admin: Browser) -> None:
    desk = admin.desk
    aylin, made = await person(desk), await desk.group("Frühschicht")
    await desk.call("PUT", f"/groups/{made['id']}/members/{aylin.id}", {"role": "member"})
    await users.deactivate(desk.directory, desk.company, aylin.id, actor="test", reason=None, now=AT)
    shown = await admin.open(f"/groups/{made['id']}")
    assert "left</span>" in shown.text and "Nobody moderates this group." in shown.text


async def test_what_is_no_id_leads_nowhere(admin: Browser) -> None:
    for path in ("/groups/%00", "/groups/x", "/groups/%00/rule", "/groups/%00/why/%00", "/groups/%00/circle"):
        assert (await admin.open(path)).status == 404, path
