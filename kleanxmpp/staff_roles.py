"""What somebody may do on the dashboard: roles, and the scopes that follow from them.

Roles are a fact of their own, given only by whoever may do everything. `User.admin` is another one, about groups that
would be left without a moderator: sources of people may set that, and must not be able to give this.
"""

from collections.abc import Collection
from datetime import datetime

from kleanxmpp import errors, tokens, users
from kleanxmpp.model import AuditEntry, Company, Role
from kleanxmpp.ports import Directory
from kleanxmpp.website_ports import StaffRole

_SCOPES = {
    StaffRole.ADMIN: frozenset({tokens.ADMIN}),
    StaffRole.HR: frozenset(
        {"users:read", "users:write", "credentials:write", "groups:read", "status:read", "audit:read"}
    ),
    StaffRole.GROUP_LEAD: frozenset({"users:read", "groups:read"}),
    StaffRole.AUDITOR: frozenset({"users:read", "groups:read", "audit:read", "status:read"}),
}
"""A group lead edits the groups that they moderate, and no scope says that."""


def scopes(roles: Collection[StaffRole]) -> frozenset[str]:
    """Return what these roles together may do. None: nothing."""
    return frozenset().union(*(_SCOPES[role] for role in roles))


async def give(
    directory: Directory,
    company: Company,
    user_id: str,
    *,
    roles: frozenset[StaffRole],
    actor: str,
    reason: str | None = None,
    now: datetime,
) -> None:
    """Let the person have exactly these roles from now on; none: no dashboard. Repeatable. Raises NotFound."""
    async with directory.write(company.id) as tx:
        user = await users.existing(tx, company, user_id)
        before = await tx.staff_roles_of(user.id)
        if before == roles:
            return
        await tx.save_staff_roles(company.id, user.id, roles)
        await tx.add_audit(
            [
                AuditEntry(
                    company_id=company.id,
                    at=now,
                    actor=actor,
                    action="user.roles_changed",
                    subject=f"user:{user.id}",
                    reason=reason,
                    details={"before": sorted(before), "after": sorted(roles)},
                )
            ]
        )


def named(words: Collection[str]) -> frozenset[StaffRole]:
    """Return the roles with these names. Raises Invalid."""
    try:
        return frozenset(StaffRole(word) for word in words)
    except ValueError:
        known = ", ".join(StaffRole)
        raise errors.Invalid(f"The roles are: {known}.", field="roles") from None


def may_change_circle(roles: Collection[StaffRole], *, own: Role | None) -> bool:
    """Whether somebody may change who is in a group. `own`: their role in it; a lead changes what they moderate."""
    may = scopes(roles)
    if tokens.ADMIN in may or "groups:write" in may:
        return True
    return StaffRole.GROUP_LEAD in roles and own is Role.MODERATOR
