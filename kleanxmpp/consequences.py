"""What a change of a person sets in motion, decided in this one place, in the transaction of the change itself.

An off-boarding begins when somebody who could chat no longer may, whatever the reason and whichever the door was.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from kleanxmpp import events, following, offboardings
from kleanxmpp.desired import Access, access
from kleanxmpp.due import Aspect, Due
from kleanxmpp.model import AuditEntry, Company, Offboarding, User
from kleanxmpp.ports import Transaction

_NAMES = Aspect.PROFILE | Aspect.BOOKMARKS


async def record_changes(
    tx: Transaction,
    *,
    company: Company,
    before: Sequence[User | None],
    after: Sequence[User],
    actor: str,
    reason: str | None,
    now: datetime,
    successor: User | None = None,
) -> None:
    """Set in motion what already saved changes mean: due marks, off-boardings, audit entries, events, circles.

    `before` and `after` are pairs by position; None before: the person is new. Bulk: cost follows the pairs.
    """
    marks: list[Due] = []
    leaving: list[User] = []
    returning: list[User] = []
    for old, new in zip(before, after, strict=True):
        could, can = access(company, old) if old else Access.NONE, access(company, new)
        if could.exceeds(can):
            leaving.append(new)
        elif can.exceeds(could):
            if old is not None:
                returning.append(new)
            marks.append(_mark(new, aspects=Aspect.ALL, now=now))
        elif can is not Access.NONE and old is not None and (aspects := _shown_otherwise(old, new)):
            marks.append(_mark(new, aspects=aspects, now=now))
    begun = await offboardings.begin_all(tx, company, leaving, actor=actor, reason=reason, now=now, successor=successor)
    await tx.mark_due(marks)
    audit: list[AuditEntry] = []
    for old, new in zip(before, after, strict=True):
        audit += _audit(old, new, begun=begun.get(new.id), actor=actor, reason=reason, now=now)
    await tx.add_audit(audit)
    await offboardings.cancel_all(tx, returning, actor=actor, reason=reason, now=now)
    await following.follow(tx, company, before=before, after=after, actor=actor, reason=reason, now=now)
    people = list(zip(before, after, strict=True))
    await events.people_changed(tx, before=company, after=company, people=people, now=now)


def _mark(user: User, *, aspects: Aspect, now: datetime) -> Due:
    return Due(scope=offboardings.scope_of(user), aspects=aspects, marked_at=now)


def _shown_otherwise(old: User, new: User) -> Aspect:
    if _names(old) != _names(new):
        return _NAMES
    return Aspect.PROFILE if old.photo_sha1 != new.photo_sha1 else Aspect(0)


def _names(user: User) -> tuple[object, ...]:
    return user.display_name, user.nickname, user.absence, user.absent_until


def _audit(
    old: User | None, new: User, *, begun: Offboarding | None, actor: str, reason: str | None, now: datetime
) -> Iterator[AuditEntry]:
    following = {"offboarding": begun.id} if begun else {}
    for action, details in _actions(old, new):
        yield AuditEntry(
            company_id=new.company_id,
            at=now,
            actor=actor,
            action=action,
            subject=f"user:{new.id}",
            reason=reason,
            details=details | following,
        )


def _actions(old: User | None, new: User) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield what happened in the audit log's words. Field names only: the log outlives the person's erasure."""
    if old is None:
        yield "user.added", {"active": new.active, "chat_permission": new.chat_permission}
        return
    if old.active != new.active:
        yield ("user.reactivated" if new.active else "user.deactivated"), {}
    if old.chat_permission != new.chat_permission:
        yield ("user.permission_granted" if new.chat_permission else "user.permission_withdrawn"), {}
    if (old.absence, old.absent_until) != (new.absence, new.absent_until):
        until = new.absent_until and new.absent_until.isoformat()
        yield ("user.absent" if new.absence else "user.absence_ended"), {"absence": new.absence, "until": until}
    if old.photo_sha1 != new.photo_sha1:
        yield ("user.photo_changed" if new.photo_sha1 else "user.photo_removed"), {"sha1": new.photo_sha1}
    if new.erasing and not old.erasing:
        yield "user.erasure_requested", {}
    changed = [
        f
        for f in ("display_name", "external_id", "email", "locale", "admin", "attributes")
        if getattr(old, f) != getattr(new, f)
    ]
    if changed:
        yield "user.changed", {"fields": changed}
