"""Memberships and departures."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import bindparam, delete, false, func, insert, select

from kleanxmpp import errors
from kleanxmpp.db.rows import value_of
from kleanxmpp.db.session import Part, chunks
from kleanxmpp.db.tables import departures, groups, memberships, users
from kleanxmpp.model import Group, Role, User
from kleanxmpp.ports import Member

_OF_GROUP = groups.c.id == memberships.c.group_id
_OF_USER = users.c.id == memberships.c.user_id
_MODERATING = memberships.c.role == Role.MODERATOR


class Circles(Part):
    """The transaction's part about who is in which group."""

    __slots__ = ()

    async def roles(self, group_id: str) -> Mapping[str, Role]:
        query = select(memberships.c.user_id, memberships.c.role).where(memberships.c.group_id == group_id)
        return {row.user_id: row.role for row in await self._session.rows(query)}

    async def roles_of(self, group_id: str, user_ids: Collection[str]) -> Mapping[str, Role]:
        found: dict[str, Role] = {}
        for some in chunks(user_ids):
            query = select(memberships.c.user_id, memberships.c.role).where(memberships.c.group_id == group_id)
            rows = await self._session.rows(query.where(memberships.c.user_id.in_(some)))
            found.update((row.user_id, row.role) for row in rows)
        return found

    async def page_members(self, group_id: str, *, after: str | None, limit: int) -> Sequence[Member]:
        query = select(users, memberships.c.role, memberships.c.by_rule).join_from(memberships, users, _OF_USER)
        query = query.where(memberships.c.group_id == group_id)
        if after is not None:
            query = query.where(users.c.username > after)
        found = await self._session.rows(query.order_by(users.c.username).limit(limit))
        return [Member(user=value_of(User, row), role=row.role, by_rule=row.by_rule) for row in found]

    async def member_count(self, group_id: str) -> int:
        count = select(func.count()).select_from(memberships).where(memberships.c.group_id == group_id)
        return int(await self._session.scalar(count))

    async def memberships_of(self, user_id: str) -> Sequence[tuple[Group, Role]]:
        query = select(groups, memberships.c.role).join_from(memberships, groups, groups.c.id == memberships.c.group_id)
        query = query.where(memberships.c.user_id == user_id, groups.c.deleted == false())
        found = await self._session.rows(query.order_by(groups.c.slug))
        return [(value_of(Group, row), row.role) for row in found]

    async def moderated_by(self, company_id: str, user_ids: Collection[str]) -> Mapping[str, Sequence[Group]]:
        found: dict[str, list[Group]] = defaultdict(list)
        query = select(groups, memberships.c.user_id).join_from(memberships, groups, _OF_GROUP)
        query = query.where(groups.c.company_id == company_id, groups.c.deleted == false(), _MODERATING)
        for some in chunks(user_ids):
            chosen = query.where(memberships.c.user_id.in_(some)).order_by(groups.c.slug)
            for row in await self._session.rows(chosen):
                found[row.user_id].append(value_of(Group, row))
        return found

    async def moderators(self, group_ids: Collection[str]) -> Mapping[str, Sequence[User]]:
        found: dict[str, list[User]] = defaultdict(list)
        query = select(users, memberships.c.group_id).join_from(memberships, users, _OF_USER).where(_MODERATING)
        for some in chunks(group_ids):
            chosen = query.where(memberships.c.group_id.in_(some)).order_by(users.c.username)
            for row in await self._session.rows(chosen):
                found[row.group_id].append(value_of(User, row))
        return found

    async def put_members(self, group_id: str, roles: Mapping[str, Role], *, by_rule: bool = False) -> None:
        if not roles:
            return
        company_id = await self._session.scalar(select(groups.c.company_id).where(groups.c.id == group_id))
        if company_id is None:
            raise errors.NotFound("There is no group with this id.")
        put = self._session.insert(memberships)
        put = put.on_conflict_do_update(
            index_elements=["group_id", "user_id"],
            set_={"role": put.excluded.role, "by_rule": put.excluded.by_rule},
        )
        mine = {"company_id": company_id, "group_id": group_id, "by_rule": by_rule}
        async with self._session.whole():
            await self._session.run_many(put, [mine | {"user_id": u, "role": r} for u, r in sorted(roles.items())])
            for some in chunks(list(roles)):
                back = (departures.c.group_id == group_id, departures.c.user_id.in_(some))
                await self._session.run(delete(departures).where(*back))

    async def remove_members(self, group_id: str, user_ids: Collection[str]) -> None:
        columns = ["company_id", "group_id", "user_id"]
        for some in chunks(user_ids):
            gone = (memberships.c.group_id == group_id, memberships.c.user_id.in_(some))
            leaving = select(*(memberships.c[name] for name in columns)).where(*gone)
            await self._session.run(insert(departures).from_select(columns, leaving))
            await self._session.run(delete(memberships).where(*gone))

    async def forget_departures(self, groups: Collection[str]) -> None:
        for some in chunks(groups):
            await self._session.run(delete(departures).where(departures.c.group_id.in_(some)))

    async def forget_departures_of(self, left: Mapping[str, Collection[str]]) -> None:
        one = (departures.c.user_id == bindparam("its_user"), departures.c.group_id == bindparam("its_group"))
        pairs = [{"its_user": user_id, "its_group": group_id} for user_id, ids in left.items() for group_id in ids]
        await self._session.run_many(delete(departures).where(*one), pairs)
