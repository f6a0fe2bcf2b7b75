"""Carrying out what was announced about a person, in a transaction that is open already, now or when its time comes.

What a door announced goes through the guard against mass changes; what was planned by name does not.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from kleanxmpp import doors, drafts, edits, errors, guard, handovers, jid
from kleanxmpp.announcements import Announcement
from kleanxmpp.model import Company, Door, User
from kleanxmpp.ports import Transaction
from kleanxmpp.scheduled_ports import ChangeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """By which way something comes. `door` None: by name. `limits` are the door's."""

    door: Door | None
    limits: guard.Limits | None
    actor: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an announcement: the person as they are now. `held`: the loss of access waits for a confirmation."""

    user: User
    held: bool = False
    changed: bool = True


async def carry_out(
    tx: Transaction, company: Company, what: Announcement, *, user: User | None, external_id: str | None, way: Way,
    now: datetime,
) -> Outcome:  # fmt: skip
    """Make it so. Repeatable. `user` None: nobody has this external id, so only a joiner can be meant.

    Raises Invalid, Conflict or NotFound, and then the transaction must end.
    """
    if user is None:
        if what.kind is not ChangeKind.JOINED:
            raise unknown()
        new = _newcomer(what, external_id=external_id)
        added = await edits.add(tx, company, new, actor=way.actor, reason=way.reason, now=now)
        for plan in await tx.pending_of(company.id, user_id=None, external_id=external_id):
            await tx.save_scheduled(replace(plan, user_id=added.id, external_id=None))
        return Outcome(user=added)
    _check(what, user, now=now)
    if way.door is not None:
        (said,) = await doors.say(
            tx,
            company,
            [(user, what.patch)],
            door=way.door,
            limits=way.limits,
            actor=way.actor,
            reason=way.reason,
            now=now,
        )
        return Outcome(user=said.user, held=said.held, changed=said.user != user)
    after = await edits.patched(tx, company, user, what.patch)
    successor = await handovers.successor(tx, company, what.hand_over_to, leaver=user)
    (saved,) = await edits.save(
        tx, company, [(user, after)], actor=way.actor, reason=way.reason, now=now, successor=successor
    )
    return Outcome(user=saved, changed=saved != user)


async def check(tx: Transaction, company: Company, what: Announcement, *, user: User | None, now: datetime) -> None:
    """Raise Invalid or Conflict for what could not be carried out today, whoever the person will be by then."""
    if user is not None:
        _check_username(what, user)
        await edits.patched(tx, company, user, what.patch)
    elif what.kind is ChangeKind.JOINED:
        await drafts.draft(tx, company, _newcomer(what, external_id=None), now=now)


async def person(tx: Transaction, company: Company, external_id: str) -> User | None:
    """Return who has this external id; None if nobody has, or who has is being erased."""
    found = (await tx.users_by_external_id(company.id, [external_id])).get(external_id)
    return None if found is None or found.erasing else found


def unknown() -> errors.NotFound:
    """Return the refusal of what is said about somebody who is not there."""
    return errors.NotFound("There is no person with this external id in the company. Announce employee.joined first.")


def _check(what: Announcement, user: User, *, now: datetime) -> None:
    _check_username(what, user)
    if what.kind is ChangeKind.PAUSED:
        if not user.active:
            raise errors.Invalid("Who left is not absent. Announce employee.returned first.", field="type")
        if what.patch.absent_until is not None and what.patch.absent_until <= now:
            raise errors.Invalid("An absence ends after it began, and in the future.", field="returns_on")


def _check_username(what: Announcement, user: User) -> None:
    if what.username and jid.normalise_localpart(what.username) != user.username:
        raise errors.Conflict("A username is for ever; this person has another one.", field="username")


def _newcomer(what: Announcement, *, external_id: str | None) -> drafts.NewUser:
    said = what.patch.fields
    return drafts.NewUser(
        display_name=what.patch.display_name,
        username=what.username,
        external_id=external_id,
        email=what.patch.email,
        locale=what.patch.locale if "locale" in said else None,
        chat_permission=what.patch.chat_permission if "chat_permission" in said else True,
        attributes=what.patch.attributes,
    )
