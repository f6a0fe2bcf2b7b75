"""Archiving a group on the website and bringing it back: what the pages say, and who may."""

import asyncio

import pytest

from kleanxmpp import circle_marks
from kleanxmpp.model import GroupKind
from kleanxmpp.website_ports import StaffRole
from tests.integration.website.browser import Browser, Shown
from tests.integration.website.test_groups import named, usable
from tests.integration.website.test_signing_in import person


async def state(browser: Browser, group_id: str, words: str) -> Shown:
    """Ask for the state until the page says this."""
    async with asyncio.timeout(10):
        while words not in (shown := await browser.open(f"/groups/{group_id}/state")).text:
            await asyncio.sleep(0.01)
    return shown


async def test_a_group_is_archived_leaves_the_list_and_is_brought_back(admin: Browser) -> None:
    desk = admin.desk
    aylin, made = await person(desk), await desk.group("Objekt 12")
    await desk.group("Glas")
    await desk.call("PUT", f"/groups/{made['id']}/members/{aylin.id}", {})
    path = f"/groups/{made['id']}"
    assert "show=archived" not in (await admin.open("/groups")).text, "no filter before there is something to filter"
    async with desk.working():
        await usable(admin, made["id"])
    shown = await admin.open(path)
    assert f'href="{path}/archive"' in shown.text and "Bring back" not in shown.text

    shown = await admin.open(path + "/archive")
    for said in ("Archive Objekt 12?", "1 member does not have the group any more", "as long as your company keeps"):
        assert said in shown.text
    shown = await admin.send(path + "/archive", {"do": "archive"})
    assert shown.path == path and "Bring back" in shown.text and "Archived on" in shown.text
    assert "Everybody is being taken out of the room." in shown.text and "usable" not in shown.text
    async with desk.working():
        shown = await state(admin, made["id"], "This group is archived: nobody has it")
    assert "hx-trigger" not in shown.text
    async with desk.directory.read() as tx:
        group = await tx.group(desk.company.id, made["id"])
        assert group is not None and group.archived and await tx.due(circle_marks.scope_of(group)) is None
    assert desk.server.holdings(desk.company).rooms[group.slug].affiliations == {}

    shown = await admin.open("/groups")
    assert named(shown) == ["Glas"] and "Archived (1)" in shown.text
    shown = await admin.open("/groups?show=archived")
    assert named(shown) == ["Objekt 12"] and 'name="show" value="archived"' in shown.text
    assert named(await admin.open("/groups?show=archived&q=glas")) == []
    assert "archived</span>" in (await admin.open(f"/people/{aylin.id}")).text

    shown = await admin.open(path + "/archive")
    assert "Bring Objekt 12 back?" in shown.text and "1 member has the group again" in shown.text
    shown = await admin.send(path + "/archive", {"do": "restore"})
    assert shown.path == path and "archived" not in shown.text
    async with desk.working():
        await usable(admin, made["id"])
    assert len(desk.server.holdings(desk.company).rooms[group.slug].affiliations) == 1
    assert named(await admin.open("/groups")) == ["Glas", "Objekt 12"]
    assert "No group is archived." in (await admin.open("/groups?show=archived")).text
    shown = await admin.open("/audit")
    assert "group archived" in shown.text and "group brought back" in shown.text


async def test_where_all_groups_are_archived_the_list_still_leads_to_them(admin: Browser) -> None:
    made = await admin.desk.group("Objekt 12")
    await admin.desk.call("POST", f"/groups/{made['id']}/archive")
    shown = await admin.open("/groups")
    assert "All groups are archived." in shown.text and "Archived (1)" in shown.text
    assert "/archive" not in (await admin.open(f"/groups/{made['id']}/delete")).text
    assert (await admin.send(f"/groups/{made['id']}/delete", {"sure": "yes"})).path == "/groups"
    assert (await admin.open(f"/groups/{made['id']}")).status == 404


async def test_the_page_for_deleting_names_the_gentler_way(admin: Browser) -> None:
    made = await admin.desk.group("Objekt 12")
    shown = await admin.open(f"/groups/{made['id']}/delete")
    assert "archive it instead" in shown.text and f'href="/groups/{made["id"]}/archive"' in shown.text


async def test_the_name_of_an_archived_group_is_refused_with_the_reason(admin: Browser) -> None:
    desk = admin.desk
    made, other = await desk.group("Objekt 12"), await desk.group("Glas")
    await desk.call("POST", f"/groups/{made['id']}/archive")
    for path in ("/groups/new", f"/groups/{other['id']}/edit"):
        await admin.open(path)
        shown = await admin.send(path, {"name": " Objekt  12 ", "version": "1"})
        assert shown.status == 422 and "An archived group has this name. Bring that one back" in shown.text


@pytest.mark.parametrize("kind", GroupKind)
async def test_a_preview_says_that_nobody_sees_an_archived_group(admin: Browser, kind: GroupKind) -> None:
    desk = admin.desk
    aylin, made = await person(desk), await desk.group("Objekt 12", kind=kind.value)
    await desk.call("POST", f"/groups/{made['id']}/archive")
    path = f"/groups/{made['id']}/circle"
    fields = (await admin.open(path)).fields
    fields = (await admin.send(path, {**fields, "do": f"add {aylin.id}"})).fields
    shown = await admin.send(path, {**fields, "do": "preview"})
    assert "Nobody sees it: the group is archived." in shown.text and "It is seen on" not in shown.text
    await admin.send(path, {**shown.fields, "do": "save"})
    assert (await desk.call("GET", f"/groups/{made['id']}/members")).body["total"] == 1


async def test_only_who_may_change_groups_archives_them(browser: Browser) -> None:
    desk = browser.desk
    aylin, theirs = await person(desk), await desk.group("Objekt 12")
    await desk.call("PUT", f"/groups/{theirs['id']}/members/{aylin.id}", {"role": "moderator"})
    path = f"/groups/{theirs['id']}"
    for role in (StaffRole.GROUP_LEAD, StaffRole.HR, StaffRole.AUDITOR):
        await browser.sign_in(role, user=aylin)
        assert "/archive" not in (await browser.open(path)).text
        assert (await browser.open(path + "/archive")).status == 403
        assert (await browser.send(path + "/archive", {"do": "archive"})).status == 403
    assert (await desk.call("GET", path)).body["archived_at"] is None
    await desk.call("POST", path + "/archive")
    assert "Bring back" not in (await browser.open(path)).text
    assert (await browser.send(path + "/archive", {"do": "restore"})).status == 403


async def test_the_pages_speak_german(admin: Browser) -> None:
    made = await admin.desk.group("Objekt 12")
    admin.language = "de"
    await admin.open("/groups")
    await admin.send("/language", {"language": "de"})
    assert "Objekt 12 archivieren?" in (await admin.open(f"/groups/{made['id']}/archive")).text
    await admin.desk.call("POST", f"/groups/{made['id']}/archive")
    assert "Objekt 12 zurückholen?" in (await admin.open(f"/groups/{made['id']}/archive")).text
    assert "Archiviert (1)" in (await admin.open("/groups")).text
