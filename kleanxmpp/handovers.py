"""Groups do not lose their last moderator: who takes over when moderators are off-boarded.

The leaver's own role stays in the directory, not effective, so that a return restores it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from kleanxmpp import circles, errors
from kleanxmpp.desired import may_chat
from kleanxmpp.model import Company, Group, Handover, Offboarding, Role, User
from kleanxmpp.ports import Transaction


async def hand_over(
    tx: Transaction,
    company: Company,
    leavers: Sequence[User],
    *,
    to: User | None,
    actor: str,
    reason: str | None,
    now: datetime,
) -> Mapping[str, tuple[Handover, ...]]:
    """Give each group of these moderators to `to`, or leave it to its other moderators, else give it to the admins.

    Return what happened by the leaver's id. Few queries where nobody of them moderates anything.
    """
    moderated = await tx.moderated_by(company.id, [user.id for user in leavers])
    if not moderated:
        return {}
    moderators = await tx.moderators({group.id for found in moderated.values() for group in found})
    leaving = {user.id for user in leavers}
    admins = [user for user in await tx.admins(company.id) if may_chat(company, user) and user.id not in leaving]
    decided: dict[str, Handover] = {}
    for group in {group.id: group for found in moderated.values() for group in found}.values():
        others = [u for u in moderators.get(group.id, ()) if may_chat(company, u) and u.id not in leaving]
        successors = [to] if to else [] if others else admins
        await _make_moderators(tx, company, group, successors, actor=actor, reason=reason, now=now)
        decided[group.id] = Handover(group_id=group.id, to=tuple(u.id for u in successors), others=len(others))
    return {user_id: tuple(decided[group.id] for group in found) for user_id, found in moderated.items()}


async def successor(tx: Transaction, company: Company, user_id: str | None, *, leaver: User) -> User | None:
    """Return the person named to take over. Raises Invalid for somebody who may not chat, or the leaver."""
    if user_id is None:
        return None
    found = await tx.user(company.id, user_id)
    if found is None or found.id == leaver.id or not may_chat(company, found):
        raise errors.Invalid("Whoever takes over must be somebody else, who may chat.", field="hand_over_to")
    return found


def together(earlier: Sequence[Handover], later: Sequence[Handover]) -> tuple[Handover, ...]:
    """Return what happened in two requests of one off-boarding: who took over in the first is not an `other` now."""
    found = {one.group_id: one for one in earlier}
    for one in later:
        first = found.get(one.group_id, replace(one, to=()))
        found[one.group_id] = replace(first, to=first.to + tuple(u for u in one.to if u not in first.to))
    return tuple(found.values())


async def group_names(tx: Transaction, company_id: str, found: Sequence[Offboarding]) -> Mapping[str, str]:
    """Return the names of the groups that these off-boardings handed over, by id; deleted ones are missing."""
    handed = {handover.group_id for offboarding in found for handover in offboarding.handovers}
    known = await tx.groups_by_id(company_id, handed) if handed else {}
    return {group.id: group.name for group in known.values() if not group.deleted}


async def _make_moderators(
    tx: Transaction,
    company: Company,
    group: Group,
    people: Collection[User],
    *,
    actor: str,
    reason: str | None,
    now: datetime,
) -> None:
    if people:
        await circles.record_circle_change(
            tx,
            company=company,
            group=group,
            roles_before=await tx.roles_of(group.id, [user.id for user in people]),
            roles_after={user.id: Role.MODERATOR for user in people},
            actor=actor,
            reason=reason,
            now=now,
        )
