"""What an HR system says by the hook: one event about one person, in one transaction, now or planned for later.

The message's id is claimed in that very transaction, so an event that was refused can be mended and sent again under
the same id, and one that was carried out is never carried out twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from kleanxmpp import announcing, errors, guard, scheduling
from kleanxmpp.announcements import Announcement
from kleanxmpp.announcing import Way
from kleanxmpp.model import Company, Door, Offboarding, User
from kleanxmpp.ports import Directory, Transaction
from kleanxmpp.scheduled_ports import ChangeKind, ScheduledChange
from kleanxmpp.scheduling import Whom

PURPOSE = "hr"
"""Of the secrets that HR systems sign with, and of the messages they send."""
REMEMBERED_FOR = timedelta(days=7)
"""How long a message's id is known. Far longer than a signature is good for: senders repeat for days, newly signed."""

State = Literal["applied", "scheduled", "held"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A message about the person with this external id. `at` None, or past: it holds from now on."""

    message_id: str
    external_id: str
    what: Announcement
    at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What came of an event. `user` None: somebody who joins later. `ended` are plans that it ended, `waiting` goes on.

    `offboarding` is the person's newest, if the event took access; `hold_id` where that waits for a confirmation.
    """

    state: State
    user: User | None = None
    scheduled: ScheduledChange | None = None
    offboarding: Offboarding | None = None
    hold_id: str | None = None
    ended: Sequence[ScheduledChange] = ()
    waiting: Sequence[ScheduledChange] = ()


async def receive(
    directory: Directory, company: Company, event: Event, *, limits: guard.Limits, actor: str, now: datetime
) -> Received:
    """Carry out an event, or plan it. Raises Repeated, and for what makes no sense NotFound, Conflict or Invalid."""
    async with directory.write(company.id) as tx:
        await tx.forget_messages(company.id, PURPOSE, before=now - REMEMBERED_FOR)
        if not await tx.claim_message(company.id, PURPOSE, event.message_id, at=now):
            raise errors.Repeated
        await tx.note_contact(company.id, Door.HR, at=now)
        way = Way(door=Door.HR, limits=limits, actor=actor, reason=event.reason)
        user = await _person(tx, company, event)
        received = await _taken_in(tx, company, event, user, way=way, now=now)
        return replace(received, waiting=await _pending(tx, company, event, received.user))


async def _taken_in(
    tx: Transaction,
    company: Company,
    event: Event,
    user: User | None,
    *,
    way: Way,
    now: datetime,
) -> Received:
    at = now if event.at is None else max(event.at, now)
    if user is None and event.what.kind is not ChangeKind.JOINED:
        return await _about_joiner(tx, company, event, at=at, way=way, now=now)
    if at > now:
        return await _planned(tx, company, event, user, at=at, way=way, now=now)
    done = await announcing.carry_out(
        tx, company, event.what, user=user, external_id=event.external_id, way=way, now=now
    )
    pending = await _pending(tx, company, event, done.user)
    ended = await scheduling.end_older(tx, pending, new=event.what, at=at, actor=way.actor, now=now, held=done.held)
    if done.held:
        hold_id = await tx.hold_id(company.id, Door.HR)
        return Received(state="held", user=done.user, hold_id=hold_id, ended=ended)
    newest = await tx.newest_offboardings(company.id, [done.user.id]) if event.what.takes else {}
    return Received(state="applied", user=done.user, offboarding=newest.get(done.user.id), ended=ended)


async def _planned(
    tx: Transaction,
    company: Company,
    event: Event,
    user: User | None,
    *,
    at: datetime,
    way: Way,
    now: datetime,
) -> Received:
    pending = await _pending(tx, company, event, user)
    ended = await scheduling.end_older(tx, pending, new=event.what, at=at, actor=way.actor, now=now)
    whom = Whom(user=user, external_id=event.external_id)
    planned = await scheduling.plan(tx, company, event.what, whom=whom, at=at, way=way, now=now)
    return Received(state="scheduled", user=user, scheduled=planned, ended=ended)


async def _about_joiner(
    tx: Transaction,
    company: Company,
    event: Event,
    *,
    at: datetime,
    way: Way,
    now: datetime,
) -> Received:
    """Take in what is said about somebody who is not there: it makes sense if they are to join before."""
    pending = await _pending(tx, company, event, None)
    joins = [plan for plan in pending if plan.kind is ChangeKind.JOINED]
    if any(plan.effective_at < at for plan in joins):
        return await _planned(tx, company, event, None, at=at, way=way, now=now)
    if not joins:
        raise announcing.unknown()
    if event.what.kind is not ChangeKind.LEFT:
        raise errors.NotFound("This person joins later. Announce employee.joined again, with what is different.")
    ended = await scheduling.end_older(tx, pending, new=event.what, at=at, actor=way.actor, now=now)
    return Received(state="applied", ended=ended)


async def _pending(tx: Transaction, company: Company, event: Event, user: User | None) -> Sequence[ScheduledChange]:
    user_id = None if user is None else user.id
    return await tx.pending_of(company.id, user_id=user_id, external_id=event.external_id)


async def _person(tx: Transaction, company: Company, event: Event) -> User | None:
    user = await announcing.person(tx, company, event.external_id)
    if user is None and event.what.kind is ChangeKind.JOINED:
        found = await tx.users_by_external_id(company.id, [event.external_id])
        if found:
            raise errors.Conflict("This person is being erased. Repeat this when it is done.", field="external_id")
    return user
