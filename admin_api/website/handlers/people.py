"""The list of people with its search, and adding somebody."""

from dataclasses import dataclass

from aiohttp import web
from pydantic import ValidationError
from yarl import URL

from kleanxmpp import errors, users
from kleanxmpp.model import User
from kleanxmpp.ports import UserFilter

from .. import person_form
from ..standing import Standing, standing
from ..visits import Visit

_PAGE = 50
_LONGEST = 200
_FILTERS = {
    "all": UserFilter(),
    "chat": UserFilter(active=True, chat_permission=True, absent=False),
    "no-device": UserFilter(active=True, chat_permission=True, has_device=False),
    "paused": UserFilter(active=True, absent=True),
    "left": UserFilter(active=False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    user: User
    standing: Standing
    place: str


async def show_people(visit: Visit) -> web.StreamResponse:
    """List people; a script gets only what it asks for: what was found, or what comes after it."""
    query = visit.request.query
    text, chosen = _printable(query.get("q", ""))[:_LONGEST], _printable(query.get("filter", "all"))
    after = _printable(query["after"]) if "after" in query else None
    wanted = _FILTERS.get(chosen, _FILTERS["all"])
    matching = UserFilter(
        text=text or None,
        active=wanted.active,
        chat_permission=wanted.chat_permission,
        absent=wanted.absent,
        has_device=wanted.has_device,
    )
    async with visit.directory.read() as tx:
        found = await tx.page_users(visit.company.id, after=after, limit=_PAGE + 1, matching=matching)
        page = [user for user in found[:_PAGE] if not user.erasing]
        devices = await tx.credential_counts([user.id for user in page], of_browsers=False)
    more = None
    if len(found) > _PAGE:
        more = URL("/people").with_query({"q": text, "filter": chosen, "after": found[_PAGE - 1].username})
    template = "people/list.html"
    if visit.by_script:
        template = "people/rows.html" if after is not None else "people/found.html"
    rows = [
        _Row(user=user, standing=standing(visit, user, devices=devices.get(user.id, 0)), place=_place(user))
        for user in page
    ]
    response = visit.page(template, rows=rows, more=more, text=text, chosen=chosen, after=after)
    response.headers["Vary"] = "HX-Request"
    return response


async def show_new(visit: Visit) -> web.StreamResponse:
    """Show the form about somebody new."""
    return visit.page("people/new.html", form=person_form.empty(visit.company.locale), wrong={})


async def add(visit: Visit) -> web.StreamResponse:
    """Add somebody."""
    form = person_form.typed(visit)
    try:
        body = person_form.meant(form)
        user = await users.add_user(
            visit.directory,
            visit.company,
            body.facts(external_id=body.external_id),
            actor=visit.actor,
            now=visit.now,
        )
    except (ValidationError, errors.Invalid, errors.Conflict) as error:
        return visit.page("people/new.html", status=422, form=form, wrong=person_form.wrong(visit, error))
    return visit.go(f"/people/{user.id}?done=added")


def _printable(text: str) -> str:
    """Return what can be looked for: a database does not take every character."""
    return "".join(character for character in text if character.isprintable())


def _place(user: User) -> str:
    """Return where somebody works, as far as that is known."""
    return ", ".join([*user.attributes.get("site", ()), *user.attributes.get("department", ())])
