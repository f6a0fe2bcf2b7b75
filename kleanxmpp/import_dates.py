"""What the days in a file of people plan: that somebody leaves after their last one, and comes in on the first.

A file moves and ends only what a file planned. In doubt it closes: a departure that another way planned for no later
stays and is enough, and nobody is let in later whom the file does not add, unless it expressly calls them active.
Which day it is is compared, not which moment, so a plan that was moved to an earlier hour of the day stays there.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from kleanxmpp import announcements, moments, scheduling
from kleanxmpp.announcing import Way
from kleanxmpp.edits import UserPatch
from kleanxmpp.import_rows import Row
from kleanxmpp.model import AuditEntry, Company, Door, User
from kleanxmpp.ports import Transaction
from kleanxmpp.scheduled_ports import ChangeKind, ScheduledChange, ScheduleState
from kleanxmpp.scheduling import Whom

_PAGE = 1000
_COMES = (ChangeKind.JOINED, ChangeKind.RETURNED)
_PLANNED = "another way planned already when they are let in"
_DOUBT = "they are not active, and the file does not say that they are to be (active)"
_TAKEN = "a file says that they do not come"

Outcome = Literal["scheduled", "moved", "cancelled", "not_scheduled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """What becomes of somebody's first day, or (`leaves`) of the last one. `plan` is what a file planned before."""

    user: User
    leaves: bool
    on: date
    outcome: Outcome
    at: datetime | None = None
    plan: ScheduledChange | None = None
    moved_from: date | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """What is pending in the company, by the id of the person, and by the external id of who is to join."""

    by_user: Mapping[str, Sequence[ScheduledChange]]
    by_external_id: Mapping[str, Sequence[ScheduledChange]]

    def of(self, user: User) -> Sequence[ScheduledChange]:
        """Return what is pending about this person, in order."""
        found = [*self.by_user.get(user.id, ()), *self.by_external_id.get(user.external_id or "", ())]
        return sorted(found, key=lambda one: one.effective_at)


NO_PLANS = Plans(by_user={}, by_external_id={})


async def pending(tx: Transaction, company: Company) -> Plans:
    """Return what is pending. Cost follows the plans of the company."""
    by_user: dict[str, list[ScheduledChange]] = defaultdict(list)
    by_external_id: dict[str, list[ScheduledChange]] = defaultdict(list)
    after: tuple[datetime, str] | None = None
    while True:
        page = await tx.page_scheduled(
            company.id, user_id=None, states=[ScheduleState.PENDING], after=after, limit=_PAGE
        )
        for one in page:
            if one.user_id is not None:
                by_user[one.user_id].append(one)
            elif one.external_id is not None:
                by_external_id[one.external_id].append(one)
        if len(page) < _PAGE:
            return Plans(by_user=by_user, by_external_id=by_external_id)
        after = page[-1].effective_at, page[-1].id


def dated(row: Row, user: User, *, new: bool, plans: Plans, company: Company, today: date) -> Sequence[Dated]:
    """Return what becomes of the days of a row, as far as it is different from what is planned.

    `user` is as the import leaves them. Raises Invalid for a day that no clock knows.
    """
    theirs = plans.of(user)
    joining = tuple(_joining(row, user, new=new, theirs=theirs, company=company, today=today))
    ended = {one.plan.id for one in joining if one.plan and one.outcome == "cancelled"}
    comes = any(one.outcome in {"scheduled", "moved"} for one in joining) or any(
        plan.kind in _COMES and plan.id not in ended for plan in theirs
    )
    leaving = _leaving(row, user, theirs=theirs, company=company, today=today) if user.active or comes else ()
    return [*joining, *leaving]


def withdrawn(plans: Plans, users: Mapping[str, User], *, company: Company) -> Iterator[Dated]:
    """Yield that these people, whom a file of everybody does not have, are not let in as an earlier file said."""
    for user in users.values():
        for plan in plans.of(user):
            if _is_own(plan, ChangeKind.JOINED):
                yield _cancelled(user, plan, company)


def joiners(plans: Plans, *, but: Collection[str]) -> frozenset[str]:
    """Return the ids of the people whom a file planned to let in, without those in `but`."""
    found = (user_id for user_id, some in plans.by_user.items() if any(_is_own(p, ChangeKind.JOINED) for p in some))
    return frozenset(found) - frozenset(but)


async def apply(
    tx: Transaction, company: Company, steps: Sequence[Dated], *, actor: str, reason: str | None, now: datetime
) -> None:
    """Plan, move and cancel. What is planned goes through the guard of imports when its moment comes."""
    way = Way(door=Door.IMPORT, limits=None, actor=actor, reason=reason)
    entries: list[AuditEntry] = []
    for step in steps:
        if step.outcome == "scheduled" and step.at is not None:
            what = announcements.left() if step.leaves else _JOINED
            change = scheduling.change_of(company, what, whom=Whom(user=step.user), at=step.at, way=way, now=now)
            await tx.add_scheduled(change)
            entries.append(scheduling.entry(change, "scheduled.added", actor=actor, now=now))
        elif step.outcome == "moved" and step.plan is not None and step.at is not None:
            # What it knew of stays: a joining does not undo an off-boarding just because a file has another day.
            moved = replace(step.plan, effective_at=step.at, reason=reason, version=step.plan.version + 1)
            await tx.save_scheduled(moved)
            entries.append(scheduling.entry(moved, "scheduled.changed", actor=actor, now=now))
        elif step.outcome == "cancelled" and step.plan is not None:
            await scheduling.end(tx, step.plan, _TAKEN, actor=actor, reason=reason, now=now)
    if entries:
        await tx.add_audit(entries)


_JOINED = announcements.joined(UserPatch(fields=frozenset()), username=None)


def _joining(
    row: Row, user: User, *, new: bool, theirs: Sequence[ScheduledChange], company: Company, today: date
) -> Iterator[Dated]:
    own = next((plan for plan in theirs if _is_own(plan, ChangeKind.JOINED)), None)
    first = row.joined_on or (_day(own, company) if own else None)
    turned = row.leaves_on is not None and first is not None and row.leaves_on < first
    if own is not None and (row.active is False or (turned and not user.active)):
        yield _cancelled(user, own, company)
    if row.joined_on is None or row.joined_on <= today or user.active or row.active is False or turned:
        return
    found = Dated(user=user, leaves=False, on=row.joined_on, outcome="not_scheduled")
    others = [plan for plan in theirs if plan.kind in _COMES and plan is not own]
    if own is not None:
        yield from _moved(found, own, company)
    elif others:
        if all(_day(plan, company) != row.joined_on for plan in others):
            yield replace(found, why=_PLANNED)
    elif new or row.active:
        yield replace(found, outcome="scheduled", at=_moment(row.joined_on, company, leaves=False))
    else:
        yield replace(found, why=_DOUBT)


def _leaving(
    row: Row, user: User, *, theirs: Sequence[ScheduledChange], company: Company, today: date
) -> Iterator[Dated]:
    if row.leaves_on is None or row.leaves_on < today:
        return
    at = _moment(row.leaves_on, company, leaves=True)
    found = Dated(user=user, leaves=True, on=row.leaves_on, outcome="scheduled", at=at)
    departures = [plan for plan in theirs if plan.kind is ChangeKind.LEFT]
    own = next((plan for plan in departures if _is_own(plan, ChangeKind.LEFT)), None)
    if own is not None:
        yield from _moved(found, own, company)
    elif not any(plan.effective_at <= at for plan in departures):
        yield found


def _moved(found: Dated, own: ScheduledChange, company: Company) -> Iterator[Dated]:
    before = _day(own, company)
    if before != found.on:
        at = _moment(found.on, company, leaves=found.leaves)
        yield replace(found, outcome="moved", at=at, plan=own, moved_from=before)


def _cancelled(user: User, plan: ScheduledChange, company: Company) -> Dated:
    return Dated(user=user, leaves=False, on=_day(plan, company), outcome="cancelled", plan=plan)


def _is_own(plan: ScheduledChange, kind: ChangeKind) -> bool:
    return plan.kind is kind and plan.door is Door.IMPORT


def _moment(day: date, company: Company, *, leaves: bool) -> datetime:
    return moments.effective(
        day.isoformat(),
        timezone=company.timezone,
        takes=leaves,
        ends_day=leaves,
        field="leaves_on" if leaves else "joined_on",
    )


def _day(plan: ScheduledChange, company: Company) -> date:
    """Return the day that a plan is about: of a departure the last one that counts."""
    until = timedelta(microseconds=1) if plan.kind is ChangeKind.LEFT else timedelta()
    return (plan.effective_at - until).astimezone(ZoneInfo(company.timezone)).date()
