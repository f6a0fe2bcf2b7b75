"""Spreadsheets against a directory: who is missing, dates, attributes, and that an export is read back as it was."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kleanxmpp import circles, companies, csv_file, exporting, groups, holds, importing, users
from kleanxmpp.drafts import NewUser
from kleanxmpp.edits import UserPatch
from kleanxmpp.guard import Limits
from kleanxmpp.import_plan import ImportPlan
from kleanxmpp.import_rows import FaultyFile, Row
from kleanxmpp.model import Company, Door, Role, User
from kleanxmpp.names import nickname_key
from kleanxmpp.ports import Directory, UserFilter
from kleanxmpp.testing_directory import MemoryDirectory
from tests.factories import AT

LATER = AT + timedelta(days=2)


@pytest.fixture
async def company(directory: Directory) -> Company:
    return await companies.add_company(directory, domain="firma.test", name="Firma", actor="test", now=AT)


async def imported(directory: Directory, company: Company, text: str | bytes, **options: Any) -> ImportPlan:
    data = text if isinstance(text, bytes) else text.encode()
    options = {"actor": "test", "reason": "a test", "now": AT} | options
    return await importing.import_people(directory, company, csv_file.parse([data]), **options)


async def everybody(directory: Directory, company: Company) -> dict[str, User]:
    async with directory.read() as tx:
        return {u.username: u for u in await tx.page_users(company.id, after=None, limit=1000, matching=UserFilter())}


async def active(directory: Directory, company: Company) -> set[str]:
    return {user.username for user in (await everybody(directory, company)).values() if user.active}


def listing(*numbers: int, more: str = "") -> str:
    return "external_id,display_name\n" + "".join(f"{n},Person {n}\n" for n in numbers) + more


async def test_who_is_missing_stays_unless_it_is_asked_for(directory: Directory, company: Company) -> None:
    await imported(directory, company, listing(1, 2, 3))
    assert not (await imported(directory, company, listing(1, 2))).missing
    planned = await imported(directory, company, listing(1, 2), off_board_missing=True, dry_run=True)
    assert [after.username for _, after in planned.missing] == ["person.3"]
    assert len(await active(directory, company)) == 3
    await imported(directory, company, listing(1, 2), off_board_missing=True)
    assert await active(directory, company) == {"person.1", "person.2"}
    async with directory.read() as tx:
        begun = await tx.open_offboarding(planned.missing[0][0].id)
    assert begun is not None and begun.reason == "a test"
    assert (await imported(directory, company, listing(1, 2), off_board_missing=True)).empty


async def test_only_people_of_hr_can_be_missing(directory: Directory, company: Company) -> None:
    for new in (
        NewUser(display_name="Von Hand"),
        NewUser(display_name="Die Chefin", external_id="E-1", admin=True),
        NewUser(display_name="Wird Geloescht", external_id="E-2"),
    ):
        made = await users.add_user(directory, company, new, actor="test", now=AT)
    await users.erase(directory, company, made.id, actor="test", reason=None, now=AT)
    await imported(directory, company, listing(1), off_board_missing=True)
    assert await active(directory, company) == {"von.hand", "die.chefin", "person.1"}


async def test_a_file_without_external_ids_says_nothing_about_who_is_missing(
    directory: Directory, company: Company
) -> None:
    await imported(directory, company, listing(1, 2))
    with pytest.raises(FaultyFile) as refusal:
        await imported(directory, company, listing(1, more=",Person 2\n"), off_board_missing=True)
    assert [fault.line for fault in refusal.value.faults] == [3]
    assert len(await active(directory, company)) == 2


@pytest.mark.parametrize("text", ["external_id,display_name\n", "", "\n\n"])
async def test_an_empty_file_removes_nobody(directory: Directory, company: Company, text: str) -> None:
    await imported(directory, company, listing(1, 2))
    with pytest.raises(FaultyFile):
        await imported(directory, company, text, off_board_missing=True)
    with pytest.raises(FaultyFile):
        rows: tuple[Row, ...] = ()
        await importing.import_people(
            directory, company, rows, off_board_missing=True, actor="test", reason=None, now=AT
        )
    assert len(await active(directory, company)) == 2


async def test_a_file_that_suddenly_lacks_many_is_held(directory: Directory, company: Company) -> None:
    limits = Limits(people=2, percent=50)
    await imported(directory, company, listing(*range(10)))
    plan = await imported(directory, company, listing(0), off_board_missing=True, limits=limits)
    assert (len(plan.missing), len(plan.held)) == (2, 7)
    (hold,) = await holds.pending(directory, company)
    assert (hold.door, len(hold.changes)) == (Door.IMPORT, 7)
    assert len(await active(directory, company)) == 8
    again = await imported(directory, company, listing(0), off_board_missing=True, limits=limits)
    assert (len(again.missing), len(again.held)) == (0, 7), "repeating it lets nobody through"

    whole = await imported(directory, company, listing(*range(10)), off_board_missing=True, limits=limits)
    assert not whole.held
    assert await holds.pending(directory, company) == [], "whoever is in the right file does not wait any more"
    assert len(await active(directory, company)) == 8, "and nobody is let back in by being listed"


async def test_a_last_day_that_is_over_off_boards_within_the_guard(directory: Directory, company: Company) -> None:
    text = "external_id,display_name,leaves_on\n" + "".join(f"{n},Person {n},05.01.2026\n" for n in range(6))
    first = await imported(directory, company, text)
    assert [(one.leaves, one.on.isoformat()) for one in first.dated] == [(True, "2026-01-05")] * 6
    assert len(await active(directory, company)) == 6, "the last day is a day at work"
    plan = await imported(directory, company, text, now=LATER, limits=Limits(people=2, percent=50))
    assert (len(plan.changed), len(plan.held)) == (2, 4)
    claims = text.replace("leaves_on\n", "leaves_on,active\n").replace("2026\n", "2026,ja\n")
    assert len((await imported(directory, company, claims, now=LATER)).held) == 4, "the date holds against “active”"


async def test_attributes_are_merged_and_nothing_is_cleared(directory: Directory, company: Company) -> None:
    await imported(
        directory,
        company,
        "external_id,display_name,site,attributes.shift\n1,Anna,Nord; Süd;Nord,früh\n".replace(
            "Nord; Süd;Nord", '"Nord; Süd;Nord"'
        ),
    )
    plan = await imported(directory, company, "external_id,display_name,site,role\n1,Anna,,Glas\n")
    (after,) = (await everybody(directory, company)).values()
    assert after.attributes == {"role": ("Glas",), "shift": ("früh",), "site": ("Nord", "Süd")}
    assert [before.attributes for before, _ in plan.changed] == [{"shift": ("früh",), "site": ("Nord", "Süd")}]


async def test_an_import_is_a_sign_of_life_of_its_source(directory: Directory, company: Company) -> None:
    await imported(directory, company, listing(1), dry_run=True)
    async with directory.read() as tx:
        assert await tx.contacts(company.id) == {}
    await imported(directory, company, listing(1))
    async with directory.read() as tx:
        assert await tx.contacts(company.id) == {Door.IMPORT: AT}


async def test_groups_are_exported_with_the_number_of_their_members(directory: Directory, company: Company) -> None:
    await imported(directory, company, "display_name,groups\nAnna,Nord*\nBea,Nord\n")
    group = await groups.add_group(directory, company, name="=Leer", actor="test", now=AT)
    records = await exporting.groups(directory, company)
    assert [(line["name"], line["members"]) for line in records.lines] == [("=Leer", 0), ("Nord", 2)]
    assert f'"{group.slug}";"\'=Leer";"team";"";"0"' in exporting.as_csv(records).decode()
    assert exporting.as_json(records)[0]["kind"] == "team"


_WORD = (
    st.text(alphabet="aÄß1=+-@;,|*\\'\"\uff1d ", min_size=1, max_size=8).map(lambda t: " ".join(t.split())).filter(bool)
)
_GROUP = _WORD.filter(lambda name: name.strip("*"))
_PERSON = st.fixed_dictionaries(
    {
        "name": _WORD,
        "external_id": st.none() | _WORD,
        "active": st.booleans(),
        "chat": st.booleans(),
        "locale": st.sampled_from(["de", "en"]),
        "attributes": st.dictionaries(
            st.sampled_from(["site", "role", "shift"]), st.lists(_WORD, min_size=1, max_size=3, unique=True), max_size=3
        ),
        "groups": st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(Role)),
    }
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(_PERSON, max_size=4, unique_by=lambda one: one["external_id"] or object()),
    st.tuples(_GROUP, _GROUP, _GROUP),
)
def test_what_is_exported_and_imported_is_what_it_was(people: list[dict[str, Any]], names: tuple[str, ...]) -> None:
    async def there_and_back() -> None:
        directory = MemoryDirectory()
        here, there = [
            await companies.add_company(directory, domain=f"{name}.test", name=name, actor="t", now=AT)
            for name in ("here", "there")
        ]
        made = {}
        for key, name in zip("abc", names, strict=True):
            if nickname_key(name) not in {nickname_key(one.name) for one in made.values()}:
                made[key] = await groups.add_group(directory, here, name=name, actor="t", now=AT)
        for number, one in enumerate(people):
            new = NewUser(
                display_name=one["name"], username=f"u{number}", external_id=one["external_id"], locale=one["locale"],
                active=one["active"], chat_permission=one["chat"],
                attributes={name: tuple(values) for name, values in one["attributes"].items()},
            )  # fmt: skip
            user = await users.add_user(directory, here, new, actor="t", now=AT)
            for key, role in one["groups"].items():
                if key in made:
                    await circles.change_circle(directory, here, made[key].id, put={user.id: role}, actor="t", now=AT)
        exported = exporting.as_csv(await exporting.people(directory, here))
        if not people:
            return
        assert (await imported(directory, here, exported)).empty
        await imported(directory, there, exported)
        assert exporting.as_csv(await exporting.people(directory, there)) == exported

    asyncio.run(there_and_back())


async def test_a_person_who_was_changed_is_exported_as_changed(directory: Directory, company: Company) -> None:
    await imported(directory, company, listing(1))
    (user,) = (await everybody(directory, company)).values()
    patch = UserPatch(fields=frozenset({"email"}), email="+49@firma.test")
    await users.update_user(directory, company, user.id, patch, actor="test", now=AT)
    assert b'"\'+49@firma.test"' in exporting.as_csv(await exporting.people(directory, company))
    await users.erase(directory, company, user.id, actor="test", reason=None, now=AT)
    assert (await exporting.people(directory, company)).lines == []
