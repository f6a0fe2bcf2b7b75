"""Off-boardings: begun in the transaction that took the right away, completed by proof, kept as evidence.

The reconcile loop does the work (`kleanxmpp.reconcile`); here are its beginning, its end, and what counts as proof.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import TypeVar

from kleanxmpp import handovers, ids
from kleanxmpp.desired import GATE, KEYS, READ_ONLY, Access, Person, access, may_log_in
from kleanxmpp.due import Due, Priority, Scope, ScopeKind
from kleanxmpp.model import Absence, AuditEntry, Company, Evidence, Mode, Offboarding, User
from kleanxmpp.ports import Transaction
from kleanxmpp.state import Leftovers, UserState
from kleanxmpp.website_ports import WebAccess

T = TypeVar("T")

SERVICE = "service"
"""Who acts in the audit log when the running program does what follows from somebody's request."""


def scope_of(user: User) -> Scope:
    """Return the unit of work that is about this person."""
    return Scope(kind=ScopeKind.USER, company_id=user.company_id, id=user.id)


async def begin_all(
    tx: Transaction,
    company: Company,
    leavers: Sequence[User],
    *,
    actor: str,
    reason: str | None,
    now: datetime,
    successor: User | None = None,
) -> Mapping[str, Offboarding]:
    """Open an off-boarding for each of these people who has none, and make them the loop's next work.

    Groups that they moderate are handed over, to `successor` if named. Return each person's off-boarding by user id.
    Bulk: the number of queries grows with the groups handed over, not with the people.
    """
    if not leavers:
        return {}
    open_ones = await tx.open_offboardings(company.id, [user.id for user in leavers])
    opened = {one.user_id: one for one in open_ones}
    handed = await handovers.hand_over(tx, company, leavers, to=successor, actor=actor, reason=reason, now=now)
    begun: list[Offboarding] = []
    for user in leavers:
        mode = mode_of(company, user)
        if found := opened.get(user.id):
            passed_on = handovers.together(found.handovers, handed.get(user.id, ()))
            opened[user.id] = replace(found, mode=mode, handovers=passed_on)
            continue
        begun.append(
            Offboarding(
                id=ids.new_id(),
                company_id=user.company_id,
                user_id=user.id,
                reason=reason,
                actor=actor,
                requested_at=now,
                mode=mode,
                handovers=handed.get(user.id, ()),
            )
        )
    await tx.save_offboardings([opened[user.id] for user in leavers if user.id in opened])
    await tx.add_offboardings(begun)
    marks = [Due(scope=scope_of(user), priority=Priority.OFFBOARDING, marked_at=now) for user in leavers]
    await tx.mark_due(marks)
    return opened | {one.user_id: one for one in begun}


def mode_of(company: Company, user: User) -> Mode:
    """Say why somebody who does not fully take part is off-boarded; of several reasons the gravest."""
    reasons = (
        (user.erasing, Mode.ERASED),
        (not user.active, Mode.LEFT),
        (not user.chat_permission, Mode.PERMISSION_WITHDRAWN),
        (not company.enabled, Mode.COMPANY_DISABLED),
        (user.absence is Absence.GARDEN_LEAVE, Mode.GARDEN_LEAVE),
    )
    return next((mode for holds, mode in reasons if holds), Mode.PAUSED)


async def cancel_all(
    tx: Transaction, returning: Sequence[User], *, actor: str, reason: str | None, now: datetime
) -> None:
    """Close the open off-boardings of these people of one company without proof: the right was given back."""
    if not returning:
        return
    found = await tx.open_offboardings(returning[0].company_id, [user.id for user in returning])
    await tx.save_offboardings([replace(one, cancelled_at=now) for one in found])
    await tx.add_audit([entry(one, "offboarding.cancelled", actor=actor, reason=reason, now=now) for one in found])


def entry(offboarding: Offboarding, action: str, *, actor: str, reason: str | None, now: datetime) -> AuditEntry:
    """Return the audit log's entry about something that happened to an off-boarding itself."""
    return AuditEntry(
        company_id=offboarding.company_id,
        at=now,
        actor=actor,
        action=action,
        subject=f"user:{offboarding.user_id}",
        reason=reason,
        details={"offboarding": offboarding.id, "mode": offboarding.mode},
    )


def with_evidence(offboarding: Offboarding, lines: Sequence[Evidence], *, now: datetime, proven: bool) -> Offboarding:
    """Return the off-boarding with this evidence, completed if it is `proven` and every line was seen closed.

    What earlier attempts found and did stays: after a crash there is less to find.
    """
    earlier = {line.item: line for line in offboarding.evidence}
    merged = tuple(_with_earlier(line, earlier.get(line.item)) for line in lines)
    done = proven and bool(merged) and all(line.closed for line in merged)
    return replace(offboarding, completed_at=now if done else None, evidence=merged)


def _with_earlier(line: Evidence, earlier: Evidence | None) -> Evidence:
    if earlier is None:
        return line
    found = [number for number in (line.found, earlier.found) if number is not None]
    return replace(line, found=max(found, default=None), done=line.done + earlier.done)


def evidence(
    *,
    person: Person,
    credentials: int,
    uploads: int,
    web: tuple[WebAccess, WebAccess] | None,
    files: tuple[int, int | None] | None,
    found: UserState | None,
    done: Mapping[str, int],
    left: UserState | None,
    wanted: UserState,
) -> tuple[Evidence, ...]:
    """Say item by item what was found that is not `wanted`, what was done, and what the last look saw of it.

    None: it was not looked at, and nobody knows. Which items there are depends on how far the person still takes
    part. `uploads` were granted, not begun, and are revoked; `web` (found and left) is what they held of the website;
    `files` (found and left) count when somebody is erased.
    The milliseconds are the caller's to fill in.
    """
    held, holds = web or (WebAccess(), WebAccess())
    done = {**done, "uploads": uploads, "web_sessions": held.sessions, "links": held.links}
    before, after = found or UserState(), left or UserState()
    level = access(person.company, person.user)

    def line(item: str, there: int | None, remaining: int | None) -> Evidence:
        return Evidence(
            item=item,
            found=there,
            done=done.get(item, 0),
            left=remaining,
            closed=None if remaining is None else remaining == 0,
            milliseconds=0,
        )

    keys, wanted_groups = after.shared_groups, wanted.shared_groups or frozenset()
    if level is Access.READ:
        doors = [line("writing", 1, None if keys is None else int(READ_ONLY not in keys))]
    else:
        doors = [
            line("logins", credentials, credentials if may_log_in(person.company, person.user) else 0),
            line("gate", done.get("gate"), None if keys is None else int(GATE in keys)),
            line("sessions", done.get("sessions"), _size(after.sessions)),
        ]
    doors += [
        line("rooms", _rooms(before, wanted), _rooms(after, wanted)),
        line("contact_groups", _groups(before, wanted_groups), _groups(after, wanted_groups)),
        line("bookmarks", *(_size(state.bookmarks, besides=wanted.bookmarks) for state in (before, after))),
    ]
    doors += [
        line("web_sessions", held.sessions, None if web is None else holds.sessions),
        line("links", held.links, None if web is None else holds.links),
        line("uploads", uploads, 0),
    ]
    if person.user.erasing:
        there, left_over = files or (None, None)
        doors.append(line("files", there, left_over))
    if level is not Access.READ:
        names = [field.name for field in fields(Leftovers)]
        remains = [line(name, _leftover(before, name), _leftover(after, name)) for name in names]
        # one change clears them all: what it did for each is what is gone
        doors += [replace(one, done=_gone(one)) if done.get("leftovers") else one for one in remains]
    return tuple(doors)


def _gone(line: Evidence) -> int:
    return 0 if line.found is None or line.left is None else max(0, line.found - line.left)


def _groups(state: UserState, wanted: frozenset[str]) -> int | None:
    return None if state.shared_groups is None else len(state.shared_groups - wanted - KEYS)


def _rooms(state: UserState, wanted: UserState) -> int | None:
    if state.affiliations is None:
        return None
    agreed = wanted.affiliations or {}
    return sum(a.lets_in and agreed.get(room) is not a for room, a in state.affiliations.items())


def _leftover(state: UserState, name: str) -> int | None:
    return None if state.leftovers is None else getattr(state.leftovers, name)


def _size(items: frozenset[T] | None, *, besides: frozenset[T] | None = None) -> int | None:
    return None if items is None else len(items - (besides or frozenset()))
