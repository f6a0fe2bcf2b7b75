"""What somebody may do on the dashboard. Only whoever may do everything sees and changes that."""

from aiohttp import web

from kleanxmpp import staff_roles, users
from kleanxmpp.model import User
from kleanxmpp.website_ports import StaffRole

from ..visits import Visit


async def show_roles(visit: Visit) -> web.StreamResponse:
    """Show what somebody may do."""
    async with visit.directory.read() as tx:
        user = await users.existing(tx, visit.company, visit.id("user_id"))
        roles = await tx.staff_roles_of(user.id)
    return _roles(visit, user, roles)


async def give_roles(visit: Visit) -> web.StreamResponse:
    """Let somebody do exactly this from now on. Asks before the company, or whoever clicks, has no administrator."""
    after = staff_roles.named(visit.form.getall("role", []))
    async with visit.directory.read() as tx:
        user = await users.existing(tx, visit.company, visit.id("user_id"))
        everybody = await tx.staff_roles(visit.company.id)
    loses = StaffRole.ADMIN in everybody.get(user.id, ()) and StaffRole.ADMIN not in after
    admins = {user_id for user_id, roles in everybody.items() if StaffRole.ADMIN in roles}
    own = visit.user is not None and visit.user.id == user.id
    if loses and (own or admins == {user.id}) and not visit.form.get("sure"):
        return _roles(visit, user, after, status=409, ask="own" if own else "last")
    await staff_roles.give(visit.directory, visit.company, user.id, roles=after, actor=visit.actor, now=visit.now)
    return visit.go("/" if own else f"/people/{user.id}?done=roles")


def _roles(
    visit: Visit, user: User, roles: frozenset[StaffRole], *, status: int = 200, ask: str | None = None
) -> web.Response:
    return visit.page("people/roles.html", status=status, person=user, roles=roles, ask=ask)
