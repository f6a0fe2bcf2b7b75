"""What those read who edit circles: everybody by what they are called, sizes of circles, and what is on its way."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, case, false, func, select, union

from kleanxmpp.db.rows import value_of
from kleanxmpp.db.session import Part, chunks
from kleanxmpp.db.tables import departures, due_scopes, memberships, users
from kleanxmpp.due import Aspect, ScopeKind
from kleanxmpp.editing_ports import KnownPerson, PeopleDue

_IN_CIRCLES = int(Aspect.CIRCLES | Aspect.BOOKMARKS)


class Editing(Part):
    """The transaction's part for those who edit circles."""

    __slots__ = ()

    async def known_people(self, company_id: str) -> Sequence[KnownPerson]:
        query = select(*(users.c[name] for name in KnownPerson.__dataclass_fields__))
        query = query.where(users.c.company_id == company_id, users.c.erasing == false())
        return [value_of(KnownPerson, row) for row in await self._session.rows(query.order_by(users.c.username))]

    async def member_counts(self, group_ids: Collection[str]) -> Mapping[str, int]:
        found: dict[str, int] = {}
        for some in chunks(group_ids):
            counted = select(memberships.c.group_id, func.count().label("size")).where(memberships.c.group_id.in_(some))
            rows = await self._session.rows(counted.group_by(memberships.c.group_id))
            found.update((row.group_id, row.size) for row in rows)
        return found

    async def people_due(self, company_id: str, group_id: str) -> PeopleDue:
        people = union(
            select(memberships.c.user_id).where(memberships.c.group_id == group_id),
            select(departures.c.user_id).where(departures.c.group_id == group_id),
        )
        failing = due_scopes.c.attempts > 0
        counted: list[ColumnElement[Any]] = [
            func.count().label("waiting"),
            func.count(case((failing, 1))).label("failing"),
            func.max(case((failing, due_scopes.c.last_error))).label("error"),
        ]
        query = select(*counted).where(
            due_scopes.c.company_id == company_id,
            due_scopes.c.kind == ScopeKind.USER,
            due_scopes.c.aspects.bitwise_and(_IN_CIRCLES) != 0,
            due_scopes.c.scope_id.in_(people),
        )
        (row,) = await self._session.rows(query)
        return value_of(PeopleDue, row)
