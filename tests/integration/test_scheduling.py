"""What is planned happens: in order, once, on time, and never against a newer word. On both directories."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kleanxmpp import announcements, companies, errors, holds, hr, ids, on_schedule, scheduling, users
from kleanxmpp.announcements import Announcement
from kleanxmpp.drafts import NewUser
from kleanxmpp.edits import UserPatch
from kleanxmpp.guard import Limits
from kleanxmpp.hr import Event, Received
from kleanxmpp.model import Absence, Company, Mode, User
from kleanxmpp.ports import Directory
from kleanxmpp.scheduled_ports import ScheduledChange, ScheduleState
from kleanxmpp.testing_directory import MemoryDirectory
from tests.factories import AT

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LIMITS = Limits(people=2, percent=100)
JOINED = announcements.joined(UserPatch(fields=frozenset({"display_name"}), display_name="Zoë Neu"), username=None)
LEFT, RETURNED = announcements.left(), announcements.returned()
PAUSED = announcements.paused(Absence.PAUSED, until=None)
RENAMED = announcements.updated(UserPatch(fields=frozenset({"display_name"}), display_name="Zoë Zwei"))


@pytest.fixture
async def company(directory: Directory) -> Company:
    return await companies.add_company(directory, domain="firma.test", name="Firma", actor="test", now=AT)


@pytest.fixture
async def zoe(directory: Directory, company: Company) -> User:
    return await hired(directory, company, "4711")


async def hired(directory: Directory, company: Company, external_id: str) -> User:
    new = NewUser(display_name=f"Person {external_id}", external_id=external_id)
    return await users.add_user(directory, company, new, actor="test", now=AT)


async def told(
    directory: Directory, company: Company, what: Announcement, *, at: datetime | None = None, who: str = "4711",
    now: datetime = AT,
) -> Received:  # fmt: skip
    event = Event(message_id=ids.new_id(), external_id=who, what=what, at=at, reason="HR")
    return await hr.receive(directory, company, event, limits=LIMITS, actor="hook:1", now=now)


async def planned(
    directory: Directory, company: Company, user: User, what: Announcement, *, at: datetime, **options: Any
) -> ScheduledChange:
    given = {"actor": "token:1", "reason": "Plan", "now": AT} | options
    return await scheduling.schedule(directory, company, user.id, what, at=at, **given)


async def run(directory: Directory, now: datetime) -> int:
    return await on_schedule.run_due(directory, limits=LIMITS, now=now)


async def now_is(directory: Directory, company: Company, who: str = "4711") -> User | None:
    async with directory.read() as tx:
        return (await tx.users_by_external_id(company.id, [who])).get(who)


async def all_plans(directory: Directory, company: Company) -> Sequence[ScheduledChange]:
    async with directory.read() as tx:
        return await tx.page_scheduled(company.id, user_id=None, states=list(ScheduleState), after=None, limit=99)


async def states(directory: Directory, company: Company) -> list[tuple[str, str | None]]:
    return [(plan.state.value, plan.result) for plan in await all_plans(directory, company)]


async def actions(directory: Directory, company: Company) -> list[str]:
    async with directory.read() as tx:
        return [entry.action for entry in await tx.page_audit(company.id, before=None, limit=99)][::-1]


async def test_a_planned_departure_happens_at_its_moment_and_is_proven_like_any(
    directory: Directory, company: Company, zoe: User
) -> None:
    received = await told(directory, company, LEFT, at=AT + DAY)
    assert (received.state, received.scheduled and received.scheduled.user_id) == ("scheduled", zoe.id)
    assert await run(directory, AT + DAY - timedelta(microseconds=1)) == 0
    assert await now_is(directory, company) == zoe
    assert await run(directory, AT + DAY) == 1
    gone = await now_is(directory, company)
    assert gone is not None and not gone.active
    async with directory.read() as tx:
        begun = await tx.open_offboarding(zoe.id)
    assert begun is not None
    assert (begun.actor, begun.reason, begun.requested_at) == ("hook:1", "HR", AT + DAY)
    (plan,) = await all_plans(directory, company)
    assert (plan.state, plan.result, plan.finished_at, plan.said) == ("done", "applied", AT + DAY, {})
    assert await run(directory, AT + 2 * DAY) == 0
    assert (await actions(directory, company))[-3:] == ["scheduled.added", "user.deactivated", "scheduled.done"]


async def test_somebody_joins_later_and_what_is_said_meanwhile_waits_for_them(
    directory: Directory, company: Company
) -> None:
    joins = await told(directory, company, JOINED, at=AT + DAY, who="4712")
    assert (joins.state, joins.user) == ("scheduled", None)
    with pytest.raises(errors.NotFound, match="joins later"):
        await told(directory, company, RENAMED, who="4712")
    await told(directory, company, RENAMED, at=AT + 2 * DAY, who="4712")
    await told(directory, company, LEFT, at=AT + 3 * DAY, who="4712")
    assert await now_is(directory, company, "4712") is None
    await run(directory, AT + DAY)
    arrived = await now_is(directory, company, "4712")
    assert arrived is not None and (arrived.display_name, arrived.active) == ("Zoë Neu", True)
    assert {(plan.user_id, plan.external_id) for plan in await all_plans(directory, company)} == {(arrived.id, None)}
    await run(directory, AT + 3 * DAY)
    gone = await now_is(directory, company, "4712")
    assert gone is not None and (gone.display_name, gone.active) == ("Zoë Zwei", False)


async def test_a_message_is_known_for_days_and_not_for_ever(directory: Directory, company: Company, zoe: User) -> None:
    async def again(now: datetime) -> None:
        event = Event(message_id="msg_1", external_id="4711", what=RENAMED)
        await hr.receive(directory, company, event, limits=LIMITS, actor="hook:1", now=now)

    await again(AT)
    with pytest.raises(errors.Repeated):
        await again(AT + 6 * DAY)
    await again(AT + 8 * DAY)


async def test_who_will_not_join_after_all_is_not_added(directory: Directory, company: Company) -> None:
    await told(directory, company, JOINED, at=AT + DAY, who="4712")
    received = await told(directory, company, LEFT, who="4712")
    assert (received.state, received.user, len(received.ended), received.waiting) == ("applied", None, 1, [])
    await run(directory, AT + 2 * DAY)
    assert await now_is(directory, company, "4712") is None
    assert await states(directory, company) == [("cancelled", announcements.TAKEN_BACK)]
    (plan,) = await all_plans(directory, company)
    assert (plan.external_id, plan.said) == (None, {}), "nothing is kept of who never came"


async def test_overdue_plans_are_done_at_once_and_in_their_order(
    directory: Directory, company: Company, zoe: User
) -> None:
    back = await planned(directory, company, zoe, RETURNED, at=AT + 2 * DAY, now=AT + HOUR)
    await planned(directory, company, zoe, RENAMED, at=AT + 3 * DAY)
    left = await planned(directory, company, zoe, LEFT, at=AT + DAY)
    assert (await all_plans(directory, company))[0].id == left.id
    async with directory.read() as tx:
        assert (await tx.scheduled(company.id, back.id)).state is ScheduleState.CANCELLED, "made before the departure"
    await planned(directory, company, zoe, RETURNED, at=AT + 2 * DAY, now=AT + 2 * HOUR)
    assert await run(directory, AT + 9 * DAY) == 3
    now = await now_is(directory, company)
    assert now is not None and (now.active, now.display_name) == (True, "Zoë Zwei")
    assert [state for state, _ in await states(directory, company)].count("done") == 3


async def test_a_planned_return_does_not_undo_an_offboarding_it_did_not_know_of(
    directory: Directory, company: Company, zoe: User
) -> None:
    pause = users.Departure(mode=Mode.PAUSED)
    await users.deactivate(directory, company, zoe.id, departure=pause, actor="hr", reason=None, now=AT)
    plan = await planned(directory, company, zoe, RETURNED, at=AT + DAY, now=AT + HOUR)
    await users.deactivate(directory, company, zoe.id, actor="boss", reason="fristlos", now=AT + 2 * HOUR)
    await run(directory, AT + DAY)
    now = await now_is(directory, company)
    assert now is not None and not now.active
    ((state, why),) = await states(directory, company)
    assert state == "failed" and why is not None and "after this was planned" in why
    assert (await actions(directory, company))[-1] == "scheduled.failed"
    known = await scheduling.reschedule(
        directory, company, plan.id, at=AT + 2 * DAY, actor="boss", reason=None, now=AT + DAY
    )
    assert (known.state, known.result) == (ScheduleState.PENDING, None)
    await run(directory, AT + 2 * DAY)
    back = await now_is(directory, company)
    assert back is not None and back.active, "who planned it again knew"


async def test_a_return_that_knew_of_one_departure_does_not_undo_another(
    directory: Directory, company: Company, zoe: User
) -> None:
    await planned(directory, company, zoe, announcements.permission(False), at=AT + DAY)
    await planned(directory, company, zoe, LEFT, at=AT + DAY)
    await planned(directory, company, zoe, RETURNED, at=AT + 2 * DAY)
    await users.deactivate(directory, company, zoe.id, actor="boss", reason="fristlos", now=AT + HOUR)
    await run(directory, AT + 2 * DAY)
    now = await now_is(directory, company)
    assert now is not None and not now.active
    assert [state for state, _ in await states(directory, company)] == ["done", "done", "failed"]


async def test_what_cannot_be_done_is_visible_and_holds_up_nobody(
    directory: Directory, company: Company, zoe: User
) -> None:
    other = await hired(directory, company, "4712")
    until = announcements.paused(Absence.PAUSED, until=AT + 2 * DAY)
    await told(directory, company, until, at=AT + DAY)
    await planned(directory, company, other, LEFT, at=AT + DAY)
    await users.deactivate(directory, company, zoe.id, actor="hr", reason=None, now=AT)
    assert await run(directory, AT + DAY) == 2
    found = await states(directory, company)
    assert ("done", "applied") in found
    assert ("failed", "Who left is not absent. Announce employee.returned first.") in found


async def test_a_defect_is_a_failure_of_one_plan(directory: Directory, company: Company, zoe: User) -> None:
    plan = await planned(directory, company, zoe, LEFT, at=AT + DAY)
    async with directory.write(company.id) as tx:
        await tx.save_scheduled(replace(plan, said={"no_such_field": 1}))
    await run(directory, AT + DAY)
    assert await states(directory, company) == [("failed", "A defect in the program: TypeError.")]
    assert await run(directory, AT + DAY) == 0


async def test_who_is_erased_takes_their_plans_along(directory: Directory, company: Company, zoe: User) -> None:
    await planned(directory, company, zoe, LEFT, at=AT + DAY)
    await users.erase(directory, company, zoe.id, actor="hr", reason=None, now=AT)
    with pytest.raises(errors.NotFound):
        await told(directory, company, RETURNED)
    with pytest.raises(errors.Conflict, match="being erased"):
        await told(directory, company, JOINED)
    await run(directory, AT + DAY)
    ((state, _),) = await states(directory, company)
    assert state == "failed"
    async with directory.write(company.id) as tx:
        await tx.delete_user(company.id, zoe.id)
    assert await all_plans(directory, company) == []


async def test_many_planned_departures_of_one_door_go_through_its_guard_but_not_those_by_name(
    directory: Directory, company: Company
) -> None:
    people = [await hired(directory, company, str(n)) for n in range(6)]
    for n in range(4):
        await told(directory, company, LEFT, at=AT + DAY, who=str(n))
    for user in people[4:]:
        await planned(directory, company, user, LEFT, at=AT + DAY)
    assert await run(directory, AT + DAY) == 6
    results = [result for _, result in await states(directory, company)]
    assert (results.count("applied"), results.count("held")) == (4, 2)
    active = [(await now_is(directory, company, str(n))).active for n in range(6)]
    assert active.count(True) == 2 and active[4:] == [False, False]
    (hold,) = await holds.pending(directory, company)
    assert len(hold.changes) == 2


async def test_a_departure_that_is_held_does_not_end_the_planned_one(directory: Directory, company: Company) -> None:
    for n in range(4):
        await hired(directory, company, str(n))
    await told(directory, company, LEFT, at=AT + DAY, who="3")
    for n in range(3):
        await told(directory, company, LEFT, who=str(n))
    held = await told(directory, company, LEFT, who="3")
    assert (held.state, held.ended, len(held.waiting)) == ("held", [], 1)


async def test_newer_words_end_older_plans_and_say_so(directory: Directory, company: Company, zoe: User) -> None:
    first = await told(directory, company, LEFT, at=AT + DAY)
    second = await told(directory, company, LEFT, at=AT + 2 * DAY)
    assert [one.id for one in second.ended] == [first.scheduled and first.scheduled.id]
    third = await told(directory, company, RETURNED)
    assert [one.id for one in third.waiting] == [second.scheduled and second.scheduled.id], "a departure stays planned"
    await run(directory, AT + DAY)
    assert (await now_is(directory, company)) == zoe
    assert await states(directory, company) == [("cancelled", announcements.REPLACED), ("pending", None)]
    assert (await actions(directory, company)).count("scheduled.cancelled") == 1


async def test_plans_are_moved_and_cancelled_by_whoever_read_the_newest(
    directory: Directory, company: Company, zoe: User
) -> None:
    plan = await planned(directory, company, zoe, LEFT, at=AT + DAY)
    how: dict[str, Any] = {"actor": "boss", "reason": "später", "now": AT}
    moved = await scheduling.reschedule(directory, company, plan.id, at=AT + 2 * DAY, if_version=1, **how)
    assert (moved.version, moved.reason, moved.effective_at) == (2, "später", AT + 2 * DAY)
    for use_case in (scheduling.reschedule, scheduling.cancel):
        options = {"at": AT + 3 * DAY} if use_case is scheduling.reschedule else {}
        with pytest.raises(errors.Stale):
            await use_case(directory, company, plan.id, if_version=1, **options, **how)
    for moment in (AT, AT - DAY):
        with pytest.raises(errors.Invalid):
            await scheduling.reschedule(directory, company, plan.id, at=moment, **how)
    await scheduling.cancel(directory, company, plan.id, if_version=2, **how)
    with pytest.raises(errors.Conflict):
        await scheduling.cancel(directory, company, plan.id, **how)
    assert await run(directory, AT + 9 * DAY) == 0
    assert await states(directory, company) == [("cancelled", "cancelled by boss")]


async def test_what_makes_no_sense_is_not_planned(directory: Directory, company: Company, zoe: User) -> None:
    short = announcements.paused(Absence.PAUSED, until=AT + HOUR)
    nameless = announcements.updated(UserPatch(fields=frozenset({"display_name"}), display_name=" "))
    to_nobody = announcements.left(hand_over_to="nobody")
    for what, at in ((LEFT, AT), (short, AT + DAY), (nameless, AT + DAY), (to_nobody, AT + DAY)):
        with pytest.raises((errors.Invalid, errors.NotFound)):
            await planned(directory, company, zoe, what, at=at)
    assert await all_plans(directory, company) == []


@contextlib.asynccontextmanager
async def running(directory: Directory, changed: asyncio.Event) -> AsyncIterator[None]:
    task = asyncio.create_task(on_schedule.run_on_time(directory, limits=LIMITS, changed=changed))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(holds_now: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await holds_now():
            await asyncio.sleep(0.005)


async def test_the_loop_is_on_time_wakes_for_new_plans_and_catches_up_after_a_restart() -> None:
    directory = MemoryDirectory()
    company = await companies.add_company(directory, domain="firma.test", name="Firma", actor="test", now=AT)
    user, changed = await hired(directory, company, "4711"), asyncio.Event()
    start = datetime.now(UTC)
    overdue = replace(
        await planned(directory, company, user, RENAMED, at=start + DAY, now=start), effective_at=start - DAY
    )
    async with directory.write(company.id) as tx:
        await tx.save_scheduled(overdue)

    async def is_over(plan: ScheduledChange) -> bool:
        async with directory.read() as tx:
            found = await tx.scheduled(company.id, plan.id)
        return found is not None and found.state is ScheduleState.DONE

    async with running(directory, changed):
        await until(lambda: is_over(overdue))
        soon = datetime.now(UTC) + timedelta(seconds=0.3)
        plan = await planned(directory, company, user, LEFT, at=soon, now=start)
        changed.set()
        await until(lambda: is_over(plan))
    async with directory.read() as tx:
        done = await tx.scheduled(company.id, plan.id)
    assert done is not None and done.finished_at is not None
    assert timedelta() <= done.finished_at - soon < timedelta(seconds=1)
