"""Groups over HTTP."""

from kleanxmpp import group_records, groups
from kleanxmpp.model import Group

from .. import etags
from ..answers import Answer
from ..schemas.groups import GroupPage, GroupPatchBody, GroupQuery, GroupView, NewGroupBody
from ..schemas.rules import rule_of
from ..schemas.types import Id, cursor_after
from ..services import Call


async def list_groups(call: Call, *, query: GroupQuery) -> Answer:
    """List groups.

    In the order of their slugs, a page at a time: those that their members have, or with `archived=true` the archived
    ones. Deleted groups are not listed.
    """
    async with call.directory.read() as tx:
        found = await tx.page_groups(
            call.company.id, after=query.after(), limit=query.limit + 1, archived=query.archived
        )
    page = found[: query.limit]
    cursor = cursor_after(page[-1].slug) if len(found) > query.limit else None
    return Answer(body=GroupPage(items=[_view(call, group) for group in page], next_cursor=cursor))


async def add_group(call: Call, *, body: NewGroupBody) -> Answer:
    """Add a group.

    With a `rule`, everybody whom it matches is a member, now and as long as it does; without one it has no members yet.
    Its slug, and so the address of its room, is made from the name and stays for ever.
    """
    group = await groups.add_group(
        call.directory,
        call.company,
        name=body.name,
        description=body.description,
        kind=body.kind,
        rule=rule_of(body.rule),
        actor=call.actor,
        now=call.now,
    )
    return _one(call, group, status=201)


async def get_group(call: Call, *, group_id: Id) -> Answer:
    """Show a group.

    With If-None-Match and the entity tag of an earlier answer: 304 if nothing changed.
    """
    async with call.directory.read() as tx:
        group = await group_records.existing(tx, call.company, group_id)
    tag = etags.tag(group.version)
    if etags.is_known(call.headers, tag):
        return Answer(status=304, headers={"ETag": tag})
    return _one(call, group)


async def change_group(call: Call, *, group_id: Id, body: GroupPatchBody) -> Answer:
    """Change a group.

    What is left out stays as it is; the room's address never changes. With If-Match the change is made only if
    nobody else changed the group meanwhile. Another `rule` lets people in and out at once; fixed members stay.
    """
    group = await groups.update_group(
        call.directory,
        call.company,
        group_id,
        body.patch(),
        actor=call.actor,
        now=call.now,
        if_version=etags.expected_version(call.headers),
    )
    return _one(call, group)


async def archive_group(call: Call, *, group_id: Id) -> Answer:
    """Archive a group.

    The group is finished: from now on nobody has it, nobody reads or writes in its room, and it is in nobody's contact
    list. The room stays on the server with its messages, the circle, the rule and the name stay in the directory, and
    `restore` gives all of it back. Changes of the circle meanwhile count from then on. Repeatable.
    """
    group = await groups.archive_group(
        call.directory,
        call.company,
        group_id,
        actor=call.actor,
        now=call.now,
        if_version=etags.expected_version(call.headers),
    )
    return _one(call, group)


async def restore_group(call: Call, *, group_id: Id) -> Answer:
    """Bring an archived group back.

    Whoever is in its circle by now has it again, with its messages as far as retention has kept them. Repeatable.
    """
    group = await groups.restore_group(
        call.directory,
        call.company,
        group_id,
        actor=call.actor,
        now=call.now,
        if_version=etags.expected_version(call.headers),
    )
    return _one(call, group)


async def delete_group(call: Call, *, group_id: Id) -> Answer:
    """Delete a group.

    Nobody sees it from now on; its room is destroyed, with its history. The room's address is never given again.
    `archive` is the gentler way: it can be undone.
    """
    await groups.delete_group(
        call.directory,
        call.company,
        group_id,
        actor=call.actor,
        now=call.now,
        if_version=etags.expected_version(call.headers),
    )
    return Answer(status=204)


def _view(call: Call, group: Group) -> GroupView:
    return GroupView.of(group, rooms_domain=call.services.settings.rooms_domain(call.company.domain))


def _one(call: Call, group: Group, *, status: int = 200) -> Answer:
    headers = {"ETag": etags.tag(group.version)}
    if status == 201:
        headers["Location"] = f"/api/v1/groups/{group.id}"
    return Answer(status=status, body=_view(call, group), headers=headers)
