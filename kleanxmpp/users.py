"""Use cases about people. Every door (API, command line, import) comes through here, or through its two parts.

`drafts` says what is acceptable about a person, `edits` changes one inside a transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kleanxmpp import doors, drafts, edits, errors, handovers, offboardings, putting
from kleanxmpp.desired import access
from kleanxmpp.doors import Passage
from kleanxmpp.edits import UserPatch
from kleanxmpp.model import Absence, Company, Mode, Offboarding, User
from kleanxmpp.ports import Directory, Transaction


async def add_user(directory: Directory, company: Company, new: drafts.NewUser, *, actor: str, now: datetime) -> User:
    """Add a person. Raises Invalid or Conflict with the field named."""
    async with directory.write(company.id) as tx:
        return await edits.add(tx, company, new, actor=actor, now=now)


async def update_user(
    directory: Directory,
    company: Company,
    user_id: str,
    patch: UserPatch,
    *,
    actor: str,
    reason: str | None = None,
    now: datetime,
    if_version: int | None = None,
    by: Passage | None = None,
) -> User:
    """Change a person. Raises Stale if `if_version` is not the version any more.

    `by` a door, a loss of access beyond its limits waits, and the user returned still has it.
    """
    async with directory.write(company.id) as tx:
        user = await existing(tx, company, user_id)
        if if_version is not None and user.version != if_version:
            raise errors.Stale
        return await _update(tx, company, user, patch, actor=actor, reason=reason, now=now, by=by)


async def put_user(
    directory: Directory,
    company: Company,
    new: drafts.NewUser,
    *,
    actor: str,
    now: datetime,
    if_version: int | None = None,
    by: Passage | None = None,
) -> tuple[User, bool]:
    """Create or update the person with this external id; repeatable. Return the user and whether it is new.

    Optional facts that `new` leaves open (None) stay as they are. A username is fixed once given: another one raises
    Conflict. `by` as in `update_user`.
    """
    if not new.external_id:
        raise errors.Invalid("An external id is needed.", field="external_id")
    async with directory.write(company.id) as tx:
        found = await tx.users_by_external_id(company.id, [new.external_id])
        if new.external_id not in found:
            if if_version is not None:
                raise errors.Stale
            return await edits.add(tx, company, new, actor=actor, now=now), True
        user = found[new.external_id]
        patch = putting.patch_for(user, new, if_version=if_version)
        return await _update(tx, company, user, patch, actor=actor, reason=None, now=now, by=by), False


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """How somebody goes: for good, or absent until somebody ends it or `until` has come. Who takes groups over."""

    mode: Mode = Mode.LEFT
    until: datetime | None = None
    hand_over_to: str | None = None


FOR_GOOD = Departure()
_RETURNING_AT_ONCE = 100


async def deactivate(
    directory: Directory,
    company: Company,
    user_id: str,
    *,
    departure: Departure = FOR_GOOD,
    actor: str,
    reason: str | None,
    now: datetime,
) -> Offboarding:
    """Off-board a person: from the commit on no login succeeds. Repeatable; each call is proven anew.

    Return the open off-boarding, which the reconcile loop completes. Somebody on garden leave still reads
    announcements. Raises Invalid for an absence that ends in the past, or never begins: who left is not absent.
    """
    async with directory.write(company.id) as tx:
        begun = await deactivate_in(tx, company, [user_id], departure=departure, actor=actor, reason=reason, now=now)
    return begun[user_id]


async def deactivate_in(
    tx: Transaction,
    company: Company,
    user_ids: Sequence[str],
    *,
    departure: Departure,
    actor: str,
    reason: str | None,
    now: datetime,
) -> Mapping[str, Offboarding]:
    """Off-board several people as `deactivate` does, in a transaction that is open; return by user id. Bulk."""
    found = await tx.users_by_id(company.id, user_ids)
    before = [edits.not_erasing(found.get(user_id)) for user_id in dict.fromkeys(user_ids)]
    wanted = {user.id: _departed(user, departure, now=now) for user in before}
    successor: User | None = None
    for user in before:
        successor = await handovers.successor(tx, company, departure.hand_over_to, leaver=user)
    pairs = [(user, wanted[user.id]) for user in before]
    saved = await edits.save(tx, company, pairs, actor=actor, reason=reason, now=now, successor=successor)
    opened = {one.user_id: one for one in await tx.open_offboardings(company.id, list(wanted))}
    begun = {user.id for user, after in pairs if access(company, user).exceeds(access(company, after))}
    again = [user for user in saved if user.id not in begun & opened.keys()]
    opened |= await offboardings.begin_all(tx, company, again, actor=actor, reason=reason, now=now, successor=successor)
    for user in before:
        if wanted[user.id] == user:
            await _note_repetition(tx, opened[user.id], actor=actor, reason=reason, now=now)
    return {user_id: opened[user_id] for user_id in wanted}


async def reactivate(
    directory: Directory, company: Company, user_id: str, *, actor: str, reason: str | None, now: datetime
) -> User:
    """Undo a deactivation or an absence: circles are effective again, the person's credentials work again."""
    async with directory.write(company.id) as tx:
        user = await existing(tx, company, user_id)
        after = replace(user, active=True, absence=None, absent_until=None)
        return await _save(tx, company, user, after, actor=actor, reason=reason, now=now)


async def end_absences(directory: Directory, *, now: datetime) -> int:
    """Let everybody back in whose absence has ended; return how many. A person at a time: one cannot hold up others."""
    async with directory.read() as tx:
        ended = await tx.users_to_return(now=now, limit=_RETURNING_AT_ONCE)
        companies = {company.id: company for company in await tx.companies()}
    for user in ended:
        company = companies[user.company_id]
        async with directory.write(company.id) as tx:
            current = await tx.user(company.id, user.id)
            if current is not None and current.absent_until is not None and current.absent_until <= now:
                back = replace(current, absence=None, absent_until=None)
                await _save(tx, company, current, back, actor="schedule", reason="the absence ended", now=now)
    return len(ended)


async def erase(
    directory: Directory,
    company: Company,
    user_id: str,
    *,
    actor: str,
    reason: str | None,
    now: datetime,
    if_version: int | None = None,
) -> Offboarding:
    """Off-board a person and erase what is stored about them once that is proven. The username stays retired."""
    async with directory.write(company.id) as tx:
        user = await existing(tx, company, user_id, erasing=True)
        if if_version is not None and user.version != if_version:
            raise errors.Stale
        return await erase_in(tx, company, user, actor=actor, reason=reason, now=now)


async def erase_in(
    tx: Transaction, company: Company, user: User, *, actor: str, reason: str | None, now: datetime
) -> Offboarding:
    """Like `erase`, inside a transaction."""
    after = replace(user, active=False, absence=None, absent_until=None, erasing=True)
    saved = await _save(tx, company, user, after, actor=actor, reason=reason, now=now)
    await tx.delete_scim_user(company.id, user.id)  # the userName is free from now on
    opened = await offboardings.begin_all(tx, company, [saved], actor=actor, reason=reason, now=now)
    if after == user:
        await _note_repetition(tx, opened[user.id], actor=actor, reason=reason, now=now)
    return opened[user.id]


async def existing(tx: Transaction, company: Company, user_id: str, *, erasing: bool = False) -> User:
    """Return the user, or raise NotFound. Who is being erased is found only when `erasing` is True."""
    return edits.not_erasing(await tx.user(company.id, user_id), erasing=erasing)


async def _update(
    tx: Transaction,
    company: Company,
    user: User,
    patch: UserPatch,
    *,
    actor: str,
    reason: str | None,
    now: datetime,
    by: Passage | None,
) -> User:
    if by is not None:
        said = await doors.say(
            tx, company, [(user, patch)], door=by.door, limits=by.limits, actor=actor, reason=reason, now=now
        )
        return said[0].user
    after = await edits.patched(tx, company, user, patch)
    return await _save(tx, company, user, after, actor=actor, reason=reason, now=now)


async def _save(
    tx: Transaction, company: Company, before: User, after: User, *, actor: str, reason: str | None, now: datetime
) -> User:
    return (await edits.save(tx, company, [(before, after)], actor=actor, reason=reason, now=now))[0]


async def _note_repetition(
    tx: Transaction, begun: Offboarding, *, actor: str, reason: str | None, now: datetime
) -> None:
    """Leave an entry for an off-boarding that changes nothing about the person: it is proven anew."""
    await tx.add_audit([offboardings.entry(begun, "offboarding.repeated", actor=actor, reason=reason, now=now)])


def _departed(user: User, departure: Departure, *, now: datetime) -> User:
    if departure.until is not None and departure.until <= now:
        raise errors.Invalid("An absence ends in the future.", field="returns_on")
    if departure.mode is Mode.LEFT:
        if departure.until is not None:
            raise errors.Invalid("Who left comes back by hand, not by date.", field="returns_on")
        return replace(user, active=False, absence=None, absent_until=None)
    try:
        absence = Absence(departure.mode)
    except ValueError:
        raise errors.Invalid("A person is off-boarded as left, paused or garden_leave.", field="mode") from None
    if not user.active:
        raise errors.Invalid("Who left is not absent. Reactivate the person first.", field="mode")
    return replace(user, absence=absence, absent_until=departure.until)
