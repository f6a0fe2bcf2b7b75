"""What the reconcile loop reads: people with their circles, and circles with their effective members.

One person and a page of people are the same five queries, so that their number depends on nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ColumnElement, false, func, select

from kleanxmpp.db.rows import value_of
from kleanxmpp.db.session import Part, chunks
from kleanxmpp.db.tables import ENTITLED, companies, departures, groups, memberships, users
from kleanxmpp.desired import Circle, GroupCircle, Person
from kleanxmpp.model import Absence, Company, Group, User


class People(Part):
    """The transaction's part for the reconcile loop."""

    __slots__ = ()

    async def person(self, company_id: str, user_id: str) -> Person | None:
        return (await self.people(company_id, [user_id])).get(user_id)

    async def people(self, company_id: str, user_ids: Collection[str]) -> Mapping[str, Person]:
        found: dict[str, Person] = {}
        for some in chunks(user_ids):
            who = (users.c.company_id == company_id) & users.c.id.in_(some)
            rows = await self._session.rows(select(users).where(who))
            page = [value_of(User, row) for row in rows]
            found.update((person.user.id, person) for person in await self._with_circles(company_id, page, who))
        return found

    async def page_people(self, company_id: str, *, after: str | None, limit: int) -> Sequence[Person]:
        who = users.c.company_id == company_id
        if after is not None:
            who &= users.c.username > after
        rows = await self._session.rows(select(users).where(who).order_by(users.c.username).limit(limit))
        page = [value_of(User, row) for row in rows]
        if page:
            who &= users.c.username <= page[-1].username
        return await self._with_circles(company_id, page, who)

    async def group_circle(self, company_id: str, group_id: str) -> GroupCircle | None:
        company = await self._session.row(select(companies).where(companies.c.id == company_id))
        group = await self._session.row(
            select(groups).where(groups.c.company_id == company_id, groups.c.id == group_id)
        )
        if company is None or group is None:
            return None
        effective = (
            select(users.c.username, users.c.absence, memberships.c.role)
            .join_from(memberships, users, users.c.id == memberships.c.user_id)
            .join(companies, companies.c.id == users.c.company_id)
            .where(memberships.c.group_id == group_id, ENTITLED)
        )
        size = select(func.count()).select_from(memberships).where(memberships.c.group_id == group_id)
        entitled = await self._session.rows(effective)
        return GroupCircle(
            company=value_of(Company, company),
            group=value_of(Group, group),
            members={row.username: row.role for row in entitled if row.absence is None},
            readers=frozenset(row.username for row in entitled if row.absence is Absence.GARDEN_LEAVE),
            paused=frozenset(row.username for row in entitled if row.absence is Absence.PAUSED),
            size=int(await self._session.scalar(size)),
        )

    async def _with_circles(self, company_id: str, page: Sequence[User], who: ColumnElement[bool]) -> list[Person]:
        """Complete the users of `page`, which are exactly those that `who` selects."""
        if not page:
            return []
        company = await self._session.row(select(companies).where(companies.c.id == company_id))
        assert company is not None  # the users' foreign keys lead to it
        circles, left = await self._circles(who), await self._left(who)
        return [
            Person(
                company=value_of(Company, company),
                user=user,
                circles=tuple(circles.get(user.id, ())),
                left=tuple(left.get(user.id, ())),
            )
            for user in page
        ]

    async def _circles(self, who: ColumnElement[bool]) -> dict[str, list[Circle]]:
        theirs = select(memberships.c.group_id).join_from(memberships, users, _MEMBER).where(who)
        counted = select(memberships.c.group_id, func.count().label("size")).where(memberships.c.group_id.in_(theirs))
        sizes = {row.group_id: row.size for row in await self._session.rows(counted.group_by(memberships.c.group_id))}
        query = (
            select(groups, memberships.c.user_id, memberships.c.role)
            .join_from(memberships, users, _MEMBER)
            .join(groups, groups.c.id == memberships.c.group_id)
            .where(who, groups.c.deleted == false())
            .order_by(groups.c.slug)
        )
        known: dict[str, Group] = {}
        found: dict[str, list[Circle]] = defaultdict(list)
        for row in await self._session.rows(query):
            group = known.get(row.id) or known.setdefault(row.id, value_of(Group, row))
            found[row.user_id].append(Circle(group=group, role=row.role, size=sizes[group.id]))
        return found

    async def _left(self, who: ColumnElement[bool]) -> dict[str, list[Group]]:
        query = (
            select(groups, departures.c.user_id)
            .join_from(departures, users, users.c.id == departures.c.user_id)
            .join(groups, groups.c.id == departures.c.group_id)
            .where(who)
            .order_by(groups.c.slug)
        )
        found: dict[str, list[Group]] = defaultdict(list)
        for row in await self._session.rows(query):
            found[row.user_id].append(value_of(Group, row))
        return found


_MEMBER = users.c.id == memberships.c.user_id
