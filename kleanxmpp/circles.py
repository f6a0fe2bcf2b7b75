"""Use cases about circles: who is in a group.

`record_circle_change` is the one place that turns a difference between two circles into memberships and due marks
(`circle_marks`). Whom a group's rule keeps in is never taken out by it, whoever asks.
"""

import logging
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from kleanxmpp import circle_marks, circle_rules, errors, group_records
from kleanxmpp.circle_marks import FEW
from kleanxmpp.circle_rules import Kept, Moves
from kleanxmpp.desired import makes_contacts
from kleanxmpp.model import Company, Group, Role
from kleanxmpp.ports import Directory, Transaction

log = logging.getLogger(__name__)

IN_BY_RULE = (
    "The group's rule makes this person a member. To keep them out, add an exception for them (exceptions), or change "
    "the rule."
)


async def replace_circle(
    directory: Directory,
    company: Company,
    group_id: str,
    roles: Mapping[str, Role],
    *,
    actor: str,
    now: datetime,
    if_version: int | None = None,
) -> Group:
    """Make this the whole circle (user id -> role). Raises Invalid for unknown users, Stale as `update_group`.

    Of a group with a rule it is the fixed part: who is in by the rule stays so, named or not, unless the role differs.
    """
    async with directory.write(company.id) as tx:
        group = await _circle(tx, company, group_id, if_version=if_version)
        await check_users(tx, company, roles)
        before = await tx.roles(group.id)
        return await record_circle_change(
            tx, company=company, group=group, roles_before=before, roles_after=roles, actor=actor, now=now
        )


async def change_circle(
    directory: Directory,
    company: Company,
    group_id: str,
    *,
    put: Mapping[str, Role | None],
    remove: Collection[str] = (),
    actor: str,
    now: datetime,
    if_version: int | None = None,
) -> Group:
    """Put these people into the circle and take those out; all others stay. Repeatable.

    A role of None keeps the role somebody has already, and makes others plain members. Who is put is fixed from then
    on; a fixed member who is taken out stays if the rule matches. Raises Conflict for taking out who is in by the rule
    alone. Cost follows the people named.
    """
    if both := put.keys() & set(remove):
        raise errors.Invalid(f"{len(both)} people are in both lists, to add and to remove.", field="remove")
    async with directory.write(company.id) as tx:
        group = await _circle(tx, company, group_id, if_version=if_version)
        return await change_circle_in(tx, company, group, put=put, remove=remove, actor=actor, now=now)


async def change_circle_in(
    tx: Transaction,
    company: Company,
    group: Group,
    *,
    put: Mapping[str, Role | None],
    remove: Collection[str] = (),
    actor: str,
    reason: str | None = None,
    now: datetime,
) -> Group:
    """Like `change_circle`, inside a transaction."""
    await check_users(tx, company, put)
    by_rule = await circle_rules.by_rule(tx, group, [*put, *remove])
    if by_rule & set(remove):
        raise errors.Conflict(IN_BY_RULE, field="remove")
    roles = await tx.roles_of(group.id, [*put, *remove])
    before = {user_id: role for user_id, role in roles.items() if user_id not in by_rule}
    after = {user_id: role or before.get(user_id, Role.MEMBER) for user_id, role in put.items()}
    return await record_circle_change(
        tx, company=company, group=group, roles_before=before, roles_after=after, actor=actor, reason=reason, now=now
    )


async def record_circle_change(
    tx: Transaction,
    *,
    company: Company,
    group: Group,
    roles_before: Mapping[str, Role],
    roles_after: Mapping[str, Role],
    by_rule: bool = False,
    actor: str,
    reason: str | None = None,
    now: datetime,
) -> Group:
    """Save the difference of two (parts of) circles and set in motion what follows; no difference, no effect.

    `by_rule`: the group's rule wants it so. Else who comes is fixed, and whom the rule keeps in does not go.
    """
    put = {user: role for user, role in roles_after.items() if roles_before.get(user) is not role}
    gone = sorted(roles_before.keys() - roles_after.keys())
    kept = Kept() if by_rule else await circle_rules.kept(tx, group, gone)
    back = sorted(kept.fixed)
    gone = [user for user in gone if user not in kept.fixed | kept.by_rule]
    if not put and not gone and not back:
        return group
    size_before = await tx.member_count(group.id)
    await tx.put_members(group.id, put, by_rule=by_rule)
    await tx.put_members(group.id, dict.fromkeys(back, Role.MEMBER), by_rule=True)
    await tx.remove_members(group.id, gone)
    size_after = await tx.member_count(group.id)
    if by_rule and not size_after:
        log.warning("a rule left its group empty", extra={"group": group.id, "removed": len(gone)})
    after = replace(group, circle_version=group.circle_version + 1)
    await tx.save_group(after)
    crosses = makes_contacts(company, group, size=size_before) != makes_contacts(company, group, size=size_after)
    await tx.mark_due(circle_marks.marks(after, [*put, *back, *gone], whole=crosses, now=now))
    details: dict[str, object] = {"put": len(put), "removed": len(gone)}
    if len(put) + len(gone) <= FEW:
        details = {"put": {user: role.value for user, role in put.items()}, "removed": gone}
    details |= {"back_to_rule": len(back)} if back else {}
    details |= {"by_rule": True, "size": size_after} if by_rule else {}
    await group_records.record(tx, after, "circle_changed", details, actor=actor, reason=reason, now=now)
    return after


async def follow_rule(
    tx: Transaction,
    *,
    company: Company,
    group: Group,
    moves: Moves,
    actor: str,
    reason: str | None = None,
    now: datetime,
) -> Group:
    """Let people into the circle and out of it as its rule wants."""
    return await record_circle_change(
        tx,
        company=company,
        group=group,
        roles_before=dict.fromkeys(moves.leaving, Role.MEMBER),
        roles_after=dict.fromkeys(moves.joining, Role.MEMBER),
        by_rule=True,
        actor=actor,
        reason=reason,
        now=now,
    )


async def check_users(tx: Transaction, company: Company, user_ids: Collection[str]) -> None:
    """Raise Invalid for ids that are nobody's in the company."""
    found = await tx.users_by_id(company.id, user_ids)
    unknown = [user_id for user_id in user_ids if user_id not in found or found[user_id].erasing]
    if unknown:
        named = ", ".join(unknown[:5]) + (" …" if len(unknown) > 5 else "")
        raise errors.Invalid(f"There are no users with these ids: {named}", field="members")


async def _circle(tx: Transaction, company: Company, group_id: str, *, if_version: int | None) -> Group:
    group = await group_records.existing(tx, company, group_id)
    if if_version is not None and group.circle_version != if_version:
        raise errors.Stale
    return group
