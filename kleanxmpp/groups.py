"""Use cases about groups: their names, kinds and rules. Who is in them is the work of `circles`."""

from dataclasses import dataclass, replace
from datetime import datetime

from kleanxmpp import circle_marks, circle_rules, circles, errors, group_records, ids, names
from kleanxmpp.circle_rules import Moves
from kleanxmpp.due import Aspect
from kleanxmpp.group_names import checked_description, checked_name, free_slug
from kleanxmpp.model import Company, Group, GroupKind, Role
from kleanxmpp.ports import Directory, Transaction
from kleanxmpp.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPatch:
    """What shall be different about a group; None: stays.

    `without_rule`: the rule goes, and its members with it, unless `keep_members`: then they are fixed.
    """

    name: str | None = None
    description: str | None = None
    kind: GroupKind | None = None
    rule: Rule | None = None
    without_rule: bool = False
    keep_members: bool = False


async def add_group(
    directory: Directory,
    company: Company,
    *,
    name: str,
    description: str = "",
    kind: GroupKind = GroupKind.TEAM,
    rule: Rule | None = None,
    actor: str,
    now: datetime,
) -> Group:
    """Add a group, with the members its rule gives it. Raises Conflict if another group has the name."""
    async with directory.write(company.id) as tx:
        return await new_group(
            tx, company=company, name=name, description=description, kind=kind, rule=rule, actor=actor, now=now
        )


async def new_group(
    tx: Transaction,
    *,
    company: Company,
    name: str,
    description: str = "",
    kind: GroupKind = GroupKind.TEAM,
    rule: Rule | None = None,
    actor: str,
    reason: str | None = None,
    now: datetime,
) -> Group:
    """Like `add_group`, inside a transaction. The slug, and so the room's address, was never given before."""
    name = checked_name(name)
    group = Group(
        id=ids.new_id(),
        company_id=company.id,
        slug=await free_slug(tx, company, names.slug_from(name)),
        name=name,
        description=checked_description(description),
        kind=kind,
        rule=rule,
        created_at=now,
    )
    await tx.add_groups([group])
    await tx.mark_due([circle_marks.mark(group, now=now)])
    details = {"kind": kind.value} | ({"rule": True} if rule else {})
    await group_records.record(tx, group, "added", details, actor=actor, reason=reason, now=now)
    moves = await circle_rules.moves(tx, group, rule) if rule else Moves()
    return await circles.follow_rule(tx, company=company, group=group, moves=moves, actor=actor, reason=reason, now=now)


async def update_group(
    directory: Directory,
    company: Company,
    group_id: str,
    patch: GroupPatch,
    *,
    actor: str,
    now: datetime,
    if_version: int | None = None,
) -> Group:
    """Rename or redescribe a group, change its kind or its rule. Raises Stale if `if_version` is not the version now.

    A changed rule lets people in and out in the same transaction.
    """
    async with directory.write(company.id) as tx:
        group = await _expected(tx, company, group_id, if_version=if_version)
        return await update_in(tx, company, group, patch, actor=actor, now=now)


async def update_in(
    tx: Transaction,
    company: Company,
    group: Group,
    patch: GroupPatch,
    *,
    actor: str,
    reason: str | None = None,
    now: datetime,
) -> Group:
    """Like `update_group`, inside a transaction."""
    after = replace(
        group,
        name=checked_name(patch.name) if patch.name is not None else group.name,
        description=checked_description(patch.description) if patch.description is not None else group.description,
        kind=patch.kind or group.kind,
        rule=None if patch.without_rule else patch.rule or group.rule,
    )
    if after == group:
        return group
    kept = await circle_rules.by_rule(tx, group) if patch.keep_members and after.rule is None else frozenset()
    circle_version = group.circle_version + bool(kept)
    after = replace(after, version=group.version + 1, circle_version=circle_version)
    await tx.put_members(group.id, dict.fromkeys(kept, Role.MEMBER))
    moves = Moves() if after.rule == group.rule else await circle_rules.moves(tx, after, after.rule)
    await tx.save_group(after)
    await tx.mark_due([circle_marks.mark(after, now=now)])
    if after.name != group.name:
        await circle_marks.mark_circle(tx, after, aspects=Aspect.BOOKMARKS, now=now)
    changed = [f for f in ("name", "description", "kind", "rule") if getattr(after, f) != getattr(group, f)]
    details: dict[str, object] = {"fields": changed} | ({"kept": len(kept)} if kept else {})
    await group_records.record(tx, after, "changed", details, actor=actor, reason=reason, now=now)
    return await circles.follow_rule(tx, company=company, group=after, moves=moves, actor=actor, reason=reason, now=now)


async def archive_group(
    directory: Directory,
    company: Company,
    group_id: str,
    *,
    actor: str,
    now: datetime,
    if_version: int | None = None,
) -> Group:
    """Finish a group: nobody has it from now on, but its room stays with its messages, and its circle in the directory.

    Repeatable. The name stays taken, so that it can be restored. Raises Stale as `update_group`.
    """
    async with directory.write(company.id) as tx:
        group = await _expected(tx, company, group_id, if_version=if_version)
        if group.archived:
            return group
        after = await _save_archived(tx, group, archived_at=now, now=now)
        await group_records.record(tx, after, "archived", {}, actor=actor, now=now)
        return after


async def restore_group(
    directory: Directory,
    company: Company,
    group_id: str,
    *,
    actor: str,
    now: datetime,
    if_version: int | None = None,
) -> Group:
    """Give an archived group back to those who are in its circle by now. Repeatable. Raises Stale as `update_group`."""
    async with directory.write(company.id) as tx:
        group = await _expected(tx, company, group_id, if_version=if_version)
        if not group.archived:
            return group
        after = await _save_archived(tx, group, archived_at=None, now=now)
        await group_records.record(tx, after, "restored", {}, actor=actor, now=now)
        return after


async def delete_group(
    directory: Directory,
    company: Company,
    group_id: str,
    *,
    actor: str,
    now: datetime,
    if_version: int | None = None,
) -> None:
    """Delete a group: nobody sees it from now on, its room is destroyed with its history. The slug stays retired."""
    async with directory.write(company.id) as tx:
        group = await _expected(tx, company, group_id, if_version=if_version)
        await delete_in(tx, group, actor=actor, now=now)


async def delete_in(tx: Transaction, group: Group, *, actor: str, reason: str | None = None, now: datetime) -> None:
    """Like `delete_group`, inside a transaction."""
    await circle_marks.mark_circle(tx, group, aspects=Aspect.BOOKMARKS, now=now)
    await tx.save_group(after := replace(group, deleted=True, version=group.version + 1))
    await tx.mark_due([circle_marks.mark(group, now=now)])
    await group_records.record(tx, after, "deleted", {}, actor=actor, reason=reason, now=now)


async def _save_archived(tx: Transaction, group: Group, *, archived_at: datetime | None, now: datetime) -> Group:
    after = replace(group, archived_at=archived_at, version=group.version + 1)
    await tx.save_group(after)
    await circle_marks.mark_whole(tx, after, now=now)
    return after


async def _expected(tx: Transaction, company: Company, group_id: str, *, if_version: int | None) -> Group:
    group = await group_records.existing(tx, company, group_id)
    if if_version is not None and group.version != if_version:
        raise errors.Stale
    return group
