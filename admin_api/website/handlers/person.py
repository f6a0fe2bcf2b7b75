"""The page of one person, what they can reach right now, and changing what is known about them."""

from collections.abc import Mapping

from aiohttp import web
from pydantic import ValidationError

from kleanxmpp import errors, staff_roles, tokens, users, web_sessions
from kleanxmpp.documents.words import WORDS
from kleanxmpp.model import User
from kleanxmpp.website_ports import StaffRole

from ... import live_devices
from ...handlers.access import access_of
from ...schemas.scheduled import OPEN
from .. import person_form
from ..standing import standing
from ..visits import Visit

_MOST = 50
RECORDS = "audit:read"
"""Who may see what was done about somebody; a group lead may not."""


async def show_person(visit: Visit) -> web.StreamResponse:
    """Show everything that the directory knows about somebody; what the server knows is asked for apart."""
    company = visit.company
    async with visit.directory.read() as tx:
        user = await users.existing(tx, company, visit.id("user_id"))
        devices = [one for one in await tx.credentials(user.id) if one.web_session_id is None]
        records = {}
        if visit.may(RECORDS):
            links = await tx.one_time_links(company.id, user.id)
            records = {
                "links": [link for link in links if link.holds(visit.now)],
                "offboardings": await tx.page_offboardings(company.id, user.id, limit=_MOST),
                "plans": await tx.page_scheduled(company.id, user_id=user.id, states=OPEN, after=None, limit=_MOST),
            }
        groups = await tx.memberships_of(user.id)
        roles = await tx.staff_roles_of(user.id) if visit.may(tokens.ADMIN) else frozenset()
    if records:
        records["browsers"] = await web_sessions.of_person(visit.directory, company, user.id, now=visit.now)
    connected = await live_devices.connected(visit.services, company, user) if devices else frozenset()
    return visit.page(
        "people/person.html",
        person=user,
        standing=standing(visit, user, devices=len(devices)),
        devices=devices,
        connected=connected,
        records=records,
        modes=WORDS[visit.language].modes,
        groups=groups,
        roles=roles,
        done=visit.request.query.get("done", ""),
    )


async def show_reach(visit: Visit) -> web.StreamResponse:
    """Show what somebody can reach right now, looked up on the live server."""
    view = await access_of(visit.services, visit.company, visit.id("user_id"))
    async with visit.directory.read() as tx:
        user = await users.existing(tx, visit.company, view.user_id)
        groups = await tx.memberships_of(user.id)
    rooms_domain = visit.services.settings.rooms_domain(visit.company.domain)
    return visit.page(
        "people/reach_part.html" if visit.by_script else "people/reach.html",
        person=user,
        view=view,
        names={f"{group.slug}@{rooms_domain}": group.name for group, _ in groups},
    )


async def show_edit(visit: Visit) -> web.StreamResponse:
    """Show the form about somebody known."""
    async with visit.directory.read() as tx:
        user = await users.existing(tx, visit.company, visit.id("user_id"))
    return _edit(visit, user, form=person_form.filled(user))


async def edit(visit: Visit) -> web.StreamResponse:
    """Change what is known about somebody; whoever thereby may not chat any more is off-boarded."""
    form = person_form.typed(visit)
    async with visit.directory.read() as tx:
        before = await users.existing(tx, visit.company, visit.id("user_id"))
        roles = await tx.staff_roles_of(before.id)
    if _signs_in_with(form, before) and not _covers(visit, roles):
        return _edit(visit, before, form=form, status=403, refused=True)
    try:
        user = await users.update_user(
            visit.directory,
            visit.company,
            before.id,
            person_form.patch(form, before),
            actor=visit.actor,
            now=visit.now,
            if_version=_version(visit),
        )
    except errors.Stale:
        return _edit(visit, before, form=form, status=409, meanwhile=person_form.filled(before))
    except (ValidationError, errors.Invalid, errors.Conflict) as error:
        return _edit(visit, before, form=form, status=422, wrong=person_form.wrong(visit, error))
    if before.chat_permission and not user.chat_permission and visit.may(RECORDS):
        async with visit.directory.read() as tx:
            begun = await tx.open_offboarding(user.id)
        if begun is not None:
            return visit.go(f"/people/{user.id}/offboardings/{begun.id}")
    return visit.go(f"/people/{user.id}?done=edited")


def _edit(visit: Visit, user: User, *, status: int = 200, **values: object) -> web.Response:
    shown = {"wrong": {}, "meanwhile": None, "refused": False, "version": user.version} | values
    if status in {403, 422}:
        shown["version"] = visit.form.get("version", "")
    return visit.page("people/edit.html", status=status, person=user, **shown)


def _signs_in_with(form: Mapping[str, str], before: User) -> bool:
    """Whether the form changes by what an identity provider may know the person."""
    known = person_form.filled(before)
    return any(form[name].strip() != known[name] for name in ("email", "external_id"))


def _covers(visit: Visit, roles: frozenset[StaffRole]) -> bool:
    """Whether whoever is signed in may do all that these roles may: else they could sign in with them."""
    return visit.may(tokens.ADMIN) or staff_roles.scopes(roles) <= visit.who.scopes


def _version(visit: Visit) -> int:
    text = visit.form.get("version", "")
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 10 else 0
