"""What happened, told to the webhooks that want it, in the transaction of the change itself.

A company without a webhook pays one small look for each change. Nobody is told of the doctor's synthetic users, who
come and go with each checkup.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from kleanxmpp import drafts, ids, metrics
from kleanxmpp.desired import Access, access
from kleanxmpp.event_facts import group_facts, offboarding_facts, user_facts
from kleanxmpp.event_ports import Event, EventType, Facts
from kleanxmpp.model import Company, Group, Offboarding, User
from kleanxmpp.ports import Transaction

Pair = tuple[User | None, User]
"""Somebody as they were (None: they are new), and as they are."""


async def people_changed(
    tx: Transaction, *, before: Company, after: Company, people: Sequence[Pair], now: datetime
) -> None:
    """Tell of people who are shown otherwise than before, because they or their company changed. Bulk."""
    webhook_ids = await tx.subscribers(after.id, EventType.USER_UPDATED) if people else ()
    if not webhook_ids:
        return
    changes = ((new, user_updated(before, old, after, new)) for old, new in people if not _is_synthetic(new.username))
    told = [
        _event(after, EventType.USER_UPDATED, data, at=now, about=new.id) for new, data in changes if data is not None
    ]
    await _add(tx, told, webhook_ids)


async def group_changed(
    tx: Transaction, group: Group, change: str, *, details: Mapping[str, object], now: datetime
) -> None:
    """Tell of a group that was added, changed, archived, restored or deleted, or whose circle changed.

    `details` are the audit log's.
    """
    webhook_ids = await tx.subscribers(group.company_id, EventType.GROUP_UPDATED)
    if webhook_ids:
        data = group_updated(group, change, details=details)
        event = Event(id=ids.new_id(), company_id=group.company_id, type=EventType.GROUP_UPDATED, at=now, data=data)
        await _add(tx, [event], webhook_ids)


async def offboarded(
    tx: Transaction,
    company: Company,
    proven: Sequence[tuple[User, Offboarding]],
    *,
    names: Callable[[], Awaitable[Mapping[str, str]]],
    now: datetime,
) -> None:
    """Tell of off-boardings that are complete, with their evidence. It names nobody, so it outlives an erasure.

    `names` looks up those of groups that were handed over; it is asked only if somebody listens.
    """
    webhook_ids = await tx.subscribers(company.id, EventType.USER_OFFBOARDED) if proven else ()
    if not webhook_ids:
        return
    known = await names()
    told = [
        _event(company, EventType.USER_OFFBOARDED, {"offboarding": offboarding_facts(one, names=known)}, at=now)
        for user, one in proven
        if not _is_synthetic(user.username)
    ]
    await _add(tx, told, webhook_ids)


async def alarmed(tx: Transaction, company: Company, kind: EventType, found: Sequence[Facts], *, now: datetime) -> None:
    """Tell of something that needs somebody's eyes."""
    webhook_ids = await tx.subscribers(company.id, kind) if found else ()
    if webhook_ids:
        await _add(tx, [_event(company, kind, data, at=now) for data in found], webhook_ids)


def user_updated(before: Company, old: User | None, after: Company, new: User) -> Facts | None:
    """Say how somebody is shown now, and what is new about it; None: nothing that is shown."""
    shown = user_facts(new, company=after)
    if old is None:
        return {"change": "added", "fields": [], "user": shown}
    earlier = user_facts(old, company=before)
    fields = sorted(name for name, value in shown.items() if name != "version" and earlier[name] != value)
    could, can = access(before, old), access(after, new)
    back = can.exceeds(could) and can is Access.FULL
    return {"change": "reactivated" if back else "changed", "fields": fields, "user": shown} if fields else None


def group_updated(group: Group, change: str, *, details: Mapping[str, object]) -> Facts:
    """Say how a group is shown now, and what is new about it.

    Of a circle: who was put in or given another role, and who was removed; of many people only how many.
    """
    fields = details.get("fields") if change == "changed" else []
    members: Facts | None = None
    if change == "circle_changed":
        put, removed = details["put"], details["removed"]
        named = isinstance(put, Mapping) and isinstance(removed, list)
        members = {
            "put": [{"user_id": user_id, "role": role} for user_id, role in put.items()]
            if isinstance(put, Mapping)
            else None,
            "removed": removed if named else None,
            "put_count": len(put) if isinstance(put, Mapping) else put,
            "removed_count": len(removed) if isinstance(removed, list) else removed,
        }
    return {"change": change, "fields": fields, "group": group_facts(group), "members": members}


def overdue(found: Offboarding, *, now: datetime) -> Facts:
    """Say which off-boarding is not complete although it was asked for long ago."""
    seconds = int((now - found.requested_at).total_seconds())
    return {"seconds": seconds, "offboarding": offboarding_facts(found, names={})}


def _event(company: Company, kind: EventType, data: Facts, *, at: datetime, about: str | None = None) -> Event:
    return Event(id=ids.new_id(), company_id=company.id, type=kind, at=at, data=data, about=about)


async def _add(tx: Transaction, told: Sequence[Event], webhook_ids: Sequence[str]) -> None:
    if told:
        await tx.add_events(told, webhook_ids=webhook_ids)
        metrics.EVENTS.labels(type=told[0].type.value).inc(len(told))


def _is_synthetic(username: str) -> bool:
    return username.startswith(drafts.SYNTHETIC_PREFIX)
