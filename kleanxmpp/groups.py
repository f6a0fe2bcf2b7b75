"""Use cases about groups and their circles.

`record_circle_change` is the one place that turns a difference between two circles into memberships and due
marks: few people are worked on one by one, so that one member more costs the same in a circle of ten and of
thousands; many are left to the group's own scope, which works in bulk.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from kleanxmpp import errors, events, ids, names
from kleanxmpp.desired import makes_contacts
from kleanxmpp.model import Aspect, AuditEntry, Company, Due, Group, GroupKind, Priority, Role, Scope, ScopeKind
from kleanxmpp.ports import Directory, Transaction

FEW = 20
_MEMBER_ASPECTS = Aspect.CIRCLES | Aspect.BOOKMARKS


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPatch:
    """What shall be different about a group; None: stays."""

    name: str | None = None
    description: str | None = None
    kind: GroupKind | None = None


async def add_group(
    directory: Directory,
    company: Company,
    *,
    name: str,
    description: str = "",
    kind: GroupKind = GroupKind.TEAM,
    actor: str,
    now: datetime,
) -> Group:
    """Add a group without members. Raises Conflict if another group has the name."""
    async with directory.write(company.id) as tx:
        return await new_group(tx, company=company, name=name, description=description, kind=kind, actor=actor, now=now)


async def new_group(
    tx: Transaction,
    *,
    company: Company,
    name: str,
    description: str = "",
    kind: GroupKind = GroupKind.TEAM,
    actor: str,
    reason: str | None = None,
    now: datetime,
) -> Group:
    """Like `add_group`, inside a transaction. The slug, and so the room's address, was never given before."""
    name = checked_name(name)
    group = Group(
        id=ids.new_id(),
        company_id=company.id,
        slug=await _free_slug(tx, company, names.slug_from(name)),
        name=name,
        description=checked_description(description),
        kind=kind,
        created_at=now,
    )
    await tx.add_groups([group])
    await tx.mark_due([_mark(group, now=now)])
    await _record(tx, group, "added", {"kind": kind.value}, actor=actor, reason=reason, now=now)
    return group


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
    """Rename or redescribe a group, or change its kind. Raises Stale if `if_version` is not the version any more."""
    async with directory.write(company.id) as tx:
        group = await existing(tx, company, group_id)
        if if_version is not None and group.version != if_version:
            raise errors.Stale
        after = replace(
            group,
            name=checked_name(patch.name) if patch.name is not None else group.name,
            description=checked_description(patch.description) if patch.description is not None else group.description,
            kind=patch.kind or group.kind,
        )
        if after == group:
            return group
        await tx.save_group(after := replace(after, version=group.version + 1))
        await tx.mark_due([_mark(after, now=now)])
        if after.name != group.name:
            await _mark_circle(tx, after, aspects=Aspect.BOOKMARKS, now=now)
        changed = [f for f in ("name", "description", "kind") if getattr(after, f) != getattr(group, f)]
        await _record(tx, after, "changed", {"fields": changed}, actor=actor, now=now)
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
        group = await existing(tx, company, group_id)
        if if_version is not None and group.version != if_version:
            raise errors.Stale
        await _mark_circle(tx, group, aspects=Aspect.BOOKMARKS, now=now)
        await tx.save_group(after := replace(group, deleted=True, version=group.version + 1))
        await tx.mark_due([_mark(group, now=now)])
        await _record(tx, after, "deleted", {}, actor=actor, now=now)


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
    """Make this the whole circle (user id -> role). Raises Invalid for unknown users, Stale as `update_group`."""
    async with directory.write(company.id) as tx:
        group = await _circle(tx, company, group_id, if_version=if_version)
        await _check_users(tx, company, roles)
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

    A role of None keeps the role somebody has already, and makes others plain members. Cost follows the people named.
    """
    if both := put.keys() & set(remove):
        raise errors.Invalid(f"{len(both)} people are in both lists, to add and to remove.", field="remove")
    async with directory.write(company.id) as tx:
        group = await _circle(tx, company, group_id, if_version=if_version)
        await _check_users(tx, company, put)
        before = await tx.roles_of(group.id, [*put, *remove])
        after = {user_id: role or before.get(user_id, Role.MEMBER) for user_id, role in put.items()}
        return await record_circle_change(
            tx, company=company, group=group, roles_before=before, roles_after=after, actor=actor, now=now
        )


async def record_circle_change(
    tx: Transaction,
    *,
    company: Company,
    group: Group,
    roles_before: Mapping[str, Role],
    roles_after: Mapping[str, Role],
    actor: str,
    reason: str | None = None,
    now: datetime,
) -> Group:
    """Save the difference of two (parts of) circles and set in motion what follows; no difference, no effect."""
    put = {user: role for user, role in roles_after.items() if roles_before.get(user) is not role}
    gone = sorted(roles_before.keys() - roles_after.keys())
    if not put and not gone:
        return group
    size_before = await tx.member_count(group.id)
    await tx.put_members(group.id, put)
    await tx.remove_members(group.id, gone)
    size_after = await tx.member_count(group.id)
    await tx.save_group(after := replace(group, circle_version=group.circle_version + 1))
    crosses = makes_contacts(company, group, size=size_before) != makes_contacts(company, group, size=size_after)
    await tx.mark_due(_circle_marks(after, [*put, *gone], whole=crosses, now=now))
    details: dict[str, object] = {"put": len(put), "removed": len(gone)}
    if len(put) + len(gone) <= FEW:
        details = {"put": {user: role.value for user, role in put.items()}, "removed": gone}
    await _record(tx, after, "circle_changed", details, actor=actor, reason=reason, now=now)
    return after


async def existing(tx: Transaction, company: Company, group_id: str) -> Group:
    """Return the group, or raise NotFound. A deleted group is not found."""
    group = await tx.group(company.id, group_id)
    if group is None or group.deleted:
        raise errors.NotFound("There is no group with this id in the company.")
    return group


def scope_of(group: Group) -> Scope:
    """Return the unit of work that is about this group."""
    return Scope(kind=ScopeKind.GROUP, company_id=group.company_id, id=group.id)


def checked_name(text: str) -> str:
    """Return the group's name with single spaces. Raises Invalid for nothing, control characters or over 100."""
    name = " ".join(text.split())
    if not name or len(name) > 100 or not name.isprintable():
        raise errors.Invalid("A group's name has 1 to 100 printable characters.", field="name")
    return name


def checked_description(text: str) -> str:
    """Return the description, trimmed. Raises Invalid for control characters or over 500."""
    text = text.strip()
    if len(text) > 500 or not text.replace("\n", " ").isprintable():
        raise errors.Invalid("A description has up to 500 printable characters.", field="description")
    return text


async def _circle(tx: Transaction, company: Company, group_id: str, *, if_version: int | None) -> Group:
    group = await existing(tx, company, group_id)
    if if_version is not None and group.circle_version != if_version:
        raise errors.Stale
    return group


async def _check_users(tx: Transaction, company: Company, user_ids: Collection[str]) -> None:
    found = await tx.users_by_id(company.id, user_ids)
    unknown = [user_id for user_id in user_ids if user_id not in found or found[user_id].erasing]
    if unknown:
        named = ", ".join(unknown[:5]) + (" …" if len(unknown) > 5 else "")
        raise errors.Invalid(f"There are no users with these ids: {named}", field="members")


async def _free_slug(tx: Transaction, company: Company, candidate: str) -> str:
    for size in (8, 64, 1024):
        candidates = list(islice(names.numbered_from(candidate), size))
        taken = await tx.taken_slugs(company.id, candidates)
        if free := next((slug for slug in candidates if slug not in taken), None):
            return free
    raise errors.Conflict("Too many groups had this name; choose another one.", field="name")


async def _mark_circle(tx: Transaction, group: Group, *, aspects: Aspect, now: datetime) -> None:
    await tx.mark_users_due(group.company_id, aspects=aspects, priority=Priority.BACKGROUND, at=now, group_id=group.id)


def _circle_marks(group: Group, user_ids: Sequence[str], *, whole: bool, now: datetime) -> list[Due]:
    few = len(user_ids) <= FEW
    aspects = _MEMBER_ASPECTS if few else Aspect.BOOKMARKS
    priority = Priority.CHANGE if few else Priority.BACKGROUND
    marks = [
        Due(
            scope=Scope(kind=ScopeKind.USER, company_id=group.company_id, id=user_id),
            aspects=aspects,
            priority=priority,
            marked_at=now,
        )
        for user_id in user_ids
    ]
    return marks if few and not whole else [_mark(group, now=now), *marks]


def _mark(group: Group, *, now: datetime) -> Due:
    return Due(scope=scope_of(group), marked_at=now)


async def _record(
    tx: Transaction,
    group: Group,
    change: str,
    details: Mapping[str, object],
    *,
    actor: str,
    reason: str | None = None,
    now: datetime,
) -> None:
    entry = AuditEntry(
        company_id=group.company_id,
        at=now,
        actor=actor,
        action=f"group.{change}",
        subject=f"group:{group.id}",
        reason=reason,
        details=details,
    )
    await tx.add_audit([entry])
    await events.group_changed(tx, group, change, details=details, now=now)
