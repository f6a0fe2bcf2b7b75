"""People over HTTP."""

from collections.abc import Mapping, Sequence
from typing import Any

from kleanxmpp import errors, jid, putting, users
from kleanxmpp.drafts import NewUser
from kleanxmpp.model import User
from kleanxmpp.ports import UserFilter
from kleanxmpp.putting import Put

from .. import etags
from ..answers import Answer
from ..problems import Problem, invalid
from ..schemas.types import ExternalId, Id, cursor_after
from ..schemas.users import NewUserBody, PutUserBody, UserPage, UserPatchBody, UserQuery, user_view
from ..services import Call


async def list_users(call: Call, *, query: UserQuery) -> Answer:
    """List people.

    In the order of their usernames, a page at a time. Without filters everybody is listed, also who is not active.
    `q` finds parts of names, usernames and e-mail addresses; `external_id` and `username` find exactly one person.
    """
    if query.external_id is not None or query.username is not None:
        found = [user for user in await _exactly(call, query) if _matches(user, query)]
        return Answer(body=_page(call, found, limit=query.limit))
    matching = UserFilter(text=query.q, active=query.active, chat_permission=query.chat_permission)
    async with call.directory.read() as tx:
        found = list(
            await tx.page_users(call.company.id, after=query.after(), limit=query.limit + 1, matching=matching)
        )
    return Answer(body=_page(call, found, limit=query.limit))


async def add_user(call: Call, *, body: NewUserBody) -> Answer:
    """Add a person.

    Only `display_name` is needed; a username is made from it when none is given, and is for ever. Who may chat has
    access from the moment of the answer on, as soon as a device is set up. 409 names the field that somebody else
    already has. Send an Idempotency-Key to be able to repeat the request safely.
    """
    user = await users.add_user(
        call.directory, call.company, body.facts(external_id=body.external_id), actor=call.actor, now=call.now
    )
    return _one(call, user, status=201)


async def get_user(call: Call, *, user_id: Id) -> Answer:
    """Show a person.

    With If-None-Match and the entity tag of an earlier answer: 304 if nothing changed.
    """
    async with call.directory.read() as tx:
        user = await users.existing(tx, call.company, user_id)
    if etags.is_known(call.headers, _tag(call, user)):
        return Answer(status=304, headers={"ETag": _tag(call, user)})
    return _one(call, user)


async def change_user(call: Call, *, user_id: Id, body: UserPatchBody) -> Answer:
    """Change a person.

    What is left out stays as it is. Who may not chat any more is off-boarded, whichever field did it. With If-Match
    the change is made only if nobody else changed the person meanwhile.
    """
    user = await users.update_user(
        call.directory,
        call.company,
        user_id,
        body.patch(),
        actor=call.actor,
        now=call.now,
        if_version=etags.expected_version(call.headers),
        by=call.passage,
    )
    said = body.model_fields_set
    return _one(
        call,
        user,
        held=_held(
            user,
            active="active" not in said or body.active,
            chat_permission="chat_permission" not in said or body.chat_permission,
        ),
    )


async def put_user(call: Call, *, external_id: ExternalId, body: PutUserBody) -> Answer:
    """Add a person, or bring them up to date, by the id that HR uses.

    Repeatable: meant for systems that send what they know again and again. `active` and `chat_permission` are what
    the body says (true when left out); username, e-mail address and locale stay when left out. 201 for somebody new.
    """
    user, is_new = await users.put_user(
        call.directory,
        call.company,
        _facts(external_id, body),
        actor=call.actor,
        now=call.now,
        if_version=etags.expected_version(call.headers),
        by=call.passage,
    )
    held = _held(user, active=body.active, chat_permission=body.chat_permission)
    return _one(call, user, status=201 if is_new else 200, held=held)


async def put_many(call: Call, said: Sequence[tuple[Call, Mapping[str, Any]]]) -> Sequence[Answer]:
    """Carry out several operations like `add_user` and `put_user` together, each with its arguments.

    Raises InBatch.
    """
    assert call.passage is not None
    wanted: list[Put] = []
    for index, (one, arguments) in enumerate(said):
        try:
            wanted.append(_put(one, **arguments))
        except (Problem, errors.Stale) as error:
            raise errors.InBatch(index) from error
    async with call.directory.write(call.company.id) as tx:
        found = await putting.put_all(tx, call.company, wanted, by=call.passage, actor=call.actor, now=call.now)
    return [
        _one(
            call,
            user,
            status=201 if is_new else 200,
            held=_held(user, active=put.new.active, chat_permission=put.new.chat_permission) and not is_new,
        )
        for put, (user, is_new) in zip(wanted, found, strict=True)
    ]


def _put(call: Call, *, body: NewUserBody | PutUserBody, external_id: str | None = None) -> Put:
    if external_id is None:
        return Put(new=body.facts(external_id=body.external_id), update=False)
    return Put(new=_facts(external_id, body), if_version=etags.expected_version(call.headers))


def _facts(external_id: str, body: NewUserBody | PutUserBody) -> NewUser:
    if body.external_id is not None and body.external_id != external_id:
        raise invalid("external_id", "The body names another external id than the address.")
    return body.facts(external_id=external_id)


async def _exactly(call: Call, query: UserQuery) -> list[User]:
    async with call.directory.read() as tx:
        if query.external_id is not None:
            return list((await tx.users_by_external_id(call.company.id, [query.external_id])).values())
        username = jid.normalise_localpart(query.username or "")
        return list((await tx.users_by_username(call.company.id, [username])).values())


def _matches(user: User, query: UserQuery) -> bool:
    return query.active in {None, user.active} and query.chat_permission in {None, user.chat_permission}


def _page(call: Call, found: list[User], *, limit: int) -> UserPage:
    page = found[:limit]
    return UserPage(
        items=[user_view(user, company=call.company) for user in page if not user.erasing],
        next_cursor=cursor_after(page[-1].username) if len(found) > limit else None,
    )


def _held(user: User, *, active: bool, chat_permission: bool) -> bool:
    """Whether the person still has what the request wanted to take."""
    return (user.active and not active) or (user.chat_permission and not chat_permission)


def _one(call: Call, user: User, *, status: int = 200, held: bool = False) -> Answer:
    headers = {"ETag": _tag(call, user)}
    if status == 201:
        headers["Location"] = f"/api/v1/users/{user.id}"
    view = user_view(user, company=call.company)
    return Answer(status=status, body=view, headers=headers, about=user.id, held=held)


def _tag(call: Call, user: User) -> str:
    return etags.tag(user.version, company=call.company)
