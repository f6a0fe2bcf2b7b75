"""Rules, who is in a circle by one, and who is excepted."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Table, and_, delete, false, func, select

from kleanxmpp import errors
from kleanxmpp.db.rows import value_of
from kleanxmpp.db.session import Part, chunks
from kleanxmpp.db.tables import groups, memberships, users
from kleanxmpp.db.tables_rules import group_exceptions
from kleanxmpp.model import User
from kleanxmpp.rule_ports import GroupException, Standing
from kleanxmpp.rules import Rule

_STANDING = and_(
    memberships.c.group_id == group_exceptions.c.group_id, memberships.c.user_id == group_exceptions.c.user_id
)


class Rules(Part):
    """The transaction's part about rules."""

    __slots__ = ()

    async def rules(self, company_id: str) -> Mapping[str, Rule]:
        if company_id not in self._session.rules:
            query = select(groups.c.id, groups.c.rule).where(groups.c.company_id == company_id)
            found = await self._session.rows(query.where(groups.c.rule.is_not(None), groups.c.deleted == false()))
            self._session.rules[company_id] = {row.id: row.rule for row in found}
        return self._session.rules[company_id]

    async def standings(
        self, group_ids: Collection[str], user_ids: Collection[str] | None = None
    ) -> Mapping[str, Mapping[str, Standing]]:
        found: dict[str, dict[str, Standing]] = defaultdict(dict)
        for chosen in _chosen(memberships, group_ids, user_ids):
            for row in await self._session.rows(select(memberships).where(chosen)):
                found[row.group_id][row.user_id] = Standing(role=row.role, by_rule=row.by_rule)
        return dict(found)

    async def excepted(
        self, group_ids: Collection[str], user_ids: Collection[str] | None = None
    ) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for chosen in _chosen(group_exceptions, group_ids, user_ids):
            for row in await self._session.rows(select(group_exceptions).where(chosen)):
                found[row.group_id].add(row.user_id)
        return {group_id: frozenset(some) for group_id, some in found.items()}

    async def by_rule_count(self, group_id: str) -> int:
        count = select(func.count()).select_from(memberships)
        return int(await self._session.scalar(count.where(memberships.c.group_id == group_id, memberships.c.by_rule)))

    async def page_exceptions(self, group_id: str, *, after: str | None, limit: int) -> Sequence[GroupException]:
        later = [] if after is None else [users.c.username > after]
        return await self._exceptions(group_id, *later, limit=limit)

    async def exception(self, group_id: str, user_id: str) -> GroupException | None:
        return next(iter(await self._exceptions(group_id, users.c.id == user_id, limit=1)), None)

    async def add_exception(self, group_id: str, user_id: str, *, at: datetime) -> bool:
        company_id = await self._session.scalar(select(groups.c.company_id).where(groups.c.id == group_id))
        if company_id is None:
            raise errors.NotFound("There is no group with this id.")
        row = {"company_id": company_id, "group_id": group_id, "user_id": user_id, "since": at}
        statement = self._session.insert(group_exceptions).values(row).on_conflict_do_nothing()
        async with self._session.whole():
            return (await self._session.run(statement)).rowcount > 0

    async def remove_exception(self, group_id: str, user_id: str) -> bool:
        mine = (group_exceptions.c.group_id == group_id, group_exceptions.c.user_id == user_id)
        return (await self._session.run(delete(group_exceptions).where(*mine))).rowcount > 0

    async def _exceptions(self, group_id: str, *which: ColumnElement[bool], limit: int) -> list[GroupException]:
        query = (
            select(users, group_exceptions.c.since, memberships.c.role, memberships.c.by_rule)
            .join_from(group_exceptions, users, users.c.id == group_exceptions.c.user_id)
            .outerjoin(memberships, _STANDING)
            .where(group_exceptions.c.group_id == group_id, *which)
            .order_by(users.c.username)
            .limit(limit)
        )
        return [
            GroupException(
                user=value_of(User, row),
                since=row.since,
                standing=None if row.role is None else Standing(role=row.role, by_rule=row.by_rule),
            )
            for row in await self._session.rows(query)
        ]


def _chosen(
    source: Table, group_ids: Collection[str], user_ids: Collection[str] | None
) -> Iterator[ColumnElement[bool]]:
    """Yield conditions that together choose the rows of these users in these groups, each short enough to send."""
    for some_groups in chunks(group_ids):
        of_groups = source.c.group_id.in_(some_groups)
        if user_ids is None:
            yield of_groups
            continue
        for some_users in chunks(user_ids):
            yield and_(of_groups, source.c.user_id.in_(some_users))
