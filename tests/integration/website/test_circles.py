"""The editor of a circle: search, paste, whole sites, moderators, the preview, and two who edit at once."""

import re
from collections.abc import Collection
from typing import Any

import pytest

from kleanxmpp.model import Absence, Company, Role, User
from kleanxmpp.website_ports import StaffRole
from tests.contracts.directory_base import saved_group, saved_users
from tests.factories import a_credential, a_user
from tests.integration.admin_api.desk import Desk
from tests.integration.website.browser import Browser, Shown
from tests.integration.website.forms import form_with
from tests.integration.website.test_groups import usable
from tests.integration.website.test_signing_in import person


class Editor:
    """The editor of one group in one browser: what is on the page is what is sent."""

    def __init__(self, browser: Browser, group_id: str) -> None:
        self.browser, self.path = browser, f"/groups/{group_id}/circle"
        self.shown: Shown

    async def open(self) -> "Editor":
        self.shown = await self.browser.open(self.path)
        assert self.shown.status == 200, self.shown.text
        return self

    async def press(self, what: str, *, clear: Collection[tuple[str, str]] = (), **typed: Any) -> Shown:
        """Press a button, with these boxes cleared and these fields filled in (or boxes ticked) before."""
        sent = form_with(self.shown, "base")
        for name, value in clear:
            sent[name].remove(value)
        for name, value in typed.items():
            sent[name] = [*sent.get(name, []), *value] if isinstance(value, list) else [value]
        self.shown = await self.browser.send(self.path, sent | {"do": what})
        return self.shown


async def roles(desk: Desk, group_id: str) -> dict[str, Role]:
    async with desk.directory.read() as tx:
        return dict(await tx.roles(group_id))


async def some(desk: Desk, *names: str) -> list[User]:
    return [await person(desk, name) for name in names]


async def test_people_are_searched_added_previewed_and_saved(admin: Browser) -> None:
    desk = admin.desk
    aylin, bernd = await some(desk, "Aylin Öztürk", "Bernd Kühn")
    made = await desk.group("Frühschicht")
    async with desk.directory.write(desk.company.id) as tx:
        await tx.add_credentials([a_credential(aylin), a_credential(aylin), a_credential(bernd)])
    editor = await Editor(admin, made["id"]).open()
    assert "Nobody yet." in editor.shown.text
    shown = await editor.press("search", q="oeztuerk")
    assert f'value="add {aylin.id}"' in shown.text and bernd.id not in shown.text
    shown = await editor.press(f"add {aylin.id}")
    assert "in 1, out 0" in shown.text and f'value="remove {aylin.id}"' in shown.text
    await editor.press("search", q="kühn")
    await editor.press(f"add {bernd.id}")
    shown = await editor.press("preview", moderator=[bernd.id])
    assert "2 people come in" in shown.text and "seen on 3 devices" in shown.text
    assert re.search(r"Bernd Kühn.*as moderator", shown.text) and "Nobody moderates" not in shown.text
    assert await roles(desk, made["id"]) == {}, "nothing counts before it is saved"
    shown = await editor.press("save")
    assert shown.path == f"/groups/{made['id']}" and "Aylin Öztürk" in shown.text
    assert await roles(desk, made["id"]) == {aylin.id: Role.MEMBER, bernd.id: Role.MODERATOR}
    async with desk.working():
        await usable(admin, made["id"])
    audit = (await desk.call("GET", "/audit?limit=100")).body["items"]
    changed = next(entry for entry in audit if entry["action"] == "group.circle_changed")
    assert changed["actor"].startswith("session:")


async def test_people_go_out_by_clearing_their_box_and_back_leads_to_the_same_list(admin: Browser) -> None:
    desk = admin.desk
    aylin, bernd, cem = await some(desk, "Aylin", "Bernd", "Cem")
    group = await saved_group(desk.directory, desk.company, aylin, bernd, cem)
    editor = await Editor(admin, group.id).open()
    shown = await editor.press("preview", clear=[("stay", aylin.id)], moderator=[cem.id])
    assert "1 person goes out" in shown.text and "1 person gets another role" in shown.text
    shown = await editor.press("edit")
    assert "goes out" in shown.text
    sent = form_with(shown, "base")
    assert (set(sent["stay"]), sent["moderator"]) == ({bernd.id, cem.id}, [cem.id])
    await editor.press("preview")
    await editor.press("save")
    assert await roles(desk, group.id) == {bernd.id: Role.MEMBER, cem.id: Role.MODERATOR}


async def test_a_pasted_list_adds_whom_it_names_and_gives_back_what_is_not_clear(admin: Browser) -> None:
    desk = admin.desk
    aylin, first, second = await some(desk, "Aylin Öztürk", "Anna Berg", "Anna Berg")
    (numbered,) = await saved_users(
        desk.directory, a_user(desk.company, email="cem@firma.test", attributes={"employee_number": ("0815",)})
    )
    group = await saved_group(desk.directory, desk.company, numbered)
    editor = await Editor(admin, group.id).open()
    shown = await editor.press("paste", pasted="Öztürk, Aylin\r\n\r\n<script>\r\nAnna Berg\r\n0815\r\ncem@firma.test")
    assert "1 person was added." in shown.text and "1 was in the list already." in shown.text
    assert "Line 3:" in shown.text and "&lt;script&gt;" in shown.text and "nobody is called that" in shown.text
    assert "Line 4:" in shown.text and f"add {first.id}" in shown.text and f"add {second.id}" in shown.text
    assert form_with(shown, "base")["pasted"] == ["<script>\nAnna Berg\n"], "only what is not clear stays to be mended"
    await editor.press(f"add {second.id}")
    await editor.press("preview")
    await editor.press("save")
    assert set(await roles(desk, group.id)) == {aylin.id, numbered.id, second.id}


async def test_a_whole_site_is_added_from_the_values_that_exist(admin: Browser) -> None:
    desk = admin.desk
    north = await saved_users(
        desk.directory, *(a_user(desk.company, attributes={"site": ("Objekt Nord",)}) for _ in "abc")
    )
    await saved_users(desk.directory, a_user(desk.company, attributes={"site": ("Süd",), "manager": ("X",)}))
    group = await saved_group(desk.directory, desk.company)
    editor = await Editor(admin, group.id).open()
    assert "Objekt Nord" not in editor.shown.text, "everybody is read only when somebody asks"
    shown = await editor.press("places")
    assert re.search(r'<option value="site=Objekt Nord">Objekt Nord \(3 people\)', shown.text)
    assert re.search(r"Süd \(1 person\)", shown.text) and "manager" not in shown.text
    shown = await editor.press("place", place="site=Objekt Nord")
    assert "3 people were added." in shown.text
    await editor.press("preview")
    await editor.press("save")
    assert set(await roles(desk, group.id)) == {user.id for user in north}


async def test_the_preview_warns_of_what_one_would_not_expect(admin: Browser) -> None:
    desk = admin.desk
    company: Company = desk.company
    async with desk.directory.write(company.id) as tx:
        found = await tx.company(company.id)
        assert found is not None
    members = await saved_users(desk.directory, *(a_user(company) for _ in range(company.contacts_max)))
    away, plain = await saved_users(
        desk.directory, a_user(company, display_name="Ferne Fee", absence=Absence.PAUSED), a_user(company)
    )
    group = await saved_group(desk.directory, company, *members)
    editor = await Editor(admin, group.id).open()
    await editor.press(f"add {away.id}")
    await editor.press(f"add {plain.id}")
    shown = await editor.press("preview")
    assert "may not chat at the moment" in shown.text and "Ferne Fee" in shown.text
    assert "grows beyond 250 people" in shown.text and "Nobody moderates the group then." in shown.text
    assert "Afterwards 252 people" in shown.text


async def test_who_is_erased_meanwhile_is_left_out_and_said(admin: Browser) -> None:
    desk = admin.desk
    aylin, bernd = await some(desk, "Aylin", "Bernd")
    group = await saved_group(desk.directory, desk.company)
    editor = await Editor(admin, group.id).open()
    await editor.press(f"add {aylin.id}")
    await editor.press(f"add {bernd.id}")
    async with desk.directory.write(desk.company.id) as tx:
        await tx.delete_user(desk.company.id, bernd.id)
    shown = await editor.press("preview")
    assert "1 person of your list is not in the directory any more" in shown.text and "1 person comes in" in shown.text
    assert (await editor.press("save")).path == f"/groups/{group.id}"
    assert set(await roles(desk, group.id)) == {aylin.id}


@pytest.mark.parametrize("when", ["preview", "save", "search"])
async def test_of_two_who_edit_at_once_none_loses_anything(admin: Browser, other_browser: Browser, when: str) -> None:
    desk = admin.desk
    aylin, bernd, cem, dilek = await some(desk, "Aylin", "Bernd", "Cem", "Dilek")
    group = await saved_group(desk.directory, desk.company, aylin, bernd)
    await other_browser.sign_in()
    mine, theirs = await Editor(admin, group.id).open(), await Editor(other_browser, group.id).open()
    await mine.press(f"add {cem.id}")
    await mine.press("page", clear=[("stay", aylin.id)])
    if when == "save":
        await mine.press("preview")
    await theirs.press(f"add {dilek.id}")
    await theirs.press("preview", clear=[("stay", bernd.id)])
    assert (await theirs.press("save")).status == 200
    shown = await mine.press(when)
    assert shown.status == 409 and "Somebody else was faster" in shown.text
    before, after = shown.text.split("What you want to change", 1)
    assert "Dilek" in before and "Bernd" in before and "Cem" not in before
    assert "Cem" in after and "Aylin" in after and "Dilek" not in after
    assert set(await roles(desk, group.id)) == {aylin.id, dilek.id}, "what they did stands"
    shown = await mine.press("preview")
    assert "1 person comes in" in shown.text and "1 person goes out" in shown.text
    await mine.press("save")
    assert set(await roles(desk, group.id)) == {cem.id, dilek.id}, "mine on top of theirs"


async def test_taking_theirs_begins_with_the_circle_as_it_is(admin: Browser) -> None:
    desk = admin.desk
    aylin, bernd = await some(desk, "Aylin", "Bernd")
    group = await saved_group(desk.directory, desk.company)
    editor = await Editor(admin, group.id).open()
    await editor.press(f"add {aylin.id}")
    await desk.call("PUT", f"/groups/{group.id}/members/{bernd.id}", {"role": "member"})
    shown = await editor.press("preview")
    assert shown.status == 409 and f'href="/groups/{group.id}/circle">Take theirs' in shown.text
    await editor.open()
    assert form_with(editor.shown, "base")["stay"] == [bernd.id]


async def test_a_script_gets_the_conflict_in_place_of_the_page(admin: Browser) -> None:
    desk = admin.desk
    (aylin,) = await some(desk, "Aylin")
    group = await saved_group(desk.directory, desk.company)
    editor = await Editor(admin, group.id).open()
    await desk.call("PUT", f"/groups/{group.id}/members/{aylin.id}", {"role": "member"})
    sent = form_with(editor.shown, "base") | {"do": ["search"]}
    shown = await admin.send(editor.path, sent, headers={"HX-Request": "true"})
    assert (shown.status, shown.headers["HX-Retarget"]) == (200, "#content") and "faster" in shown.text
    await admin.open(editor.path)
    await admin.send("/sign-out")
    shown = await admin.send(editor.path, sent, headers={"HX-Request": "true"}, csrf=None)
    assert shown.headers["HX-Retarget"] == "#content" and "is kept on this page" in shown.text
    assert shown.fields["base"] == "".join(sent["base"]), "a draft outlives its session in scripts, too"


async def test_a_thousand_members_travel_there_and_back(admin: Browser) -> None:
    desk = admin.desk
    made = (
        a_user(desk.company, username=f"u{n:04}", display_name=f"Person {n:04}", nickname=f"P {n:04}")
        for n in range(1000)
    )
    people = await saved_users(desk.directory, *made)
    group = await saved_group(desk.directory, desk.company)
    editor = await Editor(admin, group.id).open()
    shown = await editor.press("paste", pasted="\n".join(user.username for user in people))
    assert "1,000 people were added." in shown.text and "900 more come in" in shown.text
    await editor.press("preview", moderator=[people[7].id])
    await editor.press("save")
    found = await roles(desk, group.id)
    assert len(found) == 1000 and [user for user, role in found.items() if role is Role.MODERATOR] == [people[7].id]
    await editor.open()
    shown = await editor.press("page u0899", clear=[("stay", people[3].id)])
    assert form_with(shown, "base")["stay"] == [user.id for user in people[900:]]
    shown = await editor.press("page ", clear=[("stay", people[950].id)])
    assert "in 0, out 2, other role 0" in shown.text
    await editor.press("preview")
    await editor.press("save")
    assert (await roles(desk, group.id)).keys() == found.keys() - {people[3].id, people[950].id}


async def test_a_lead_changes_the_circle_they_moderate_until_they_do_not_any_more(browser: Browser) -> None:
    desk = browser.desk
    aylin, bernd = await some(desk, "Aylin", "Bernd")
    group = await saved_group(desk.directory, desk.company)
    await desk.call("PUT", f"/groups/{group.id}/members/{aylin.id}", {"role": "moderator"})
    await browser.sign_in(StaffRole.GROUP_LEAD, user=aylin)
    editor = await Editor(browser, group.id).open()
    await editor.press(f"add {bernd.id}")
    await editor.press("preview")
    await editor.press("save")
    assert await roles(desk, group.id) == {aylin.id: Role.MODERATOR, bernd.id: Role.MEMBER}
    await editor.open()
    await desk.call("PUT", f"/groups/{group.id}/members/{aylin.id}", {"role": "member"})
    assert (await editor.press("save", clear=[("stay", bernd.id)])).status == 403
    assert bernd.id in await roles(desk, group.id)


@pytest.mark.parametrize("sent", [{"base": "x"}, {"changes": "-" + "0" * 32}, {"shown": "x"}, {"version": "x"}, {}])
async def test_a_form_that_is_not_ours_changes_nothing(admin: Browser, sent: dict[str, str]) -> None:
    (aylin,) = await some(admin.desk, "Aylin")
    group = await saved_group(admin.desk.directory, admin.desk.company, aylin)
    await admin.open(f"/groups/{group.id}/circle")
    shown = await admin.send(f"/groups/{group.id}/circle", {"do": "save"} | sent)
    assert 400 <= shown.status < 500
    assert await roles(admin.desk, group.id) == {aylin.id: Role.MEMBER}
