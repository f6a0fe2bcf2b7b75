"""Rules of groups on the website: written, tried, saved, excepted from, and explained."""

import re

from kleanxmpp import users
from kleanxmpp.model import Role, User
from tests.contracts.directory_base import saved_users
from tests.factories import AT, a_user
from tests.integration.admin_api.desk import Desk
from tests.integration.website.browser import Browser
from tests.integration.website.forms import form_with
from tests.integration.website.test_circles import Editor, roles

RULE = 'site = "Nord" and not role = "Leihkraft"'


async def of_site(desk: Desk, name: str, site: str, **attributes: tuple[str, ...]) -> User:
    facts = {"site": (site,), "role": ("Reinigung",)} | attributes
    (user,) = await saved_users(
        desk.directory, a_user(desk.company, display_name=name, username=name.lower(), attributes=facts)
    )
    return user


async def test_a_rule_is_tried_saved_and_said_in_words(admin: Browser) -> None:
    desk = admin.desk
    anna, _ = await of_site(desk, "Anna", "Nord"), await of_site(desk, "Bernd", "Süd")
    await of_site(desk, "Cem", "Nord", role=("Leihkraft",))
    made = await desk.group("Nord")
    path = f"/groups/{made['id']}/rule"
    assert "This group has no rule" in (await admin.open(path)).text
    shown = await admin.send(path, {"do": "preview", "rule": RULE})
    assert "1 person comes in" in shown.text and "Anna" in shown.text and "Bernd" not in shown.text
    assert "site is “Nord” and job is not “Leihkraft”" in shown.text
    assert await roles(desk, made["id"]) == {}, "trying changes nothing"
    sent = {"rule": shown_rule(shown.text), "version": shown.fields["version"]}
    shown = await admin.send(path, sent | {"do": "save"})
    assert shown.path == f"/groups/{made['id']}" and "site is “Nord” and job is not “Leihkraft”" in shown.text
    assert "by the rule" in shown.text and await roles(desk, made["id"]) == {anna.id: Role.MEMBER}
    assert "Follows a rule" in (await admin.open("/groups")).text
    admin.language = "de"
    assert "Standort ist „Nord“ und Tätigkeit ist nicht „Leihkraft“" in (await admin.open(path)).text


def shown_rule(text: str) -> str:
    found = re.search(r'<textarea name="rule" hidden[^>]*>([^<]*)</textarea>', text)
    assert found, text
    return found.group(1).replace("&#34;", '"')


async def test_what_is_no_rule_is_said_and_kept(admin: Browser) -> None:
    made = await admin.desk.group("Nord")
    await admin.open(f"/groups/{made['id']}/rule")
    shown = await admin.send(f"/groups/{made['id']}/rule", {"do": "preview", "rule": "site = Nord"})
    assert shown.status == 422 and "not understood" in shown.text and ">site = Nord</textarea>" in shown.text
    admin.language = "de"
    shown = await admin.send(f"/groups/{made['id']}/rule", {"do": "preview", "rule": "site = Nord"})
    assert "Es fehlt ein Wert in Anführungszeichen, etwa &#34;Nord&#34;, vor Nord." in shown.text


async def test_a_rule_is_not_saved_over_somebody_elses_change(admin: Browser) -> None:
    made = await admin.desk.group("Nord")
    path = f"/groups/{made['id']}/rule"
    shown = await admin.open(path)
    await admin.desk.call("PATCH", f"/groups/{made['id']}", {"name": "Norden"})
    shown = await admin.send(path, {"do": "save", "rule": RULE, "version": shown.fields["version"]})
    assert shown.status == 409 and "What you wrote is kept" in shown.text and "Leihkraft" in shown.text
    shown = await admin.send(path, {"do": "save", "rule": RULE, "version": shown.fields["version"]})
    assert shown.path == f"/groups/{made['id']}"


async def test_a_rule_goes_with_its_members_or_without(admin: Browser) -> None:
    desk = admin.desk
    anna = await of_site(desk, "Anna", "Nord")
    for keep, left in (({}, {}), ({"keep": "yes"}, {anna.id: Role.MEMBER})):
        made = await desk.group(f"Nord {len(keep)}", rule=RULE)
        shown = await admin.open(f"/groups/{made['id']}/rule")
        shown = await admin.send(f"/groups/{made['id']}/rule", {"do": "preview", "rule": " "})
        assert "no rule any more" in shown.text and "1 person goes out" in shown.text
        await admin.send(
            f"/groups/{made['id']}/rule", {"do": "save", "rule": "", "version": shown.fields["version"]} | keep
        )
        assert await roles(desk, made["id"]) == left


async def test_why_somebody_is_in_and_an_exception_that_is_lifted_again(admin: Browser) -> None:
    desk = admin.desk
    anna, bernd = await of_site(desk, "Anna", "Nord"), await of_site(desk, "Bernd", "Süd")
    made = await desk.group("Nord", rule=RULE)
    shown = await admin.open(f"/groups/{made['id']}/rule?q=anna")
    assert shown.path == f"/groups/{made['id']}/why/{anna.id}"
    assert "Anna is in the group “Nord” because the rule holds" in shown.text
    shown = await admin.send(shown.path, {"do": "except"})
    assert "there is an exception" in shown.text and await roles(desk, made["id"]) == {}
    shown = await admin.open(f"/groups/{made['id']}/rule")
    shown = await admin.send(f"/groups/{made['id']}/rule", {"do": f"lift {anna.id}"})
    assert "There are none." in shown.text and await roles(desk, made["id"]) == {anna.id: Role.MEMBER}
    admin.language = "de"
    shown = await admin.open(f"/groups/{made['id']}/why/{bernd.id}")
    assert "Bernd gehört nicht zur Gruppe „Nord“" in shown.text
    shown = await admin.open(f"/groups/{made['id']}/rule?q=Niemand")
    assert "Niemand heißt genau so" in shown.text


async def test_the_editor_of_a_circle_leaves_those_alone_who_are_in_by_the_rule(admin: Browser) -> None:
    desk = admin.desk
    anna, bernd = await of_site(desk, "Anna", "Nord"), await of_site(desk, "Bernd", "Süd")
    made = await desk.group("Nord", rule=RULE)
    editor = await Editor(admin, made["id"]).open()
    assert "in by the rule" in editor.shown.text and "stay" not in form_with(editor.shown, "base")
    await editor.press(f"add {bernd.id}")
    await editor.press("preview")
    await editor.press("save")
    assert await roles(desk, made["id"]) == {anna.id: Role.MEMBER, bernd.id: Role.MEMBER}
    await editor.open()
    shown = await editor.press("preview", clear=[("stay", bernd.id)])
    assert "Whom the rule matches stays in" in shown.text and "Afterwards 1 person" in shown.text
    await editor.press("save")
    assert await roles(desk, made["id"]) == {anna.id: Role.MEMBER}


async def test_a_person_of_the_list_who_left_explains_themselves(admin: Browser) -> None:
    desk = admin.desk
    anna = await of_site(desk, "Anna", "Nord")
    made = await desk.group("Nord", rule=RULE)
    await users.deactivate(desk.directory, desk.company, anna.id, actor="test", reason=None, now=AT)
    shown = await admin.open(f"/groups/{made['id']}/why/{anna.id}")
    assert "The membership rests" in shown.text
