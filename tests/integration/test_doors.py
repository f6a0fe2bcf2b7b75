"""What doors say about people, on both directories: done at once, or held as soon as it takes too many out."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from kleanxmpp import companies, doors, errors, holds, users
from kleanxmpp.doors import Said
from kleanxmpp.drafts import NewUser
from kleanxmpp.edits import UserPatch
from kleanxmpp.guard import Limits
from kleanxmpp.model import Absence, Company, Door, Mode, User
from kleanxmpp.ports import Directory
from tests.factories import AT

LIMITS = Limits(people=2, percent=100, window=timedelta(hours=1))
OUT = UserPatch(fields=frozenset({"active"}), active=False)
IN = UserPatch(fields=frozenset({"active"}), active=True)
ABSENCE = frozenset({"absence", "absent_until"})
LATER = AT + timedelta(days=30)
PAUSE = UserPatch(fields=ABSENCE, absence=Absence.PAUSED, absent_until=LATER)
BACK = UserPatch(fields=ABSENCE)


@pytest.fixture
async def company(directory: Directory) -> Company:
    return await companies.add_company(directory, domain="firma.test", name="Firma", actor="test", now=AT)


@pytest.fixture
async def staff(directory: Directory, company: Company) -> Sequence[User]:
    return [
        await users.add_user(directory, company, NewUser(display_name=f"Person {n}"), actor="test", now=AT)
        for n in range(4)
    ]


async def said(directory: Directory, company: Company, *wanted: tuple[User, UserPatch]) -> Sequence[Said]:
    async with directory.write(company.id) as tx:
        return await doors.say(
            tx, company, wanted, door=Door.SCIM, limits=LIMITS, actor="token:scim", reason="SCIM", now=AT
        )


async def test_a_person_let_out_by_a_door_is_off_boarded(
    directory: Directory, company: Company, staff: Sequence[User]
) -> None:
    (result,) = await said(directory, company, (staff[0], OUT))
    assert (result.held, result.user.active, result.user.version) == (False, False, 2)
    async with directory.read() as tx:
        assert await tx.user(company.id, staff[0].id) == result.user
        assert await tx.open_offboarding(staff[0].id) is not None


async def test_beyond_the_limit_only_the_loss_of_access_waits(
    directory: Directory, company: Company, staff: Sequence[User]
) -> None:
    moved = UserPatch(fields=frozenset({"active", "attributes"}), active=False, attributes={"site": ("Objekt 12",)})
    results = await said(directory, company, *((user, moved) for user in staff))
    assert [result.held for result in results] == [False, False, True, True]
    assert [result.user.active for result in results] == [False, False, True, True]
    assert all(result.user.attributes == {"site": ("Objekt 12",)} for result in results)
    (hold,) = await holds.pending(directory, company)
    assert {change.user_id for change in hold.changes} == {staff[2].id, staff[3].id}


async def test_who_the_door_wants_back_waits_no_more(
    directory: Directory, company: Company, staff: Sequence[User]
) -> None:
    await said(directory, company, *((user, OUT) for user in staff))
    (result,) = await said(directory, company, (staff[2], IN))
    assert (result.held, result.user) == (False, staff[2])
    (hold,) = await holds.pending(directory, company)
    assert {change.user_id for change in hold.changes} == {staff[3].id}


async def test_saying_it_again_changes_nothing(directory: Directory, company: Company, staff: Sequence[User]) -> None:
    (first,) = await said(directory, company, (staff[0], OUT))
    (again,) = await said(directory, company, (first.user, OUT))
    assert again == first


async def test_one_bad_word_undoes_all_of_them(directory: Directory, company: Company, staff: Sequence[User]) -> None:
    nameless = UserPatch(fields=frozenset({"display_name"}), display_name=" ")
    with pytest.raises(errors.Invalid):
        await said(directory, company, (staff[0], OUT), (staff[1], nameless))
    async with directory.read() as tx:
        assert await tx.user(company.id, staff[0].id) == staff[0]


async def test_pauses_are_counted_and_held_like_departures(
    directory: Directory, company: Company, staff: Sequence[User]
) -> None:
    results = await said(directory, company, *((user, PAUSE) for user in staff))
    assert [result.held for result in results] == [False, False, True, True]
    assert [result.user.absence for result in results] == [Absence.PAUSED, Absence.PAUSED, None, None]
    (hold,) = await holds.pending(directory, company)
    assert {(c.user_id, c.active, c.absence, c.absent_until) for c in hold.changes} == {
        (user.id, True, Absence.PAUSED, LATER) for user in staff[2:]
    }
    again = await said(directory, company, *((result.user, PAUSE) for result in results))
    assert [result.held for result in again] == [False, False, True, True]
    assert await holds.pending(directory, company) == [hold], "nothing new was said"
    (third,) = await said(directory, company, (staff[2], OUT))
    assert third.held, "the pauses count"


async def test_a_confirmed_pause_begins_unless_it_would_be_over(
    directory: Directory, company: Company, staff: Sequence[User]
) -> None:
    short = replace(PAUSE, absent_until=AT + timedelta(hours=1))
    await said(directory, company, *((user, PAUSE) for user in staff[:3]), (staff[3], short))
    (hold,) = await holds.pending(directory, company)
    done = await holds.confirm(directory, company, hold.id, actor="boss", now=AT + timedelta(hours=2))
    assert done.off_boarded == (staff[2].id,)
    assert [(one.user_id, one.why) for one in done.skipped] == [(staff[3].id, "would be back by now")]
    async with directory.read() as tx:
        paused = await tx.user(company.id, staff[2].id)
        begun = await tx.open_offboarding(staff[2].id)
    assert paused is not None and (paused.absence, paused.absent_until) == (Absence.PAUSED, LATER)
    assert begun is not None and begun.mode is Mode.PAUSED


async def test_a_confirmed_pause_gives_nobody_more_than_they_have(
    directory: Directory, company: Company, staff: Sequence[User]
) -> None:
    leave = replace(PAUSE, absence=Absence.GARDEN_LEAVE)
    await said(directory, company, *((user, leave) for user in staff))
    (hold,) = await holds.pending(directory, company)
    away = users.Departure(mode=Mode.PAUSED)
    await users.deactivate(directory, company, staff[2].id, departure=away, actor="hr", reason=None, now=AT)
    done = await holds.confirm(directory, company, hold.id, actor="boss", now=AT)
    assert done.off_boarded == (staff[3].id,)
    async with directory.read() as tx:
        paused = await tx.user(company.id, staff[2].id)
    assert paused is not None and paused.absence is Absence.PAUSED


async def test_who_is_not_to_be_away_after_all_waits_no_more_but_a_departure_goes_on_waiting(
    directory: Directory, company: Company, staff: Sequence[User]
) -> None:
    await said(directory, company, *((user, PAUSE) for user in staff))
    await said(directory, company, (staff[3], OUT))
    await said(directory, company, (staff[2], BACK), (staff[3], BACK))
    (hold,) = await holds.pending(directory, company)
    (change,) = hold.changes
    assert (change.user_id, change.active, change.absence) == (staff[3].id, False, None)
