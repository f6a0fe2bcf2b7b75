"""Importing a file, on both directories: all of it or nothing, repeatable, with everything that follows."""

from pathlib import Path
from typing import Any

import pytest

from kleanxmpp import companies, csv_file, errors, groups, importing, users
from kleanxmpp.drafts import NewUser
from kleanxmpp.import_plan import ImportPlan
from kleanxmpp.import_rows import FaultyFile
from kleanxmpp.model import Company, GroupKind, Role, User
from kleanxmpp.ports import Directory, UserFilter
from kleanxmpp.testing_directory import MemoryDirectory
from tests.factories import AT

DEMO = Path(csv_file.__file__).parent / "demo" / "glanz-und-gloria.csv"


@pytest.fixture
async def company(directory: Directory) -> Company:
    return await companies.add_company(directory, domain="firma.test", name="Firma", actor="test", now=AT)


async def imported(directory: Directory, company: Company, text: str, **options: Any) -> ImportPlan:
    rows = csv_file.parse(text.encode().splitlines(keepends=True))
    return await importing.import_people(
        directory,
        company,
        rows,
        actor="test",
        reason="a test",
        now=AT,
        **options,
    )


async def everybody(directory: Directory, company: Company) -> dict[str, User]:
    async with directory.read() as tx:
        return {u.username: u for u in await tx.page_users(company.id, after=None, limit=1000, matching=UserFilter())}


async def circle(directory: Directory, company: Company, name: str) -> dict[str, Role]:
    async with directory.read() as tx:
        group = (await tx.groups_by_name(company.id, [name]))[name]
        return {member.user.username: member.role for member in await tx.page_members(group.id, after=None, limit=1000)}


async def test_the_demo_company_is_imported_and_a_second_time_changes_nothing(
    directory: Directory, company: Company
) -> None:
    steps: list[tuple[int, int]] = []
    first = await imported(
        directory,
        company,
        DEMO.read_text(encoding="utf-8"),
        announcements=["Meldungen"],
        progress=lambda done, total: steps.append((done, total)),
    )
    assert (len(first.added), len(first.new_groups), len(first.circles)) == (60, 12, 12)
    assert steps[-1] == (72, 72)
    people = await everybody(directory, company)
    assert len(people) == 60
    assert people["petra.mueller2"].nickname == "Petra Müller (petra.mueller2)"
    assert not people["kevin.moeller"].active
    assert (await circle(directory, company, "Büro"))["gloria.glanz"] is Role.MODERATOR
    assert len(await circle(directory, company, "Meldungen")) == 60
    async with directory.read() as tx:
        assert (await tx.groups_by_name(company.id, ["Meldungen"]))["Meldungen"].kind is GroupKind.ANNOUNCEMENT
        before = await tx.page_audit(company.id, before=None, limit=1000)
    again = await imported(directory, company, DEMO.read_text(encoding="utf-8"), announcements=["Meldungen"])
    assert again.empty
    async with directory.read() as tx:
        assert await tx.page_audit(company.id, before=None, limit=1000) == before


async def test_a_dry_run_says_what_the_import_then_does(directory: Directory, company: Company) -> None:
    text = "display_name,groups\nAnna Berg,Nord*\nAnna Berg,Nord\n"
    planned = await imported(directory, company, text, dry_run=True)
    assert not await everybody(directory, company)
    done = await imported(directory, company, text)
    assert [user.username for user in planned.added] == [user.username for user in done.added]
    assert planned.new_groups == done.new_groups
    assert set(await everybody(directory, company)) == {"anna.berg", "anna.berg2"}


async def test_one_row_that_does_not_fit_keeps_all_others_out(directory: Directory, company: Company) -> None:
    await users.add_user(
        directory, company, NewUser(display_name="A", username="a", external_id="1"), actor="t", now=AT
    )
    before = await everybody(directory, company)
    with pytest.raises(FaultyFile) as refusal:
        await imported(
            directory,
            company,
            "display_name,username,external_id,groups\nNeu,,,Nord\nA,a,2,Nord\nB,b,1,Nord\n",
        )
    assert [fault.line for fault in refusal.value.faults] == [3, 4]
    assert await everybody(directory, company) == before
    async with directory.read() as tx:
        assert not await tx.groups_by_name(company.id, ["Nord"])


async def test_who_is_not_active_in_the_file_is_off_boarded(directory: Directory, company: Company) -> None:
    await imported(directory, company, "display_name,external_id\nAnna Berg,1\nBea Cohn,2\n")
    await imported(directory, company, "display_name,external_id,active\nAnna Berg,1,nein\n")
    people = await everybody(directory, company)
    assert people["bea.cohn"].active
    async with directory.read() as tx:
        begun = await tx.open_offboarding(people["anna.berg"].id)
    assert begun is not None
    assert (begun.reason, begun.actor) == ("a test", "test")
    await imported(directory, company, "display_name,external_id,active\nAnna Berg,1,ja\n")
    async with directory.read() as tx:
        assert await tx.open_offboarding(people["anna.berg"].id) is None


async def test_circles_that_the_file_does_not_name_stay(directory: Directory, company: Company) -> None:
    await imported(directory, company, "display_name,groups\nAnna Berg,Nord;Süd\nBea Cohn,Nord;Süd\n")
    await imported(directory, company, "display_name,groups\nAnna Berg,Ost*\nDora Ems,Nord\n")
    assert await circle(directory, company, "Nord") == {"bea.cohn": Role.MEMBER, "dora.ems": Role.MEMBER}
    assert await circle(directory, company, "Süd") == {"anna.berg": Role.MEMBER, "bea.cohn": Role.MEMBER}
    assert await circle(directory, company, "Ost") == {"anna.berg": Role.MODERATOR}


async def test_existing_groups_are_found_by_their_name(directory: Directory, company: Company) -> None:
    group = await groups.add_group(directory, company, name="Team Nord", actor="test", now=AT)
    assert not (await imported(directory, company, "display_name,groups\nAnna Berg,Team Nord\n")).new_groups
    async with directory.read() as tx:
        assert await tx.member_count(group.id) == 1


async def test_many_people_of_one_name_each_get_a_username(directory: Directory, company: Company) -> None:
    await users.add_user(directory, company, NewUser(display_name="X", username="anna.berg7"), actor="t", now=AT)
    text = "display_name\n" + "Anna Berg\n" * 100
    plan = await imported(directory, company, text)
    assert len({user.nickname for user in plan.added}) == 100
    assert len(await everybody(directory, company)) == 101
    assert (await imported(directory, company, text)).empty


async def test_another_companys_people_are_never_meant(directory: Directory, company: Company) -> None:
    other = await companies.add_company(directory, domain="andere.test", name="Andere", actor="test", now=AT)
    text = "display_name,external_id,groups\nAnna Berg,1,Nord\n"
    await imported(directory, other, text)
    assert len((await imported(directory, company, text)).added) == 1
    assert (await imported(directory, other, text)).empty


async def test_an_unavailable_directory_imports_nothing(company: Company) -> None:
    directory = MemoryDirectory()
    directory.available = False
    with pytest.raises(errors.DirectoryUnavailable):
        await imported(directory, company, "display_name\nAnna Berg\n")
