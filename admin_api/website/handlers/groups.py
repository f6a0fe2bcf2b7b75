"""Groups: the list, one group with its circle, and making, changing, archiving and deleting one."""

from aiohttp import web

from kleanxmpp import circle_marks, errors, group_lists, group_records, groups, rule_words
from kleanxmpp.model import Group, GroupKind, Role
from kleanxmpp.ports import Transaction
from kleanxmpp.staff_roles import may_change_circle

from ..numbers import whole
from ..visits import Visit

MEMBERS_SHOWN = 100


async def show_groups(visit: Visit) -> web.StreamResponse:
    """List groups, those first that somebody moderates; archived ones apart."""
    query = visit.request.query
    text, archived = query.get("q", "")[:200], query.get("show") == "archived"
    async with visit.directory.read() as tx:
        own = await moderated(tx, visit)
        found = await group_lists.listed(
            tx, visit.company, text=text, own=own, page=whole(query.get("page"), 1), archived=archived
        )
    return visit.page("groups.html", list=found, text=text, archived=archived)


async def show_group(visit: Visit) -> web.StreamResponse:
    """Show a group, and who is in it: who moderates first, then everybody, a page at a time."""
    after = visit.request.query.get("after")
    async with visit.directory.read() as tx:
        group = await group_of(tx, visit)
        moderators = (await tx.moderators([group.id])).get(group.id, ())
        members = await tx.page_members(group.id, after=after, limit=MEMBERS_SHOWN + 1)
        size = await tx.member_count(group.id)
        by_rule = await tx.by_rule_count(group.id) if group.rule else 0
        own = await own_role(tx, visit, group)
        state = await _state(tx, group)
    return visit.page(
        "group.html",
        group=group,
        moderators=() if after else moderators,
        members=[member for member in members[:MEMBERS_SHOWN] if member.role is not Role.MODERATOR],
        next=members[MEMBERS_SHOWN - 1].user.username if len(members) > MEMBERS_SHOWN else None,
        after=after,
        rule=rule_words.described(group.rule, language=visit.language) if group.rule else None,
        size=size,
        by_rule=by_rule,
        may_change=may_change_circle(visit.who.roles, own=own),
        state=state,
    )


async def show_state(visit: Visit) -> web.StreamResponse:
    """Say whether the server has the group as it should be. Asked again and again while it has not."""
    async with visit.directory.read() as tx:
        group = await group_of(tx, visit)
        state = await _state(tx, group)
    return visit.page("group_state.html", group=group, state=state)


async def new_group(visit: Visit) -> web.StreamResponse:
    """Ask what a new group shall be called."""
    return visit.page("group_form.html", group=None, form=visit.form, wrong={})


async def add_group(visit: Visit) -> web.StreamResponse:
    """Make a group, and go on to who shall be in it."""
    form = visit.form
    try:
        group = await groups.add_group(
            visit.directory,
            visit.company,
            name=form.get("name", ""),
            description=_description(visit),
            kind=_kind(visit) or GroupKind.TEAM,
            actor=visit.actor,
            now=visit.now,
        )
    except (errors.Invalid, errors.Conflict) as error:
        return visit.page("group_form.html", status=422, group=None, form=form, wrong=await _wrong(visit, error))
    return visit.go(f"/groups/{group.id}/circle")


async def edit_group(visit: Visit) -> web.StreamResponse:
    """Ask what shall be different about a group."""
    async with visit.directory.read() as tx:
        group = await group_of(tx, visit)
    return visit.page("group_form.html", group=group, form=_values(group), wrong={})


async def change_group(visit: Visit) -> web.StreamResponse:
    """Rename or redescribe a group, or change its kind, unless somebody else did so meanwhile."""
    form = visit.form
    patch = groups.GroupPatch(name=form.get("name", ""), description=_description(visit), kind=_kind(visit))
    group_id = visit.id("group_id")
    try:
        await groups.update_group(
            visit.directory,
            visit.company,
            group_id,
            patch,
            actor=visit.actor,
            now=visit.now,
            if_version=whole(form.get("version"), 0),
        )
    except (errors.Invalid, errors.Conflict, errors.Stale) as error:
        async with visit.directory.read() as tx:
            group = await group_of(tx, visit)
        status = 409 if isinstance(error, errors.Stale) else 422
        wrong = await _wrong(visit, error)
        return visit.page("group_form.html", status=status, group=group, form=form, wrong=wrong)
    return visit.go(f"/groups/{group_id}")


async def ask_to_archive(visit: Visit) -> web.StreamResponse:
    """Say what archiving a group means, or bringing it back if it is archived, and ask."""
    async with visit.directory.read() as tx:
        group = await group_of(tx, visit)
        size = await tx.member_count(group.id)
    return visit.page("group_archive.html", group=group, size=size)


async def archive_group(visit: Visit) -> web.StreamResponse:
    """Archive a group, or bring it back; the button says which."""
    change = groups.restore_group if visit.form.get("do") == "restore" else groups.archive_group
    group_id = visit.id("group_id")
    await change(visit.directory, visit.company, group_id, actor=visit.actor, now=visit.now)
    return visit.go(f"/groups/{group_id}")


async def ask_to_delete(visit: Visit) -> web.StreamResponse:
    """Say what deleting a group means, and ask."""
    async with visit.directory.read() as tx:
        group = await group_of(tx, visit)
        size = await tx.member_count(group.id)
    return visit.page("group_delete.html", group=group, size=size)


async def delete_group(visit: Visit) -> web.StreamResponse:
    """Delete a group."""
    if not visit.form.get("sure"):
        return await ask_to_delete(visit)
    group_id = visit.id("group_id")
    await groups.delete_group(visit.directory, visit.company, group_id, actor=visit.actor, now=visit.now)
    return visit.go("/groups")


async def group_of(tx: Transaction, visit: Visit) -> Group:
    """Return the group that the address names. Raises NotFound."""
    return await group_records.existing(tx, visit.company, visit.id("group_id"))


async def own_role(tx: Transaction, visit: Visit, group: Group) -> Role | None:
    """Return which role whoever is signed in has in the group."""
    if visit.user is None:
        return None
    return (await tx.roles_of(group.id, [visit.user.id])).get(visit.user.id)


async def moderated(tx: Transaction, visit: Visit) -> frozenset[str]:
    """Return the ids of the groups that a group lead edits."""
    if visit.user is None or not visit.is_lead():
        return frozenset()
    found = await tx.moderated_by(visit.company.id, [visit.user.id])
    return frozenset(group.id for group in found.get(visit.user.id, ()))


async def _state(tx: Transaction, group: Group) -> dict[str, object]:
    """Return what the server does not have yet, and why; `usable` only if that is nothing."""
    room = await tx.due(circle_marks.scope_of(group))
    people = await tx.people_due(group.company_id, group.id)
    error = (room.last_error if room and room.attempts else None) or people.error
    return {"usable": room is None and not people.waiting, "room": room is not None, "people": people, "error": error}


def _values(group: Group) -> dict[str, str]:
    return {
        "name": group.name,
        "description": group.description,
        "kind": group.kind.value,
        "version": str(group.version),
    }


def _description(visit: Visit) -> str:
    return visit.form.get("description", "").replace("\r\n", "\n")


def _kind(visit: Visit) -> GroupKind | None:
    given = visit.form.get("kind")
    return GroupKind(given) if given in set(GroupKind) else None


async def _wrong(visit: Visit, error: errors.KleanError) -> dict[str, str]:
    """Return what is wrong in the form, by field."""
    if isinstance(error, errors.Stale):
        return {"": visit.say("Somebody else changed this group meanwhile. Look at it, then save again.")}
    if isinstance(error, errors.Conflict):
        name = " ".join(visit.form.get("name", "").split())
        async with visit.directory.read() as tx:
            holder = (await tx.groups_by_name(visit.company.id, [name])).get(name)
        if holder is not None and holder.archived:
            said = visit.say("An archived group has this name. Bring that one back, or choose a different name.")
            return {"name": said}
        return {"name": visit.say("Another group has this name already. Choose a different one.")}
    if getattr(error, "field", None) == "description":
        return {"description": visit.say("A description has up to 500 characters.")}
    return {"name": visit.say("A name has 1 to 100 characters.")}
