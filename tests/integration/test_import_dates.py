"""Days ahead in a file of people become plans, on both directories: made, moved, kept, and done on time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kleanxmpp import announcements, companies, csv_file, holds, import_diff, importing, on_schedule, scheduling, users
from kleanxmpp.announcements import Announcement
from kleanxmpp.drafts import NewUser
from kleanxmpp.edits import UserPatch
from kleanxmpp.guard import Limits
from kleanxmpp.import_plan import ImportPlan
from kleanxmpp.model import AuditEntry, Company, Door, User
from kleanxmpp.ports import Directory
from kleanxmpp.scheduled_ports import ChangeKind, ScheduledChange, ScheduleState
from tests.factories import AT

LIMITS = Limits(people=2, percent=50)
HEADER = "external_id,display_name,joined_on,leaves_on,active\n"
DAY = timedelta(days=1)
NEW_YEAR = datetime(2026, 12, 31, 23, tzinfo=UTC)
"""The end of 2026 in Berlin."""


@pytest.fixture
async def company(directory: Directory) -> Company:
    return await companies.add_company(directory, domain="firma.test", name="Firma", actor="test", now=AT)


async def imported(directory: Directory, company: Company, *lines: str, **options: Any) -> ImportPlan:
    text = HEADER + "".join(f"{line}\n" for line in lines)
    given = {"actor": "test", "reason": "a test", "now": AT} | options
    return await importing.import_people(directory, company, csv_file.parse([text.encode()]), **given)


def told(company: Company, plan: ImportPlan) -> list[str]:
    return [line for section, line in import_diff.lines(import_diff.diff(company, plan)) if section == "dates"]


async def plans(
    directory: Directory, company: Company, *states: ScheduleState
) -> list[tuple[ChangeKind, datetime, str | None]]:
    found = await kept(directory, company, *states)
    return [(one.kind, one.effective_at, one.door) for one in found]


async def kept(directory: Directory, company: Company, *states: ScheduleState) -> Sequence[ScheduledChange]:
    async with directory.read() as tx:
        return await tx.page_scheduled(
            company.id, user_id=None, states=states or [ScheduleState.PENDING], after=None, limit=99
        )


async def person(directory: Directory, company: Company, external_id: str = "1") -> User:
    async with directory.read() as tx:
        return (await tx.users_by_external_id(company.id, [external_id]))[external_id]


async def audit(directory: Directory, company: Company) -> list[AuditEntry]:
    async with directory.read() as tx:
        found = await tx.page_audit(company.id, before=None, limit=99)
        return [one for one in reversed(found) if one.action.startswith("scheduled.")]


async def planned(directory: Directory, company: Company, what: Announcement, *, at: datetime) -> None:
    user = await person(directory, company)
    await scheduling.schedule(directory, company, user.id, what, at=at, actor="token:1", reason=None, now=AT)


async def test_a_last_day_ahead_is_scheduled_once_moved_and_done(directory: Directory, company: Company) -> None:
    looked = await imported(directory, company, "1,Anna,,31.12.2026,", dry_run=True)
    assert told(company, looked) == ["user anna leaves on 2026-12-31: will be scheduled"]
    assert await plans(directory, company) == []
    done = await imported(directory, company, "1,Anna,,31.12.2026,")
    assert told(company, done) == told(company, looked)
    assert await plans(directory, company) == [(ChangeKind.LEFT, NEW_YEAR, Door.IMPORT)]

    for line in ("1,Anna,,31.12.2026,", "1,Anna,,31.12.2026,ja", "1,Anna,,,"):
        again = await imported(directory, company, line)
        assert (again.empty, told(company, again)) == (True, []), "an empty cell says nothing"
    assert await plans(directory, company) == [(ChangeKind.LEFT, NEW_YEAR, Door.IMPORT)]

    looked = await imported(directory, company, "1,Anna,,30.12.2026,", dry_run=True)
    assert told(company, looked) == ["user anna leaves on 2026-12-30: moved from 2026-12-31 to 2026-12-30"]
    assert (looked.empty, import_diff.summary(import_diff.diff(company, looked)).endswith("1 dates planned")) == (
        False,
        True,
    )
    await imported(directory, company, "1,Anna,,30.12.2026,", actor="shell:root")
    assert await plans(directory, company) == [(ChangeKind.LEFT, NEW_YEAR - DAY, Door.IMPORT)]
    assert [(one.action, one.actor, one.reason, one.details["door"]) for one in await audit(directory, company)] == [
        ("scheduled.added", "test", "a test", "import"),
        ("scheduled.changed", "shell:root", "a test", "import"),
    ]

    early = NEW_YEAR - DAY - timedelta(seconds=1)
    assert await on_schedule.run_due(directory, limits=LIMITS, now=early) == 0
    assert (await person(directory, company)).active, "the last day is a day at work"
    assert await on_schedule.run_due(directory, limits=LIMITS, now=NEW_YEAR - DAY) == 1
    assert not (await person(directory, company)).active
    again = await imported(directory, company, "1,Anna,,30.12.2026,ja", now=NEW_YEAR)
    assert (again.empty, await plans(directory, company)) == (True, [])


async def test_planned_departures_meet_the_guard_of_imports_when_they_come(
    directory: Directory, company: Company
) -> None:
    await imported(directory, company, *(f"{n},Person {n},,31.12.2026," for n in range(6)), limits=None)
    assert await on_schedule.run_due(directory, limits=LIMITS, now=NEW_YEAR) == 6
    (hold,) = await holds.pending(directory, company)
    assert (hold.door, len(hold.changes)) == (Door.IMPORT, 4)


async def test_what_others_planned_is_neither_moved_nor_ended(directory: Directory, company: Company) -> None:
    await imported(directory, company, "1,Anna,,,")
    dismissed = datetime(2026, 6, 1, 16, tzinfo=UTC)
    await planned(directory, company, announcements.left(), at=dismissed)
    assert (await imported(directory, company, "1,Anna,,31.12.2026,")).empty, "an earlier departure is enough"
    assert await plans(directory, company) == [(ChangeKind.LEFT, dismissed, None)]
    await imported(directory, company, "1,Anna,,30.04.2026,")
    april = datetime(2026, 4, 30, 22, tzinfo=UTC)
    assert await plans(directory, company) == [
        (ChangeKind.LEFT, april, Door.IMPORT),
        (ChangeKind.LEFT, dismissed, None),
    ]


async def test_a_plan_moved_within_the_day_stays_there(directory: Directory, company: Company) -> None:
    await imported(directory, company, "1,Anna,,31.12.2026,")
    (plan,) = await kept(directory, company)
    noon = datetime(2026, 12, 31, 11, tzinfo=UTC)
    await scheduling.reschedule(directory, company, plan.id, at=noon, actor="t", reason=None, now=AT)
    assert (await imported(directory, company, "1,Anna,,31.12.2026,")).empty
    assert await plans(directory, company) == [(ChangeKind.LEFT, noon, Door.IMPORT)]


async def test_a_new_person_is_let_in_on_the_first_day_and_out_after_the_last(
    directory: Directory, company: Company
) -> None:
    first, last = datetime(2026, 1, 31, 23, tzinfo=UTC), datetime(2026, 6, 30, 22, tzinfo=UTC)
    both = [(ChangeKind.JOINED, first, Door.IMPORT), (ChangeKind.LEFT, last, Door.IMPORT)]
    line = "1,Anna,01.02.2026,30.06.2026,"
    plan = await imported(directory, company, line)
    assert told(company, plan) == [
        "user anna joins on 2026-02-01: will be scheduled",
        "user anna leaves on 2026-06-30: will be scheduled",
    ]
    assert await plans(directory, company) == both
    assert (await imported(directory, company, line)).empty
    moved = await imported(directory, company, "1,Anna,02.02.2026,30.06.2026,")
    assert told(company, moved) == ["user anna joins on 2026-02-02: moved from 2026-02-01 to 2026-02-02"]
    await imported(directory, company, line)
    assert await plans(directory, company) == both
    assert not (await person(directory, company)).active
    await on_schedule.run_due(directory, limits=LIMITS, now=first)
    assert (await person(directory, company)).active
    await on_schedule.run_due(directory, limits=LIMITS, now=last)
    assert not (await person(directory, company)).active


@pytest.mark.parametrize(
    ("line", "options", "cancelled"),
    [
        ("1,Anna,01.02.2026,,nein", {}, True),
        ("1,Anna,,,nein", {}, True),
        ("1,Anna,,31.01.2026,", {}, True),
        ("1,Anna,,04.01.2026,", {}, True),
        ("2,Bea,,,", {"off_board_missing": True}, True),
        ("2,Bea,,,", {}, False),
        ("1,Anna,,,", {}, False),
    ],
)
async def test_a_joining_ends_when_a_later_file_says_no(
    directory: Directory, company: Company, line: str, options: dict[str, Any], cancelled: bool
) -> None:
    await imported(directory, company, "1,Anna,01.02.2026,,")
    plan = await imported(directory, company, line, **options)
    assert ("user anna joins on 2026-02-01: will be cancelled" in told(company, plan)) is cancelled
    await on_schedule.run_due(directory, limits=LIMITS, now=NEW_YEAR)
    assert (await person(directory, company)).active is not cancelled
    actions = [one.action for one in await audit(directory, company)]
    assert actions == ["scheduled.added", "scheduled.cancelled" if cancelled else "scheduled.done"]


async def test_who_left_is_let_in_later_only_if_the_file_expressly_says_so(
    directory: Directory, company: Company
) -> None:
    await imported(directory, company, "1,Anna,,,")
    await users.deactivate(directory, company, (await person(directory, company)).id, actor="t", reason=None, now=AT)
    doubt = await imported(directory, company, "1,Anna,01.02.2026,,")
    assert told(company, doubt) == [
        "user anna joins on 2026-02-01: not scheduled, because they are not active, and the file does not say that "
        "they are to be (active)"
    ]
    assert (doubt.empty, await plans(directory, company)) == (True, [])
    await planned(directory, company, announcements.returned(), at=AT + DAY)
    other = await imported(directory, company, "1,Anna,01.02.2026,,ja")
    assert told(company, other)[0].endswith("not scheduled, because another way planned already when they are let in")
    (plan,) = await kept(directory, company)
    await scheduling.cancel(directory, company, plan.id, actor="t", reason=None, now=AT)
    sure = await imported(directory, company, "1,Anna,01.02.2026,,ja")
    assert told(company, sure) == ["user anna joins on 2026-02-01: will be scheduled"]


async def test_a_moved_joining_does_not_undo_what_came_after_it_was_planned(
    directory: Directory, company: Company
) -> None:
    await imported(directory, company, "1,Anna,01.02.2026,,")
    user = await person(directory, company)
    await users.reactivate(directory, company, user.id, actor="t", reason=None, now=AT)
    await users.deactivate(directory, company, user.id, actor="t", reason="no", now=AT + DAY)
    await imported(directory, company, "1,Anna,02.02.2026,,", now=AT + DAY * 2)
    await on_schedule.run_due(directory, limits=LIMITS, now=NEW_YEAR)
    assert not (await person(directory, company)).active
    assert await plans(directory, company, ScheduleState.FAILED) != []


async def test_who_is_there_already_and_whoever_is_out_gets_no_needless_plans(
    directory: Directory, company: Company
) -> None:
    new = NewUser(display_name="Anna", external_id="1")
    user = await users.add_user(directory, company, new, actor="t", now=AT)
    assert (await imported(directory, company, "1,Anna,01.02.2026,,")).empty
    patch = UserPatch(fields=frozenset({"active"}), active=False)
    await users.update_user(directory, company, user.id, patch, actor="t", now=AT)
    assert (await imported(directory, company, "1,Anna,,31.12.2026,")).empty
    assert await plans(directory, company) == []
