"""The guard against mass changes: one mistake in a file or a system must not off-board a whole company.

A door (`model.Door`) lets so many people out within a window; whoever is beyond that is held until somebody confirms
it. Whoever is off-boarded by name (API, command line, erasure) comes by no door: never held, never counted. A door
asks `admit` before it saves what it wants of people, in the same transaction; what becomes of a hold is in `holds`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kleanxmpp import ids
from kleanxmpp.desired import access
from kleanxmpp.model import Absence, AuditEntry, Company, Door, HeldChange, Hold, User
from kleanxmpp.ports import Transaction

Pair = tuple[User, User]
"""Somebody as they are, and as a door wants them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many people a door may off-board within `window`: the smaller of a number and a share, at least one."""

    people: int = 10
    percent: float = 5.0
    window: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What a door may save now, and (with all that was wanted) who waits.

    Of who waits everything but the loss of access is in `passing`, if there is anything else.
    """

    passing: tuple[Pair, ...]
    held: tuple[Pair, ...]


def room(limits: Limits, *, may_chat: int, passed: int) -> int:
    """Say how many people a door may off-board now that `passed` went by it within the window.

    The share is of those who may chat now and those who went: the more leave, the fewer may not leave after them.
    """
    share = int((may_chat + passed) * limits.percent / 100)
    return max(0, max(1, min(limits.people, share)) - passed)


def takes_access(company: Company, before: User, after: User) -> bool:
    """Whether this change is an off-boarding: for good, for an absence, or because the permission is withdrawn."""
    return access(company, before).exceeds(access(company, after))


async def decide(
    tx: Transaction, company: Company, *, door: Door, wanted: Sequence[Pair], limits: Limits | None, now: datetime
) -> Admission:
    """Say who may pass and who waits, without keeping it. `limits` None: everybody passes.

    Who waits already goes on waiting, however much room there is by now.
    """
    leaving = [before.id for before, after in wanted if takes_access(company, before, after)]
    if limits is None or not leaving:
        return Admission(passing=tuple(wanted), held=())
    waiting = await tx.waiting(company.id, door, leaving)
    passed = await tx.passed(company.id, door, since=now - limits.window)
    free = room(limits, may_chat=await tx.count_may_chat(company.id), passed=passed)
    through = {user_id for user_id in leaving if user_id not in waiting}
    through -= set([user_id for user_id in leaving if user_id in through][free:])
    held = set(leaving) - through
    kept = ((before, _kept(before, after) if before.id in held else after) for before, after in wanted)
    return Admission(
        passing=tuple((before, after) for before, after in kept if after != before),
        held=tuple(pair for pair in wanted if pair[0].id in held),
    )


async def admit(
    tx: Transaction,
    company: Company,
    *,
    door: Door,
    wanted: Sequence[Pair],
    limits: Limits | None,
    actor: str,
    reason: str | None,
    now: datetime,
) -> Admission:
    """Like `decide`, and keep it: who passed is counted, who waits is in the door's hold."""
    admission = await decide(tx, company, door=door, wanted=wanted, limits=limits, now=now)
    gone = [before.id for before, after in admission.passing if takes_access(company, before, after)]
    if limits is None:
        await tx.release(company.id, door, gone)
    elif gone:
        await tx.forget_passed(company.id, door, before=now - limits.window)
        await tx.add_passed(company.id, door, people=len(gone), at=now)
    await _hold_back(tx, company, door, admission.held, actor=actor, reason=reason, now=now)
    return admission


async def take_back(
    tx: Transaction,
    company: Company,
    *,
    door: Door,
    affirmed: Mapping[str, frozenset[str]],
    actor: str,
    now: datetime,
) -> None:
    """Let nobody wait whom the door wants to stay after all: user id -> which facts it says are true.

    The fact `absence` is true of who is not to be absent.
    """
    waiting = await tx.waiting(company.id, door, affirmed)
    changed = [(change, _affirmed(change, affirmed[change.user_id])) for change in waiting.values()]
    changed = [(old, new) for old, new in changed if old != new]
    if not changed:
        return
    hold_id = await _hold_id(tx, company, door)
    await tx.release(company.id, door, [old.user_id for old, _ in changed])
    left = [new for _, new in changed if _takes_anything(new)]
    if left:
        await tx.hold_back(Hold(id=hold_id, company_id=company.id, door=door, changes=tuple(left)))
    await tx.add_audit(
        [_entry(company, door, hold_id, "user.hold_taken_back", new, actor=actor, now=now) for _, new in changed]
    )


async def _hold_back(
    tx: Transaction,
    company: Company,
    door: Door,
    held: Sequence[Pair],
    *,
    actor: str,
    reason: str | None,
    now: datetime,
) -> None:
    """Put into the door's hold who is not there yet, or there for less than by now."""
    waiting = await tx.waiting(company.id, door, [before.id for before, _ in held])
    fresh: list[HeldChange] = []
    for before, after in held:
        new = HeldChange(user_id=before.id, actor=actor, reason=reason, at=now)
        known = waiting.get(before.id, new)
        absent = known if after.absence is None or _absence(after) == _absence(before) else after
        change = replace(
            new,
            active=known.active and (after.active or not before.active),
            chat_permission=known.chat_permission and (after.chat_permission or not before.chat_permission),
            absence=absent.absence,
            absent_until=absent.absent_until,
        )
        if (known.active, known.chat_permission, *_absence(known)) != (
            change.active,
            change.chat_permission,
            *_absence(change),
        ):
            fresh.append(change)
    if fresh:
        hold_id = await _hold_id(tx, company, door)
        await tx.hold_back(Hold(id=hold_id, company_id=company.id, door=door, changes=tuple(fresh)))
        await tx.add_audit([_entry(company, door, hold_id, "user.held", c, actor=actor, now=now) for c in fresh])


def _kept(before: User, after: User) -> User:
    """Return `after` without what takes access; `before` if nothing else differs."""
    kept = replace(
        after,
        active=before.active or after.active,
        chat_permission=before.chat_permission or after.chat_permission,
        absence=before.absence,
        absent_until=before.absent_until,
    )
    return before if replace(kept, version=before.version) == before else kept


def _affirmed(change: HeldChange, facts: frozenset[str]) -> HeldChange:
    stays = "absence" in facts
    return replace(
        change,
        active=change.active or "active" in facts,
        chat_permission=change.chat_permission or "chat_permission" in facts,
        absence=None if stays else change.absence,
        absent_until=None if stays else change.absent_until,
    )


def _takes_anything(change: HeldChange) -> bool:
    return not (change.active and change.chat_permission and change.absence is None)


def _absence(who: User | HeldChange) -> tuple[Absence | None, datetime | None]:
    return who.absence, who.absent_until


async def _hold_id(tx: Transaction, company: Company, door: Door) -> str:
    """Return the id of the door's hold, a new one if nothing of it waits."""
    return await tx.hold_id(company.id, door) or ids.new_id()


def _entry(
    company: Company, door: Door, hold_id: str, action: str, change: HeldChange, *, actor: str, now: datetime
) -> AuditEntry:
    return AuditEntry(
        company_id=company.id,
        at=now,
        actor=actor,
        action=action,
        subject=f"user:{change.user_id}",
        reason=change.reason,
        details={
            "hold": hold_id,
            "door": door,
            "active": change.active,
            "chat_permission": change.chat_permission,
            "absence": change.absence,
        },
    )
