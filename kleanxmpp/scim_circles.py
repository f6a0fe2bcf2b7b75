"""Use cases of SCIM about groups, inside the transaction of its request.

A change names what differs, so that one member more costs the same in a circle of ten and of thousands.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from kleanxmpp import circles, errors, groups
from kleanxmpp.groups import GroupPatch
from kleanxmpp.model import Group, Role
from kleanxmpp.ports import Transaction
from kleanxmpp.scim_people import REASON, Source, entry
from kleanxmpp.scim_ports import ScimCircle, ScimGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class CircleChange:
    """What shall be different about a group; None: stays. `whole` is the circle that `put` and `drop` start from."""

    name: str | None = None
    names_external_id: bool = False
    external_id: str | None = None
    whole: frozenset[str] | None = None
    put: frozenset[str] = field(default_factory=frozenset)
    drop: frozenset[str] = field(default_factory=frozenset)

    def and_named(self, name: str) -> "CircleChange":
        """Return this change, and then this name."""
        return replace(self, name=name)

    def and_identified(self, external_id: str | None) -> "CircleChange":
        """Return this change, and then this id of the identity provider's."""
        return replace(self, names_external_id=True, external_id=external_id)

    def and_put(self, user_ids: frozenset[str]) -> "CircleChange":
        """Return this change, and then these people in the circle."""
        return replace(self, put=self.put | user_ids, drop=self.drop - user_ids)

    def and_drop(self, user_ids: frozenset[str]) -> "CircleChange":
        """Return this change, and then these people not in the circle."""
        return replace(self, put=self.put - user_ids, drop=self.drop | user_ids)

    def and_whole(self, user_ids: frozenset[str]) -> "CircleChange":
        """Return this change, and then exactly these people in the circle."""
        return replace(self, whole=user_ids, put=frozenset(), drop=frozenset())


async def existing(tx: Transaction, source: Source, group_id: str) -> ScimCircle:
    """Return the group, or raise NotFound."""
    found = await tx.scim_circle(source.company.id, group_id)
    if found is None:
        raise errors.NotFound("There is no group with this id.")
    return found


async def add(tx: Transaction, source: Source, change: CircleChange) -> ScimCircle:
    """Add a group. Raises Conflict if another one has the name, Invalid for members who are nobody here."""
    group = await groups.new_group(
        tx, company=source.company, name=change.name or "", actor=source.actor, reason=REASON, now=source.now
    )
    group = await _circled(tx, source, group, change)
    return await _keep(tx, source, ScimCircle(group=group, kept=None), change)


async def change(tx: Transaction, source: Source, circle: ScimCircle, wanted: CircleChange) -> ScimCircle:
    """Change a group. Repeatable: who is a member already, or was none, is no error. Raises as `add` does."""
    group = circle.group
    if wanted.name is not None:
        patch = GroupPatch(name=wanted.name)
        group = await groups.update_in(
            tx, source.company, group, patch, actor=source.actor, reason=REASON, now=source.now
        )
    group = await _circled(tx, source, group, wanted)
    return await _keep(tx, source, replace(circle, group=group), wanted, changed=group != circle.group)


async def remove(tx: Transaction, source: Source, group_id: str) -> None:
    """Delete a group. Repeatable. Raises NotFound for one that never was there."""
    group = await tx.group(source.company.id, group_id)
    if group is None:
        raise errors.NotFound("There is no group with this id.")
    if not group.deleted:
        await groups.delete_in(tx, group, actor=source.actor, reason=REASON, now=source.now)


async def _circled(tx: Transaction, source: Source, group: Group, wanted: CircleChange) -> Group:
    if source.lenient:
        wanted = await _of_known(tx, source, wanted)
    if wanted.whole is None:
        if not wanted.put and not wanted.drop:
            return group
        put: Mapping[str, Role | None] = dict.fromkeys(sorted(wanted.put))
        return await circles.change_circle_in(
            tx,
            source.company,
            group,
            put=put,
            remove=sorted(wanted.drop),
            actor=source.actor,
            reason=REASON,
            now=source.now,
        )
    circle = sorted((wanted.whole | wanted.put) - wanted.drop)
    await circles.check_users(tx, source.company, circle)
    before = await tx.roles(group.id)
    return await circles.record_circle_change(
        tx,
        company=source.company,
        group=group,
        roles_before=before,
        roles_after={user_id: before.get(user_id, Role.MEMBER) for user_id in circle},
        actor=source.actor,
        reason=REASON,
        now=source.now,
    )


async def _of_known(tx: Transaction, source: Source, wanted: CircleChange) -> CircleChange:
    """Return the change without people whom the directory does not know."""
    found = await tx.users_by_id(source.company.id, wanted.put | (wanted.whole or frozenset()))
    known = frozenset(user.id for user in found.values() if not user.erasing)
    return replace(wanted, put=wanted.put & known, whole=None if wanted.whole is None else wanted.whole & known)


async def _keep(
    tx: Transaction, source: Source, circle: ScimCircle, wanted: CircleChange, *, changed: bool = True
) -> ScimCircle:
    """Keep what SCIM said and the directory does not know, and when it last changed something."""
    before = circle.kept
    external_id = before.external_id if before else None
    kept = ScimGroup(
        group_id=circle.group.id,
        company_id=circle.group.company_id,
        external_id=wanted.external_id if wanted.names_external_id else external_id,
        document=before.document if before else {},
        version=before.version if before else 0,
        changed_at=before.changed_at if before else source.now,
    )
    if wanted.name is not None:
        kept = replace(kept, document={"displayName": wanted.name})
    if kept == before and not changed:
        return circle
    kept = replace(kept, version=kept.version + 1, changed_at=source.now)
    await tx.save_scim_group(kept)
    if not changed:
        await tx.add_audit([entry(source, "group.changed", f"group:{kept.group_id}")])
    return replace(circle, kept=kept)
