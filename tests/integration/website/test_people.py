"""The list of people, and adding and changing one: search, filters, pages, errors beside their fields."""

import re
from datetime import UTC, datetime

import pytest

from kleanxmpp import credentials, users
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.db.statements import count_statements
from kleanxmpp.edits import UserPatch
from kleanxmpp.model import Absence, User
from kleanxmpp.website_ports import StaffRole
from tests.factories import a_user
from tests.integration.admin_api.desk import Desk
from tests.integration.website.browser import Browser, Shown

SCRIPT = {"HX-Request": "true"}


async def saved(desk: Desk, *people: User) -> None:
    async with desk.directory.write(desk.company.id) as tx:
        await tx.add_users(people)


async def the_user(desk: Desk, user_id: str) -> User:
    async with desk.directory.read() as tx:
        found = await tx.user(desk.company.id, user_id)
    assert found is not None
    return found


async def signed_in(browser: Browser, role: StaffRole, name: str = "Petra Personal") -> User:
    """Sign somebody in who has this role; pages speak English."""
    user = await the_user(browser.desk, (await browser.desk.person(name, locale="en"))["id"])
    await browser.sign_in(role, user=user)
    return user


def names(shown: Shown) -> list[str]:
    return re.findall(r'<a(?: id="[^"]+")? href="/people/[0-9a-f]+">([^<]+)</a>', shown.text)


def next_page(shown: Shown) -> str | None:
    found = re.search(r'hx-get="(/people\?[^"]*after=[^"]*)"', shown.text)
    return found and found.group(1).replace("&amp;", "&")


def beside(shown: Shown, field: str) -> str:
    """Return what is said beside a field that is wrong."""
    assert re.search(rf'id="{field}"[^>]*aria-invalid="true"[^>]*aria-describedby="{field}-more"', shown.text), field
    found = re.search(rf'<small id="{field}-more" class="bad">([^<]+)</small>', shown.text)
    assert found, shown.text
    return found.group(1)


async def test_people_are_found_as_one_types(admin: Browser) -> None:
    desk = admin.desk
    await saved(
        desk,
        a_user(desk.company, display_name="Anna Müller", email="anna@firma.test", attributes={"site": ("Objekt 12",)}),
        a_user(desk.company, display_name="Bob <Bauer>"),
    )
    shown = await admin.open("/people")
    assert set(names(shown)) == {"Anna Müller", "Bob &lt;Bauer&gt;"}
    assert "anna@firma.test" in shown.text and "Objekt 12" in shown.text
    part = await admin.open("/people?q=mueller&filter=all", headers=SCRIPT)
    assert names(part) == ["Anna Müller"] and "<html" not in part.text and "1 person found" in part.text
    assert part.headers["Vary"] == "HX-Request"
    assert names(await admin.open("/people?q=BAUER")) == ["Bob &lt;Bauer&gt;"]
    nobody = await admin.open("/people?q=zzz")
    assert "Nobody was found" in nobody.text and 'value="zzz"' in nobody.text


async def test_what_nobody_can_be_called_finds_nobody(admin_on_sqlite: Browser) -> None:
    for query in ("q=%00", "q=%ED%A0%80", "after=%00&q=x", "filter=%00", f"q={'x' * 3000}"):
        assert (await admin_on_sqlite.open(f"/people?{query}")).status == 200, query


async def test_nobody_at_all_is_said_helpfully(admin: Browser) -> None:
    assert "There is nobody here yet" in (await admin.open("/people")).text


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("all", ["away", "bare", "gone", "mute", "phone"]),
        ("chat", ["bare", "phone"]),
        ("no-device", ["away", "bare"]),
        ("paused", ["away"]),
        ("left", ["gone"]),
        ("nonsense", ["away", "bare", "gone", "mute", "phone"]),
    ],
)
async def test_filters_show_who_is_meant(admin: Browser, chosen: str, expected: list[str]) -> None:
    company = admin.desk.company
    people = {
        "away": a_user(company, absence=Absence.PAUSED, absent_until=datetime(2031, 5, 4, tzinfo=UTC)),
        "bare": a_user(company),
        "gone": a_user(company, active=False),
        "mute": a_user(company, chat_permission=False),
        "phone": a_user(company),
    }
    await saved(admin.desk, *[a_user(company, id=user.id, username=name, display_name=name, active=user.active,
        chat_permission=user.chat_permission, absence=user.absence, absent_until=user.absent_until)
        for name, user in people.items()])  # fmt: skip
    await credentials.issue(
        admin.desk.directory, company, people["phone"].id, label="", actor="test", now=datetime.now(UTC)
    )
    shown = await admin.open(f"/people?filter={chosen}")
    assert names(shown) == expected
    for name, words in (("away", "paused until 04 May 2031"), ("bare", ">no device yet<"), ("phone", ">may chat<")):
        assert (words in shown.text) is (name in expected)


async def test_many_people_are_paged_without_gaps(admin: Browser) -> None:
    company = admin.desk.company
    await saved(admin.desk, *(a_user(company, username=f"u{n:03}", display_name=f"P{n:03}") for n in range(120)))
    shown = await admin.open("/people?q=p")
    seen = names(shown)
    while (more := next_page(shown)) is not None:
        assert "Back to the beginning" in (await admin.open(more)).text, "works without scripts, too"
        shown = await admin.open(more, headers=SCRIPT)
        assert shown.text.lstrip().startswith("<tr>"), "only rows"
        seen += names(shown)
    assert seen == [f"P{n:03}" for n in range(120)]


async def test_a_page_costs_the_same_whoever_is_listed(admin_on_sqlite: Browser) -> None:
    admin, counts = admin_on_sqlite, []
    assert isinstance(admin.desk.directory, SqlDirectory)
    for size in (1, 60):
        await saved(admin.desk, *(a_user(admin.desk.company) for _ in range(size)))
        with count_statements(admin.desk.directory) as sent:
            assert (await admin.open("/people?filter=no-device")).status == 200
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 12, counts


async def test_a_person_is_added(admin: Browser) -> None:
    await admin.open("/people/new")
    shown = await admin.send(
        "/people/new",
        {"display_name": " Aylin  Öztürk ", "email": "a@firma.test", "external_id": "4711", "locale": "en",
         "site": "Objekt 12; Objekt 14", "department": "", "chat_permission": "yes"},
    )  # fmt: skip
    assert shown.status == 200 and "The person was added" in shown.text
    user = await the_user(admin.desk, shown.path.removeprefix("/people/").partition("?")[0])
    assert (user.display_name, user.email, user.external_id, user.locale) == (
        "Aylin Öztürk", "a@firma.test", "4711", "en",
    )  # fmt: skip
    assert user.attributes == {"site": ("Objekt 12", "Objekt 14")} and user.chat_permission


async def test_what_is_wrong_is_said_beside_the_field_and_nothing_typed_is_lost(admin: Browser) -> None:
    await admin.desk.person("Bob", external_id="4711")
    await admin.open("/people/new")
    typed = {"display_name": "", "email": "no address", "external_id": 'a"b', "locale": "en", "site": "X; Y"}
    shown = await admin.send("/people/new", typed)
    assert shown.status == 422 and "1 to 200" in beside(shown, "display_name")
    assert "not an e-mail address" in beside(shown, "email")
    assert {name: shown.fields[name] for name in typed if name != "locale"} == {
        name: value for name, value in typed.items() if name != "locale"
    }
    assert re.search(r'value="en"[^>]* selected', shown.text) and 'value="yes" checked' not in shown.text
    shown = await admin.send("/people/new", typed | {"display_name": "Anna", "email": "", "external_id": "4711"})
    assert shown.status == 422 and "personnel number" in beside(shown, "external_id")
    shown = await admin.send("/people/new", typed | {"display_name": "Anna", "email": "", "locale": "fr"})
    assert shown.status == 422 and "choose something else" in beside(shown, "locale")


async def test_a_person_is_changed(admin: Browser) -> None:
    made = await admin.desk.person("Bob", attributes={"site": ["A"], "role": ["R"], "department": ["X; Y"]})
    path = f"/people/{made['id']}/edit"
    fields = (await admin.open(path)).fields
    assert fields["display_name"] == "Bob" and fields["site"] == "A"
    shown = await admin.send(path, fields | {"display_name": "Bert", "site": "", "chat_permission": "yes"})
    assert shown.status == 200 and "Saved." in shown.text and "Bert" in shown.text
    assert (await the_user(admin.desk, made["id"])).attributes == {"role": ("R",), "department": ("X; Y",)}
    shown = await admin.send(path, fields | {"version": "2", "display_name": "\t", "locale": "de"})
    assert shown.status == 422 and shown.fields["version"] == "2" and beside(shown, "display_name")


async def test_of_two_who_change_a_person_the_second_sees_what_the_first_did(admin: Browser) -> None:
    desk = admin.desk
    made = await desk.person("Bob", email="old@firma.test")
    path = f"/people/{made['id']}/edit"
    fields = (await admin.open(path)).fields
    patch = UserPatch(fields=frozenset({"email"}), email="new@firma.test")
    await users.update_user(desk.directory, desk.company, made["id"], patch, actor="test", now=datetime.now(UTC))
    typed = fields | {"display_name": "Bert", "locale": "de", "chat_permission": "yes"}
    shown = await admin.send(path, typed)
    assert shown.status == 409 and "Somebody else changed this person" in shown.text
    assert "Meanwhile it says here: new@firma.test" in shown.text and shown.fields["display_name"] == "Bert"
    shown = await admin.send(path, typed | {"version": shown.fields["version"]})
    assert shown.status == 200
    user = await the_user(desk, made["id"])
    assert (user.display_name, user.email) == ("Bert", "old@firma.test")


async def test_only_an_administrator_changes_what_an_administrator_signs_in_by(browser: Browser) -> None:
    desk = browser.desk
    await signed_in(browser, StaffRole.HR)
    boss, bob = await desk.person("Boss", email="boss@firma.test"), await desk.person("Bob")
    async with desk.directory.write(desk.company.id) as tx:
        await tx.save_staff_roles(desk.company.id, boss["id"], frozenset({StaffRole.ADMIN}))
    path = f"/people/{boss['id']}/edit"
    fields = (await browser.open(path)).fields | {"locale": "de", "chat_permission": "yes"}
    shown = await browser.send(path, fields | {"email": "mine@firma.test"})
    assert shown.status == 403 and "Only an administrator" in shown.text
    assert shown.fields["email"] == "mine@firma.test", "nothing typed is lost"
    assert (await the_user(desk, boss["id"])).email == "boss@firma.test"
    assert (await browser.send(path, fields | {"display_name": "Boß"})).status == 200
    path = f"/people/{bob['id']}/edit"
    fields = (await browser.open(path)).fields | {"locale": "de", "chat_permission": "yes"}
    assert (await browser.send(path, fields | {"email": "bob@firma.test"})).status == 200


async def test_taking_the_permission_away_shows_the_proof(admin: Browser) -> None:
    made = await admin.desk.person("Bob")
    fields = (await admin.open(f"/people/{made['id']}/edit")).fields
    fields.pop("chat_permission")
    shown = await admin.send(f"/people/{made['id']}/edit", fields | {"locale": "de"})
    assert shown.status == 200 and "/offboardings/" in shown.path and "Chat" in shown.text


@pytest.mark.parametrize("role", [StaffRole.GROUP_LEAD, StaffRole.AUDITOR])
async def test_who_may_only_look_sees_no_buttons_and_can_change_nothing(browser: Browser, role: StaffRole) -> None:
    await signed_in(browser, role)
    made = await browser.desk.person("Bob")
    one = f"/people/{made['id']}"
    listed, shown = await browser.open("/people"), await browser.open(one)
    assert "/people/new" not in listed.text and "Bob" in listed.text
    assert not re.search(rf'"{one}/(edit|pause|off-board|take-back|erase|access|roles|sign-out)', shown.text)
    assert ("History of off-boardings" in shown.text) is (role is StaffRole.AUDITOR)
    for path in ("edit", "pause", "off-board", "take-back", "erase", "access", "roles"):
        assert (await browser.open(f"{one}/{path}")).status == 403, path
        assert (await browser.send(f"{one}/{path}", {"reason": "x", "name": "Bob"})).status == 403, path
    assert (await the_user(browser.desk, made["id"])).active


async def test_who_is_not_here_is_not_found(admin: Browser) -> None:
    for path in ("", "/reach", "/edit", "/pause", "/off-board", "/take-back", "/erase", "/access", "/roles"):
        for one in ("nobody", "no%00id"):
            shown = await admin.open(f"/people/{one}{path}")
            assert shown.status == 404 and "There is nothing here" in shown.text, path
    made = await admin.desk.person("Bob")
    assert (await admin.open(f"/people/{made['id']}/offboardings/none")).status == 404
    assert (await admin.open(f"/people/{made['id']}/offboardings/none.pdf")).status == 404
