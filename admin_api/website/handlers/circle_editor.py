"""The editor of a circle: put together a draft, look at what it would do, save it.

One address for all of it; the button says what is wanted. The draft travels in the form (`circle_forms`). If somebody
else saved meanwhile, nothing is overwritten: the page shows what they changed and keeps what this person wants.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from aiohttp import web

from kleanxmpp import circle_drafts, circle_previews, circles, errors, pasted_people, rule_words
from kleanxmpp.circle_drafts import CircleDraft
from kleanxmpp.model import Group, Role, User
from kleanxmpp.pasted_people import Line
from kleanxmpp.ports import Member, Transaction, UserFilter
from kleanxmpp.rules import fold
from kleanxmpp.staff_roles import may_change_circle

from ..circle_forms import asked, draft_of, fields_of
from ..visits import Visit
from .groups import group_of, own_role

ROWS = 100
HITS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a button of the editor brought up beside the draft. None: nothing was asked."""

    text: str = ""
    hits: tuple[User, ...] | None = None
    more: bool = False
    added: int | None = None
    known: int = 0
    pasted: str = ""
    unclear: tuple[Line, ...] = ()
    places: Mapping[str, list[tuple[str, int]]] | None = None
    after: str | None = None


async def edit_circle(visit: Visit) -> web.StreamResponse:
    """Begin with the circle as it is."""
    async with visit.directory.read() as tx:
        group = await _editable(tx, visit)
        draft = await _current(tx, group)
        return await _editor(tx, visit, group, draft, Found())


async def change_draft(visit: Visit) -> web.StreamResponse:
    """Do what the button says with the draft."""
    what, about = asked(visit)
    async with visit.directory.read() as tx:
        group = await _editable(tx, visit)
        draft = draft_of(visit)
        if group.circle_version != draft.version:
            return await _conflict(tx, visit, group, draft)
        if what == "preview":
            return await _preview(tx, visit, group, draft)
        if what != "save":
            draft, found = await _changed(tx, visit, draft, what=what, about=about)
            if what != "paste":  # what somebody typed and has not sent yet stays
                found = replace(found, pasted=visit.form.get("pasted", ""))
            return await _editor(tx, visit, group, draft, found)
    return await _save(visit, group, draft)


async def _save(visit: Visit, group: Group, draft: CircleDraft) -> web.StreamResponse:
    change = draft.difference
    try:
        await circles.change_circle(
            visit.directory,
            visit.company,
            group.id,
            put=change.put,
            remove=change.leaving,
            actor=visit.actor,
            now=visit.now,
            if_version=draft.version,
        )
    except errors.Stale:
        async with visit.directory.read() as tx:
            return await _conflict(tx, visit, await _editable(tx, visit), draft)
    return visit.go(f"/groups/{group.id}")


async def _preview(tx: Transaction, visit: Visit, group: Group, draft: CircleDraft) -> web.StreamResponse:
    preview, draft = await circle_previews.preview(tx, visit.company, group, draft)
    return visit.page("circle_preview.html", group=group, fields=fields_of(draft), preview=preview)


async def _conflict(tx: Transaction, visit: Visit, group: Group, mine: CircleDraft) -> web.StreamResponse:
    """Show what the other one changed, what this one wants, and both ways on."""
    current = await _current(tx, group)
    theirs, wanted = circle_drafts.difference(mine.base, current.base), mine.difference
    involved = {*theirs.put, *theirs.leaving, *wanted.put, *wanted.leaving}
    people = await tx.users_by_id(visit.company.id, involved)
    return visit.instead(
        "circle_conflict.html",
        status=409,
        group=group,
        people=people,
        theirs=theirs,
        mine=wanted,
        fields=fields_of(mine.on_top_of(version=current.version, base=current.base)),
    )


async def _changed(
    tx: Transaction, visit: Visit, draft: CircleDraft, *, what: str, about: str
) -> tuple[CircleDraft, Found]:
    """Return the draft after a button, and what it brought up."""
    form = visit.form
    match what:
        case "add":
            known = await tx.users_by_id(visit.company.id, [about])
            return draft.put(known), await _search(tx, visit)
        case "remove":
            return draft.without([about]), await _search(tx, visit)
        case "search":
            return draft, await _search(tx, visit)
        case "page":
            return draft, Found(after=about or None)
        case "places":
            return draft, Found(places=await _places(tx, visit))
        case "place":
            return await _whole_place(tx, visit, draft, *form.get("place", "").partition("=")[::2])
        case "paste":
            found = pasted_people.find(form.get("pasted", ""), await tx.known_people(visit.company.id))
            return _all_of(draft, [person.id for person in found.people], unclear=found.unclear)
        case _:
            return draft, Found()


async def _search(tx: Transaction, visit: Visit) -> Found:
    text = visit.form.get("q", "").strip()[:200]
    if not text:
        return Found()
    matching = UserFilter(text=text, active=True)
    hits = await tx.page_users(visit.company.id, after=None, limit=HITS + 1, matching=matching)
    return Found(text=text, hits=tuple(hit for hit in hits[:HITS] if not hit.erasing), more=len(hits) > HITS)


async def _places(tx: Transaction, visit: Visit) -> Mapping[str, list[tuple[str, int]]]:
    """Return the values of all attributes with how many people have them, the usual attributes only."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("site", "department", "division", "role")}
    for person in await tx.known_people(visit.company.id):
        for name in counts.keys() & person.attributes.keys():
            counts[name].update(person.attributes[name])
    labels = {name: rule_words.attribute_name(name, language=visit.language) for name in counts}
    return {f"{name}={labels[name]}": sorted(found.items()) for name, found in counts.items() if found}


async def _whole_place(
    tx: Transaction, visit: Visit, draft: CircleDraft, attribute: str, value: str
) -> tuple[CircleDraft, Found]:
    people = await tx.known_people(visit.company.id)
    wanted = fold(value)
    return _all_of(draft, [one.id for one in people if wanted in map(fold, one.attributes.get(attribute, ()))])


def _all_of(draft: CircleDraft, user_ids: list[str], *, unclear: tuple[Line, ...] = ()) -> tuple[CircleDraft, Found]:
    """Return the draft with these people, and how many of them are new in it."""
    after = draft.put(user_ids)
    added = len(after.roles) - len(draft.roles)
    left = "".join(f"{line.text}\n" for line in unclear)
    return after, Found(added=added, known=len(user_ids) - added, pasted=left, unclear=unclear)


async def _editor(tx: Transaction, visit: Visit, group: Group, draft: CircleDraft, found: Found) -> web.StreamResponse:
    members = await tx.page_members(group.id, after=found.after, limit=ROWS + 1)
    change = draft.difference
    new = await tx.users_by_id(visit.company.id, list(change.joining)) if not found.after else {}
    joining = [
        Member(user=user, role=change.joining[user.id])
        for user in sorted(new.values(), key=lambda user: user.display_name.casefold())
    ]
    shown = [replace(one, role=draft.roles.get(one.user.id, one.role)) for one in members[:ROWS]]
    # The rest of who comes in stays in the hidden fields: a page of a thousand rows would help nobody.
    return visit.page(
        "circle.html",
        group=group,
        fields=fields_of(draft),
        draft=draft,
        change=change,
        joining=[one for one in joining if one.user.id not in {member.user.id for member in shown}][:ROWS],
        unshown=max(0, len(joining) - ROWS),
        members=shown,
        next=members[ROWS - 1].user.username if len(members) > ROWS else None,
        found=found,
        roles=Role,
    )


async def _current(tx: Transaction, group: Group) -> CircleDraft:
    """Return a draft of the circle as it is: of the fixed members if the group has a rule."""
    if group.rule is None:
        return circle_drafts.begun(version=group.circle_version, base=await tx.roles(group.id))
    standings = (await tx.standings([group.id])).get(group.id, {})
    base = {user_id: one.role for user_id, one in standings.items() if not one.by_rule}
    return circle_drafts.begun(version=group.circle_version, base=base)


async def _editable(tx: Transaction, visit: Visit) -> Group:
    """Return the group if whoever is signed in may change its circle. Raises Forbidden."""
    group = await group_of(tx, visit)
    if not may_change_circle(visit.who.roles, own=await own_role(tx, visit, group)):
        raise errors.Forbidden("You change only the groups that you moderate.")
    return group
