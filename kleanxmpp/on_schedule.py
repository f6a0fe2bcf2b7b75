"""Doing what was planned when its moment has come, or at once if that passed meanwhile.

Whoever plans that access is given back must know of every time it was taken before: a plan that gives access does not
undo an off-boarding that came after the plan was made, but fails and says so.
"""

import asyncio
import logging
from dataclasses import replace
from datetime import datetime

from kleanxmpp import announcements, announcing, errors, guard, metrics, scheduling, users
from kleanxmpp.announcing import Outcome, Way
from kleanxmpp.desired import Access, access
from kleanxmpp.model import Company, User
from kleanxmpp.on_time import Timed, keep_on_time
from kleanxmpp.ports import Directory, Transaction
from kleanxmpp.scheduled_ports import ScheduledChange, ScheduleState

log = logging.getLogger(__name__)

SCHEDULE = "schedule"
"""Who acts in the audit log when a plan is carried out; what follows bears the name of who planned it."""
_AT_ONCE = 100
_LOOK_EVERY = 1.0
"""Seconds. A plan for a moment this near is seen in time even while the loop that tells of changes is busy."""


async def run_on_time(directory: Directory, *, limits: guard.Limits, changed: asyncio.Event) -> None:
    """Do what is planned when its moment comes, until cancelled. `changed` is set when the directory may have."""

    async def act(now: datetime) -> None:
        await run_due(directory, limits=limits, now=now)

    timed = Timed(what="plans", upcoming=_next_change, act=act)
    await keep_on_time(directory, timed, changed=changed, longest=_LOOK_EVERY)


async def run_due(directory: Directory, *, limits: guard.Limits, now: datetime) -> int:
    """Do what was planned until now, in order; return how much it was. One at a time: none can hold up the others."""
    async with directory.read() as tx:
        due = await tx.due_changes(now=now, limit=_AT_ONCE)
    for change in due:
        outcome = await _run(directory, change, limits=limits, now=now)
        metrics.SCHEDULED.labels(outcome=outcome).inc()
        log.info("planned change", extra={"change": change.id, "kind": change.kind.value, "outcome": outcome})
    return len(due)


async def _next_change(tx: Transaction) -> datetime | None:
    return await tx.next_change_at()


async def _run(directory: Directory, change: ScheduledChange, *, limits: guard.Limits, now: datetime) -> str:
    """Do one in a transaction of its own, and return what came of it in a word."""
    try:
        async with directory.write(change.company_id) as tx:
            current, company = await tx.scheduled(change.company_id, change.id), await tx.company(change.company_id)
            if company is None or current is None or not _is_due(current, now=now):
                return "gone"
            return await _do(tx, company, current, limits=limits, now=now)
    except errors.DirectoryUnavailable:
        raise
    except errors.KleanError as error:
        why = str(error)
    except Exception as error:  # the outermost border of a plan: a defect in one must not stop all others
        log.exception("defect while doing what was planned", extra={"change": change.id})
        why = f"A defect in the program: {type(error).__name__}."
    await _fail(directory, change, why, now=now)
    return "failed"


async def _do(
    tx: Transaction, company: Company, change: ScheduledChange, *, limits: guard.Limits, now: datetime
) -> str:
    user = await _whom(tx, company, change)
    what = announcements.kept(change)
    if user is not None and what.gives:
        await _refuse_if_outdated(tx, company, change, user)
    way = Way(door=change.door, limits=limits, actor=change.actor, reason=change.reason)
    done = await announcing.carry_out(tx, company, what, user=user, external_id=change.external_id, way=way, now=now)
    result = "held" if done.held else "applied" if done.changed else "nothing to change"
    over = replace(
        change,
        user_id=done.user.id,
        external_id=None,
        said={},
        state=ScheduleState.DONE,
        result=result,
        finished_at=now,
        version=change.version + 1,
    )
    await tx.save_scheduled(over)
    await tx.add_audit([scheduling.entry(over, "scheduled.done", actor=SCHEDULE, now=now)])
    if what.takes and done.changed and not done.held:
        await _let_know(tx, change, done, taken=what.patch.fields, now=now)
    return result.partition(" ")[0]


async def _whom(tx: Transaction, company: Company, change: ScheduledChange) -> User | None:
    if change.user_id is not None:
        return await users.existing(tx, company, change.user_id)
    return None if change.external_id is None else await announcing.person(tx, company, change.external_id)


async def _refuse_if_outdated(tx: Transaction, company: Company, change: ScheduledChange, user: User) -> None:
    """Raise Conflict if access would be given that was taken since the plan was made, and the plan did not know."""
    if access(company, user) is Access.FULL:
        return
    newest = (await tx.newest_offboardings(company.id, [user.id])).get(user.id)
    later = newest is not None and newest.requested_at > change.aware_at
    if later or announcements.is_outdated(change, user):
        raise errors.Conflict(
            "Access was taken from this person after this was planned. Plan it again if it is still meant."
        )


async def _let_know(
    tx: Transaction, change: ScheduledChange, done: Outcome, *, taken: frozenset[str], now: datetime
) -> None:
    """Let later plans that were made after this one give back what this one took, and no more: they knew of it."""
    news = {name: value for name, value in announcements.aware_of(done.user).items() if name in taken}
    for later in await tx.pending_of(change.company_id, user_id=done.user.id, external_id=done.user.external_id):
        if later.created_at >= change.created_at and announcements.kept(later).gives:
            await tx.save_scheduled(replace(later, aware_at=now, aware_of={**later.aware_of, **news}))


async def _fail(directory: Directory, change: ScheduledChange, why: str, *, now: datetime) -> None:
    async with directory.write(change.company_id) as tx:
        current = await tx.scheduled(change.company_id, change.id)
        if current is None or not _is_due(current, now=now):
            return
        failed = replace(current, state=ScheduleState.FAILED, result=why, finished_at=now, version=current.version + 1)
        await tx.save_scheduled(failed)
        await tx.add_audit([scheduling.entry(failed, "scheduled.failed", actor=SCHEDULE, now=now)])


def _is_due(change: ScheduledChange, *, now: datetime) -> bool:
    return change.state is ScheduleState.PENDING and change.effective_at <= now
