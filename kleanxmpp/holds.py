"""Use cases about what a guard holds back: see it, and decide once about all of it.

Nothing expires. What is confirmed is looked at anew: who came back, or went, since it was held is left as they are.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kleanxmpp import consequences, errors
from kleanxmpp.desired import access, may_chat
from kleanxmpp.model import AuditEntry, Company, Door, HeldChange, Hold, User
from kleanxmpp.ports import Directory, Transaction

SWEEP_ID = "sweep"
"""The id of a held sweep. The next sweep finds the same again, so it is kept nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Somebody who was left as they are, and why."""

    user_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """What a confirmation did."""

    hold: Hold
    off_boarded: tuple[str, ...]
    skipped: tuple[Skipped, ...]


async def pending(directory: Directory, company: Company) -> Sequence[Hold]:
    """Return what waits for a confirmation."""
    async with directory.read() as tx:
        return await tx.holds(company.id)


async def confirm(
    directory: Directory, company: Company, hold_id: str, *, people: int | None = None, actor: str, now: datetime
) -> Confirmed:
    """Do everything that is held, whatever the limits. `people`: how many the confirming person was shown.

    Raises NotFound if it was decided before, and Conflict if it is not that many people any more.
    """
    async with directory.write(company.id) as tx:
        hold = await _existing(tx, company, hold_id)
        if people not in {None, len(hold.changes)}:
            raise errors.Conflict(f"{len(hold.changes)} people wait by now. Look again, then confirm.", field="people")
        skipped = await _confirmed(tx, company, hold, actor=actor, now=now)
        await _decided(tx, hold, "hold.confirmed", skipped=len(skipped), actor=actor, now=now)
    left_alone = {one.user_id for one in skipped}
    done = tuple(change.user_id for change in hold.changes if change.user_id not in left_alone)
    return Confirmed(hold=hold, off_boarded=done, skipped=skipped)


async def discard(directory: Directory, company: Company, hold_id: str, *, actor: str, now: datetime) -> Hold:
    """Forget what is held: everybody stays as they are. Raises NotFound if it was decided before."""
    async with directory.write(company.id) as tx:
        hold = await _existing(tx, company, hold_id)
        await _decided(tx, hold, "hold.discarded", skipped=len(hold.changes), actor=actor, now=now)
    return hold


async def note_decision_on_sweep(
    directory: Directory, company: Company, action: str, *, removing: int, actor: str, now: datetime
) -> None:
    """Write into the audit log who confirmed or discarded a held sweep."""
    async with directory.write(company.id) as tx:
        details: dict[str, object] = {"door": Door.SWEEP, "removing": removing}
        await tx.add_audit([_entry(company.id, SWEEP_ID, action, details, actor=actor, now=now)])


async def _confirmed(
    tx: Transaction, company: Company, hold: Hold, *, actor: str, now: datetime
) -> tuple[Skipped, ...]:
    """Off-board everybody of the hold who still is to be, and return the others."""
    people = [change.user_id for change in hold.changes]
    users, left_at = await tx.users_by_id(company.id, people), await tx.newest_offboardings(company.id, people)
    skipped: list[Skipped] = []
    by_reason: dict[str | None, list[tuple[User, User]]] = defaultdict(list)
    for change in hold.changes:
        before = users[change.user_id]
        after = _without(company, before, change, now=now)
        left = left_at.get(before.id)
        if before.erasing or after == before:
            skipped.append(Skipped(user_id=before.id, why=_why_not(change, now=now)))
        elif left is not None and left.requested_at > change.at and may_chat(company, before):
            skipped.append(Skipped(user_id=before.id, why="was off-boarded and let in again since"))
        else:
            by_reason[change.reason].append((before, replace(after, version=before.version + 1)))
    for reason, pairs in by_reason.items():
        before_all, after_all = [before for before, _ in pairs], [after for _, after in pairs]
        await tx.save_users(after_all)
        await consequences.record_changes(
            tx, company=company, before=before_all, after=after_all, actor=actor, reason=reason, now=now
        )
    return tuple(skipped)


def _without(company: Company, user: User, change: HeldChange, *, now: datetime) -> User:
    """Return the user without what the change takes. It never gives: somebody who is further out stays so."""
    after = replace(
        user,
        active=user.active and change.active,
        chat_permission=user.chat_permission and change.chat_permission,
    )
    if not after.active:
        return replace(after, absence=None, absent_until=None)
    absent = replace(after, absence=change.absence, absent_until=change.absent_until)
    begins = change.absence is not None and not _is_over(change, now=now)
    return absent if begins and access(company, after).exceeds(access(company, absent)) else after


def _is_over(change: HeldChange, *, now: datetime) -> bool:
    return change.absent_until is not None and change.absent_until <= now


def _why_not(change: HeldChange, *, now: datetime) -> str:
    only_absent = change.active and change.chat_permission
    return "would be back by now" if only_absent and _is_over(change, now=now) else "is off-boarded already"


async def _existing(tx: Transaction, company: Company, hold_id: str) -> Hold:
    found = next((hold for hold in await tx.holds(company.id) if hold.id == hold_id), None)
    if found is None:
        raise errors.NotFound("Nothing is held under this id; it may have been confirmed or discarded already.")
    return found


async def _decided(tx: Transaction, hold: Hold, action: str, *, skipped: int, actor: str, now: datetime) -> None:
    await tx.release(hold.company_id, hold.door, [change.user_id for change in hold.changes])
    details: dict[str, object] = {"door": hold.door, "people": len(hold.changes), "skipped": skipped}
    await tx.add_audit([_entry(hold.company_id, hold.id, action, details, actor=actor, now=now)])


def _entry(
    company_id: str, hold_id: str, action: str, details: dict[str, object], *, actor: str, now: datetime
) -> AuditEntry:
    return AuditEntry(
        company_id=company_id, at=now, actor=actor, action=action, subject=f"hold:{hold_id}", details=details
    )
