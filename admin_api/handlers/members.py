"""Circles over HTTP: whole, by difference, or one member at a time. All of it repeatable."""

from collections.abc import Collection, Mapping

from kleanxmpp import circle_rules, circles, errors, group_records
from kleanxmpp.model import Group, Role
from kleanxmpp.ports import Member

from .. import etags
from ..answers import Answer
from ..schemas.groups import CircleBody, CirclePatchBody, CircleView, MemberBody, MemberPage, MemberQuery, MemberView
from ..schemas.types import Id, cursor_after
from ..services import Call


async def list_members(call: Call, *, group_id: Id, query: MemberQuery) -> Answer:
    """List a circle.

    In the order of their usernames, a page at a time. Somebody who may not chat stays a member, and everybody does
    in an archived group; `effective` is false then. The entity tag is the circle's version, for If-Match.
    """
    async with call.directory.read() as tx:
        group = await group_records.existing(tx, call.company, group_id)
        found = await tx.page_members(group.id, after=query.after(), limit=query.limit + 1)
        total = await tx.member_count(group.id)
    page = found[: query.limit]
    body = MemberPage(
        items=[MemberView.of(member, company=call.company, group=group) for member in page if not member.user.erasing],
        next_cursor=cursor_after(page[-1].user.username) if len(found) > query.limit else None,
        total=total,
    )
    return Answer(body=body, headers={"ETag": etags.tag(group.circle_version)})


async def replace_members(call: Call, *, group_id: Id, body: CircleBody) -> Answer:
    """Replace the whole circle.

    In one go: who is not named is not a member any more. A role that is left out stays as it is; new members become
    plain members. Who is in by the group's rule stays so, named or not; another role makes them fixed. 422 names users
    that do not exist, and nothing is changed then.
    """
    expected = etags.expected_version(call.headers)
    async with call.directory.read() as tx:
        group = await group_records.existing(tx, call.company, group_id)
        before = await tx.roles(group.id)
    roles = {item.user_id: item.role or before.get(item.user_id, Role.MEMBER) for item in body.members}
    group = await circles.replace_circle(
        call.directory, call.company, group_id, roles, actor=call.actor, now=call.now, if_version=expected
    )
    return await _circle(call, group)


async def change_members(call: Call, *, group_id: Id, body: CirclePatchBody) -> Answer:
    """Add people to the circle and take people out.

    All others stay. Somebody who is a member already gets the role that is named; taking out who is no member is
    no error. Of a group with a rule: who is added is fixed from then on; who is in by the rule alone cannot be taken
    out (409: add an exception); a fixed member who is taken out stays in by the rule if it matches. 422 names users
    that do not exist, and nothing is changed then.
    """
    put = {item.user_id: item.role for item in body.add}
    return await _circle(call, await _changed(call, group_id, put=put, remove=body.remove))


async def put_member(call: Call, *, group_id: Id, user_id: Id, body: MemberBody) -> Answer:
    """Put one person into the circle, or change their role.

    Repeatable. Send `{}` to leave the role to us. The person is a fixed member from then on, whatever a rule says.
    """
    await _known_user(call, user_id)
    group = await _changed(call, group_id, put={user_id: body.role})
    async with call.directory.read() as tx:
        user = await tx.user(call.company.id, user_id)
        roles = await tx.roles_of(group.id, [user_id])
    if user is None or user_id not in roles:
        raise errors.NotFound("The user is not a member any more; somebody else took them out.")
    member = MemberView.of(Member(user=user, role=roles[user_id]), company=call.company, group=group)
    return Answer(body=member, headers={"ETag": etags.tag(group.circle_version)})


async def remove_member(call: Call, *, group_id: Id, user_id: Id) -> Answer:
    """Take one person out of the circle.

    Repeatable: 204 also when they are no member. Of a group with a rule: 200 if the rule keeps the fixed member in, who
    is in by it from then on; 409 for who is in by the rule alone: add an exception for them.
    """
    group = await _changed(call, group_id, put={}, remove=[user_id])
    headers = {"ETag": etags.tag(group.circle_version)}
    async with call.directory.read() as tx:
        kept = user_id in await circle_rules.by_rule(tx, group, [user_id])
        user = await tx.user(call.company.id, user_id) if kept else None
    if user is None:
        return Answer(status=204, headers=headers)
    member = Member(user=user, role=Role.MEMBER, by_rule=True)
    return Answer(body=MemberView.of(member, company=call.company, group=group), headers=headers)


async def _changed(call: Call, group_id: str, *, put: Mapping[str, Role | None], remove: Collection[str] = ()) -> Group:
    return await circles.change_circle(
        call.directory,
        call.company,
        group_id,
        put=put,
        remove=remove,
        actor=call.actor,
        now=call.now,
        if_version=etags.expected_version(call.headers),
    )


async def _known_user(call: Call, user_id: str) -> None:
    async with call.directory.read() as tx:
        user = await tx.user(call.company.id, user_id)
    if user is None or user.erasing:
        raise errors.NotFound("There is no user with this id in the company.")


async def _circle(call: Call, group: Group) -> Answer:
    async with call.directory.read() as tx:
        total, by_rule = await tx.member_count(group.id), await tx.by_rule_count(group.id)
    body = CircleView(group_id=group.id, total=total, by_rule=by_rule, version=group.circle_version)
    return Answer(body=body, headers={"ETag": etags.tag(group.circle_version)})
