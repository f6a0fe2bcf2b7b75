"""What is due when a group or its circle changes.

Few people are worked on one by one, so that one member more costs the same in a circle of ten and of thousands; many
are left to the group's own scope, which works in bulk.
"""

from collections.abc import Sequence
from datetime import datetime

from kleanxmpp.due import Aspect, Due, Priority, Scope, ScopeKind
from kleanxmpp.model import Group
from kleanxmpp.ports import Transaction

FEW = 20
_MEMBER_ASPECTS = Aspect.CIRCLES | Aspect.BOOKMARKS


def scope_of(group: Group) -> Scope:
    """Return the unit of work that is about this group."""
    return Scope(kind=ScopeKind.GROUP, company_id=group.company_id, id=group.id)


def mark(group: Group, *, now: datetime) -> Due:
    """Return the mark of the group itself."""
    return Due(scope=scope_of(group), marked_at=now)


def marks(group: Group, user_ids: Sequence[str], *, whole: bool, now: datetime) -> list[Due]:
    """Return the marks of people who came, went or changed role. `whole`: the group's own scope is due anyway."""
    few = len(user_ids) <= FEW
    aspects = _MEMBER_ASPECTS if few else Aspect.BOOKMARKS
    priority = Priority.CHANGE if few else Priority.BACKGROUND
    people = [
        Due(
            scope=Scope(kind=ScopeKind.USER, company_id=group.company_id, id=user_id),
            aspects=aspects,
            priority=priority,
            marked_at=now,
        )
        for user_id in user_ids
    ]
    return people if few and not whole else [mark(group, now=now), *people]


async def mark_whole(tx: Transaction, group: Group, *, now: datetime) -> None:
    """Mark the group and everybody in it: from now on they have it, or do not have it any more.

    Each of them with the affiliation, too, so that no device is told to join a room before it is let in.
    """
    members = sorted(await tx.roles(group.id))
    if len(members) <= FEW:
        await tx.mark_due(marks(group, members, whole=True, now=now))
    else:
        await tx.mark_due([mark(group, now=now)])
        await mark_circle(tx, group, aspects=_MEMBER_ASPECTS, now=now)


async def mark_circle(tx: Transaction, group: Group, *, aspects: Aspect, now: datetime) -> None:
    """Mark everybody in the circle."""
    await tx.mark_users_due(group.company_id, aspects=aspects, priority=Priority.BACKGROUND, at=now, group_id=group.id)
