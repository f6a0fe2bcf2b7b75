"""The guard at the import, on both directories: who is beyond the limit waits, and one decision is about all of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kleanxmpp import companies, csv_file, errors, holds, import_diff, importing, offboardings, users
from kleanxmpp.guard import Limits
from kleanxmpp.holds import Skipped
from kleanxmpp.import_plan import ImportPlan
from kleanxmpp.model import Company, Hold, Mode, Role, User
from kleanxmpp.ports import Directory, UserFilter
from tests.factories import AT

LIMITS = Limits(people=3, percent=50, window=timedelta(hours=1))
NAMES = [f"Person {letter}" for letter in "ABCDEFGHIJKL"]
ALL_OUT = [f"{number},{name},nein,,Nord" for number, name in enumerate(NAMES)]


@pytest.fixture
async def company(directory: Directory) -> Company:
    company = await companies.add_company(directory, domain="firma.test", name="Firma", actor="test", now=AT)
    await imported(directory, company, [f"{number},{name},,,Nord" for number, name in enumerate(NAMES)])
    return company


async def imported(directory: Directory, company: Company, lines: Sequence[str], **options: Any) -> ImportPlan:
    text = "\n".join(["external_id,display_name,active,chat_permission,groups", *lines, ""])
    rows = csv_file.parse(text.encode().splitlines(keepends=True))
    given = {"limits": LIMITS, "actor": "test", "reason": "HR", "now": AT} | options
    return await importing.import_people(directory, company, rows, **given)


async def people(directory: Directory, company: Company) -> list[User]:
    async with directory.read() as tx:
        found = await tx.page_users(company.id, after=None, limit=99, matching=UserFilter())
    return sorted(found, key=lambda user: user.nickname)


async def inactive(directory: Directory, company: Company) -> list[str]:
    return [user.display_name for user in await people(directory, company) if not user.active]


async def the_hold(directory: Directory, company: Company) -> Hold:
    (hold,) = await holds.pending(directory, company)
    return hold


async def actions(directory: Directory, company: Company) -> list[str]:
    async with directory.read() as tx:
        return [entry.action for entry in await tx.page_audit(company.id, before=None, limit=999)]


async def test_beyond_the_limit_people_wait_and_the_rest_of_the_file_is_applied(
    directory: Directory, company: Company
) -> None:
    renamed = [line.replace("Person E", "Eva Neu").replace(",Nord", ",Süd") for line in ALL_OUT]
    dry = await imported(directory, company, [*renamed, "99,Zoe,,,Nord"], dry_run=True)
    assert not await inactive(directory, company) and not await holds.pending(directory, company)
    plan = await imported(directory, company, [*renamed, "99,Zoe,,,Nord"])
    assert [user.id for user, _ in plan.held] == [user.id for user, _ in dry.held]
    assert await inactive(directory, company) == NAMES[:3]
    everybody = {user.display_name: user for user in await people(directory, company)}
    assert everybody["Zoe"].active and everybody["Eva Neu"].active
    hold = await the_hold(directory, company)
    assert [change.user_id for change in hold.changes] == sorted(user.id for user, _ in plan.held)
    assert {(c.active, c.chat_permission, c.actor, c.reason) for c in hold.changes} == {(False, True, "test", "HR")}
    async with directory.read() as tx:
        groups = await tx.groups_by_name(company.id, ["Nord", "Süd"])
        roles = {name: await tx.roles(group.id) for name, group in groups.items()}
        begun = await tx.open_offboardings(company.id)
    assert len(begun) == 3
    waiting = {user.id for user, _ in plan.held}
    assert roles["Nord"] == dict.fromkeys([*waiting, everybody["Zoe"].id], Role.MEMBER), "circles of who waits stay"
    assert not waiting & roles["Süd"].keys()
    told = [line for _, line in import_diff.lines(import_diff.diff(company, plan))]
    assert f"hold user {everybody['Person F'].username}: active yes → no waits for a confirmation" in told
    assert (await actions(directory, company)).count("user.held") == 9


async def test_running_it_again_neither_adds_to_the_hold_nor_lets_anybody_through(
    directory: Directory, company: Company
) -> None:
    await imported(directory, company, ALL_OUT)
    hold, audit = await the_hold(directory, company), await actions(directory, company)
    for hours in (0, 2):
        again = await imported(directory, company, ALL_OUT, now=AT + timedelta(hours=hours))
        assert again.empty and len(again.held) == 9
    assert await the_hold(directory, company) == hold
    assert await actions(directory, company) == audit
    assert await inactive(directory, company) == NAMES[:3]


async def test_single_people_pass_and_the_window_moves(directory: Directory, company: Company) -> None:
    for number in range(3):
        assert not (await imported(directory, company, ALL_OUT[number : number + 1])).held
    (waiting,) = (await imported(directory, company, ALL_OUT[3:4])).held
    assert waiting[0].display_name == "Person D"
    later = AT + timedelta(hours=1, seconds=1)
    assert not (await imported(directory, company, ALL_OUT[4:5], now=later)).held
    assert await inactive(directory, company) == [*NAMES[:3], "Person E"]
    await imported(directory, company, ALL_OUT[5:8], now=later)
    assert len((await the_hold(directory, company)).changes) == 2, "one hold, which grows"


async def test_who_leaves_by_name_is_neither_held_nor_counted(directory: Directory, company: Company) -> None:
    for user in (await people(directory, company))[:6]:
        await users.deactivate(directory, company, user.id, actor="hr", reason=None, now=AT)
    assert len(await inactive(directory, company)) == 6
    assert not (await imported(directory, company, ALL_OUT[6:9])).held
    assert (await imported(directory, company, ALL_OUT[9:])).held


async def test_a_confirmation_off_boards_everybody_but_who_left_or_came_back(
    directory: Directory, company: Company
) -> None:
    await imported(directory, company, ALL_OUT)
    hold = await the_hold(directory, company)
    left, came_back, erased, paused, *others = (await people(directory, company))[3:]
    minute = AT + timedelta(minutes=1)
    for user in (left, came_back):
        await users.deactivate(directory, company, user.id, actor="hr", reason=None, now=minute)
    await users.reactivate(directory, company, came_back.id, actor="hr", reason=None, now=minute)
    await users.erase(directory, company, erased.id, actor="hr", reason=None, now=minute)
    away = users.Departure(mode=Mode.PAUSED)
    await users.deactivate(directory, company, paused.id, departure=away, actor="hr", reason=None, now=minute)
    with pytest.raises(errors.Conflict):
        await holds.confirm(directory, company, hold.id, people=8, actor="boss", now=minute)
    done = await holds.confirm(directory, company, hold.id, people=9, actor="boss", now=minute)
    assert set(done.off_boarded) == {paused.id, *(user.id for user in others)}
    assert set(done.skipped) == {
        Skipped(user_id=left.id, why="is off-boarded already"),
        Skipped(user_id=came_back.id, why="was off-boarded and let in again since"),
        Skipped(user_id=erased.id, why="is off-boarded already"),
    }
    now = {user.id: user for user in await people(directory, company)}
    assert now[came_back.id].active
    assert not now[paused.id].active and now[paused.id].absence is None
    async with directory.read() as tx:
        begun = {one.user_id: one for one in await tx.open_offboardings(company.id)}
        due = await tx.due(offboardings.scope_of(others[0]))
    assert (begun[others[0].id].actor, begun[others[0].id].reason) == ("boss", "HR")
    assert due is not None
    assert "hold.confirmed" in await actions(directory, company)
    assert not await holds.pending(directory, company)
    with pytest.raises(errors.NotFound):
        await holds.confirm(directory, company, hold.id, actor="boss", now=minute)


async def test_what_was_confirmed_is_not_counted_against_who_leaves_next(
    directory: Directory, company: Company
) -> None:
    await imported(directory, company, ALL_OUT[:5], limits=replace(LIMITS, people=2))
    await holds.confirm(directory, company, (await the_hold(directory, company)).id, actor="boss", now=AT)
    assert len(await inactive(directory, company)) == 5
    assert not (await imported(directory, company, ALL_OUT[5:6])).held


async def test_discarding_leaves_everybody_and_the_file_may_ask_again(directory: Directory, company: Company) -> None:
    await imported(directory, company, ALL_OUT)
    hold = await the_hold(directory, company)
    await holds.discard(directory, company, hold.id, actor="boss", now=AT)
    assert await inactive(directory, company) == NAMES[:3]
    assert "hold.discarded" in await actions(directory, company)
    assert len((await imported(directory, company, ALL_OUT)).held) == 9
    assert (await the_hold(directory, company)).id != hold.id


async def test_a_corrected_file_takes_people_out_of_the_hold(directory: Directory, company: Company) -> None:
    both = [line.replace("nein,,", "nein,nein,") for line in ALL_OUT]
    await imported(directory, company, both)
    corrected = ["3,Person D,ja,ja,Nord", "4,Person E,ja,,Nord", "5,Person F,,,Nord"]
    assert not (await imported(directory, company, corrected)).held
    changes = {change.user_id: change for change in (await the_hold(directory, company)).changes}
    d, e, f = (await people(directory, company))[3:6]
    assert d.id not in changes
    assert (changes[e.id].active, changes[e.id].chat_permission) == (True, False)
    assert (changes[f.id].active, changes[f.id].chat_permission) == (False, False)
    assert (await actions(directory, company)).count("user.hold_taken_back") == 2


async def test_force_lets_everybody_through_and_empties_the_hold(directory: Directory, company: Company) -> None:
    await imported(directory, company, ALL_OUT)
    assert not (await imported(directory, company, ALL_OUT, limits=None)).held
    assert await inactive(directory, company) == NAMES
    assert not await holds.pending(directory, company)


async def test_a_hold_is_of_one_company_alone(directory: Directory, company: Company) -> None:
    other = await companies.add_company(directory, domain="andere.test", name="Andere", actor="test", now=AT)
    await imported(directory, company, ALL_OUT)
    hold = await the_hold(directory, company)
    assert not await holds.pending(directory, other)
    for decide in (holds.confirm, holds.discard):
        with pytest.raises(errors.NotFound):
            await decide(directory, other, hold.id, actor="boss", now=AT)
