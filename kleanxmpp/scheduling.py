"""Use cases about what is to happen later: plan it, move it, cancel it. Done on time in `kleanxmpp.on_schedule`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kleanxmpp import announcements, announcing, errors, handovers, ids, users
from kleanxmpp.announcements import Announcement
from kleanxmpp.announcing import Way
from kleanxmpp.model import AuditEntry, Company, User
from kleanxmpp.ports import Directory, Transaction
from kleanxmpp.scheduled_ports import ScheduledChange, ScheduleState


@dataclass(frozen=True, slots=True, kw_only=True)
class Whom:
    """Whom a plan is about: somebody who is there, or (`user` None) who joins with this external id."""

    user: User | None
    external_id: str | None = None


async def schedule(
    directory: Directory,
    company: Company,
    user_id: str,
    what: Announcement,
    *,
    at: datetime,
    actor: str,
    reason: str | None,
    now: datetime,
) -> ScheduledChange:
    """Plan something for a person by name. Raises Invalid for a moment that is not in the future, or makes no sense."""
    async with directory.write(company.id) as tx:
        user = await users.existing(tx, company, user_id)
        way = Way(door=None, limits=None, actor=actor, reason=reason)
        await handovers.successor(tx, company, what.hand_over_to, leaver=user)
        pending = await tx.pending_of(company.id, user_id=user.id, external_id=user.external_id)
        await end_older(tx, pending, new=what, at=at, actor=actor, now=now)
        return await plan(tx, company, what, whom=Whom(user=user), at=at, way=way, now=now)


async def plan(
    tx: Transaction, company: Company, what: Announcement, *, whom: Whom, at: datetime, way: Way, now: datetime
) -> ScheduledChange:
    """Keep what is to happen at a moment. Raises Invalid as `schedule`."""
    _check_moment(at, now=now)
    until = what.patch.absent_until
    if until is not None and until <= at:
        raise errors.Invalid("An absence ends after it began.", field="returns_on")
    await announcing.check(tx, company, what, user=whom.user, now=now)
    change = change_of(company, what, whom=whom, at=at, way=way, now=now)
    await tx.add_scheduled(change)
    await tx.add_audit([entry(change, "scheduled.added", actor=way.actor, now=now)])
    return change


def change_of(
    company: Company, what: Announcement, *, whom: Whom, at: datetime, way: Way, now: datetime
) -> ScheduledChange:
    """Return what is to be kept of a plan. Checks nothing."""
    return ScheduledChange(
        id=ids.new_id(),
        company_id=company.id,
        user_id=None if whom.user is None else whom.user.id,
        external_id=None if whom.user else whom.external_id,
        kind=what.kind,
        said=announcements.to_keep(what),
        effective_at=at,
        created_at=now,
        aware_at=now,
        aware_of=announcements.aware_of(whom.user),
        actor=way.actor,
        door=way.door,
        reason=way.reason,
    )


async def end_older(
    tx: Transaction,
    pending: Sequence[ScheduledChange],
    *,
    new: Announcement,
    at: datetime,
    actor: str,
    now: datetime,
    held: bool = False,
) -> Sequence[ScheduledChange]:
    """Cancel what a newer word about the same person ends, and return it. `held`: the word is not true yet."""
    ended: list[ScheduledChange] = []
    for old in pending:
        why = announcements.why_over(old, new=new, at=at, now=now)
        if why is not None and not (held and why == announcements.REPLACED):
            ended.append(await end(tx, old, why, actor=actor, reason=old.reason, now=now))
    return ended


async def reschedule(
    directory: Directory,
    company: Company,
    change_id: str,
    *,
    at: datetime | None,
    actor: str,
    reason: str | None,
    now: datetime,
    if_version: int | None = None,
) -> ScheduledChange:
    """Move a plan (`at` None: not), or give it another reason (None: not). One that failed is pending again.

    Raises Stale, NotFound, Conflict for one that is over, Invalid for a moment that is not in the future.
    """
    async with directory.write(company.id) as tx:
        change = await _existing(tx, company, change_id, if_version=if_version)
        if at is not None or change.state is ScheduleState.FAILED:
            _check_moment(at, now=now)
        until = announcements.kept(change).patch.absent_until
        if at is not None and until is not None and until <= at:
            raise errors.Invalid("The absence would end before it began.", field="effective_at")
        user = None if change.user_id is None else await tx.user(company.id, change.user_id)
        after = replace(
            change,
            aware_of=announcements.aware_of(user),
            effective_at=at or change.effective_at,
            reason=change.reason if reason is None else reason,
            aware_at=now,
            state=ScheduleState.PENDING,
            result=None,
            finished_at=None,
            version=change.version + 1,
        )
        await tx.save_scheduled(after)
        await tx.add_audit([entry(after, "scheduled.changed", actor=actor, now=now)])
    return after


async def cancel(
    directory: Directory,
    company: Company,
    change_id: str,
    *,
    actor: str,
    reason: str | None,
    now: datetime,
    if_version: int | None = None,
) -> ScheduledChange:
    """Have a plan not happen. Raises Stale, NotFound, or Conflict for one that is over."""
    async with directory.write(company.id) as tx:
        change = await _existing(tx, company, change_id, if_version=if_version)
        return await end(tx, change, f"cancelled by {actor}", actor=actor, reason=reason, now=now)


async def find(tx: Transaction, company: Company, change_id: str) -> ScheduledChange:
    """Return a plan, whatever its state. Raises NotFound."""
    found = await tx.scheduled(company.id, change_id)
    if found is None:
        raise errors.NotFound("Nothing is planned under this id.")
    return found


async def end(
    tx: Transaction, change: ScheduledChange, why: str, *, actor: str, reason: str | None, now: datetime
) -> ScheduledChange:
    """Have a pending plan not happen, and say why in its result."""
    over = replace(
        change,
        external_id=None,
        said={},
        state=ScheduleState.CANCELLED,
        result=why,
        finished_at=now,
        version=change.version + 1,
    )
    await tx.save_scheduled(over)
    await tx.add_audit([replace(entry(over, "scheduled.cancelled", actor=actor, now=now), reason=reason)])
    return over


async def _existing(tx: Transaction, company: Company, change_id: str, *, if_version: int | None) -> ScheduledChange:
    change = await find(tx, company, change_id)
    if if_version is not None and change.version != if_version:
        raise errors.Stale
    if change.state not in {ScheduleState.PENDING, ScheduleState.FAILED}:
        raise errors.Conflict(f"This is {change.state.value} already.", field="state")
    return change


def _check_moment(at: datetime | None, *, now: datetime) -> None:
    if at is None or at <= now:
        raise errors.Invalid("What is planned happens in the future.", field="effective_at")


def entry(change: ScheduledChange, action: str, *, actor: str, now: datetime) -> AuditEntry:
    """Return the audit log's entry about a plan. Never what was said: the log outlives the person's erasure."""
    details: dict[str, object] = {
        "kind": change.kind,
        "user": change.user_id,
        "effective_at": change.effective_at.isoformat(),
        "door": change.door,
        "result": change.result if change.state is not ScheduleState.FAILED else None,
    }
    return AuditEntry(
        company_id=change.company_id,
        at=now,
        actor=actor,
        action=action,
        subject=f"scheduled:{change.id}",
        reason=change.reason,
        details=details,
    )
