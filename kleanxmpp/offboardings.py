"""Off-boardings: begun in the transaction that took the right away, completed by proof, kept as evidence.

The reconcile loop does the work (`kleanxmpp.reconcile`); here are its beginning, its end, and what counts as proof.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from kleanxmpp import errors, ids
from kleanxmpp.desired import GATE, Person, may_chat
from kleanxmpp.model import Due, Evidence, Offboarding, Priority, Scope, ScopeKind, User
from kleanxmpp.ports import Transaction
from kleanxmpp.state import Affiliation, UserState


def scope_of(user: User) -> Scope:
    """Return the unit of work that is about this person."""
    return Scope(kind=ScopeKind.USER, company_id=user.company_id, id=user.id)


async def begin_all(
    tx: Transaction, leavers: Sequence[User], *, actor: str, reason: str | None, now: datetime
) -> Mapping[str, Offboarding]:
    """Open an off-boarding for each of these people of one company who has none, and make them the loop's next work.

    Return each person's off-boarding by user id. Bulk: the number of queries does not grow with the people.
    """
    if not leavers:
        return {}
    opened = {one.user_id: one for one in await tx.open_offboardings(leavers[0].company_id, [u.id for u in leavers])}
    begun = [
        Offboarding(
            id=ids.new_id(), company_id=user.company_id, user_id=user.id, reason=reason, actor=actor, requested_at=now
        )
        for user in leavers
        if user.id not in opened
    ]
    await tx.add_offboardings(begun)
    marks = [Due(scope=scope_of(user), priority=Priority.OFFBOARDING, marked_at=now) for user in leavers]
    await tx.mark_due(marks)
    return opened | {one.user_id: one for one in begun}


async def begin(tx: Transaction, user: User, *, actor: str, reason: str | None, now: datetime) -> Offboarding:
    """Open the person's off-boarding, or return the one that is open, and make it the loop's next work."""
    return (await begin_all(tx, [user], actor=actor, reason=reason, now=now))[user.id]


async def cancel_all(tx: Transaction, returning: Sequence[User], *, now: datetime) -> None:
    """Close the open off-boardings of these people of one company without proof: the right was given back."""
    if returning:
        for found in await tx.open_offboardings(returning[0].company_id, [user.id for user in returning]):
            await tx.save_offboarding(replace(found, cancelled_at=now))


def completed(offboarding: Offboarding, lines: tuple[Evidence, ...], *, now: datetime) -> Offboarding:
    """Return the off-boarding as proven. Raises Temporary if a line was not found closed: then it goes on."""
    if not all(line.closed for line in lines):
        raise errors.Temporary("The off-boarding is not proven: an item is open or could not be looked at.")
    return replace(offboarding, completed_at=now, evidence=lines)


def evidence(
    *, person: Person, credentials: int, found: UserState, done: dict[str, int], left: UserState, milliseconds: int
) -> tuple[Evidence, ...]:
    """Say item by item what was found, what was done, and what the second look saw. None: it was not looked at."""

    def line(item: str, before: int | None, after: int | None) -> Evidence:
        return Evidence(
            item=item,
            found=before,
            done=done.get(item, 0),
            left=after,
            closed=None if after is None else after == 0,
            milliseconds=milliseconds,
        )

    opens = may_chat(person.company, person.user)
    return (
        line("logins", credentials, credentials if opens else 0),
        line("gate", done.get("gate"), _gate(left)),
        line("sessions", done.get("sessions"), _size(left.sessions)),
        line("rooms", _rooms(found), _rooms(left)),
        line("contact_groups", _contact_groups(found), _contact_groups(left)),
        line("bookmarks", _size(found.bookmarks), _size(left.bookmarks)),
    )


def _gate(state: UserState) -> int | None:
    return None if state.shared_groups is None else int(GATE in state.shared_groups)


def _contact_groups(state: UserState) -> int | None:
    return None if state.shared_groups is None else len(state.shared_groups - {GATE})


def _rooms(state: UserState) -> int | None:
    if state.affiliations is None:
        return None
    return sum(a not in {Affiliation.NONE, Affiliation.OUTCAST} for a in state.affiliations.values())


def _size(items: frozenset[object] | None) -> int | None:
    return None if items is None else len(items)
