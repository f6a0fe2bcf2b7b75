"""Groups. A deleted group's row stays: its slug, and so its room's address, is never given again."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ColumnElement, false, insert, select, update

from kleanxmpp.db.rows import row_of, value_of
from kleanxmpp.db.session import Part, chunks
from kleanxmpp.db.tables import groups
from kleanxmpp.model import Group

_FIXED = {"id", "company_id", "slug"}


class Groups(Part):
    """The transaction's part about groups."""

    __slots__ = ()

    async def group(self, company_id: str, group_id: str) -> Group | None:
        return await self._group(company_id, groups.c.id == group_id)

    async def groups_by_id(self, company_id: str, group_ids: Collection[str]) -> Mapping[str, Group]:
        found: dict[str, Group] = {}
        for some in chunks(group_ids):
            query = select(groups).where(groups.c.company_id == company_id, groups.c.id.in_(some))
            found.update((row.id, value_of(Group, row)) for row in await self._session.rows(query))
        return found

    async def group_by_slug(self, company_id: str, slug: str) -> Group | None:
        return await self._group(company_id, groups.c.slug == slug)

    async def page_groups(
        self, company_id: str, *, after: str | None, limit: int, archived: bool | None = None
    ) -> Sequence[Group]:
        query = select(groups).where(groups.c.company_id == company_id, groups.c.deleted == false())
        if archived is not None:
            query = query.where(groups.c.archived_at.is_not(None) if archived else groups.c.archived_at.is_(None))
        if after is not None:
            query = query.where(groups.c.slug > after)
        found = await self._session.rows(query.order_by(groups.c.slug).limit(limit))
        return [value_of(Group, row) for row in found]

    async def groups_by_name(self, company_id: str, names: Collection[str]) -> Mapping[str, Group]:
        found: dict[str, Group] = {}
        for some in chunks(names):
            query = select(groups).where(groups.c.company_id == company_id, groups.c.name.in_(some))
            rows = await self._session.rows(query.where(groups.c.deleted == false()))
            found.update((row.name, value_of(Group, row)) for row in rows)
        return found

    async def add_groups(self, groups: Sequence[Group]) -> None:
        async with self._session.whole():
            await self._session.run_many(insert(_groups), [row_of(group) for group in groups])
        for group in groups:
            self._keep_rule(group)

    async def save_group(self, group: Group) -> None:
        values = {name: value for name, value in row_of(group).items() if name not in _FIXED}
        mine = (groups.c.company_id == group.company_id, groups.c.id == group.id)
        async with self._session.whole():
            await self._session.run(update(groups).where(*mine).values(values))
        self._keep_rule(group)

    async def taken_slugs(self, company_id: str, slugs: Collection[str]) -> frozenset[str]:
        taken: set[str] = set()
        for some in chunks(slugs):
            query = select(groups.c.slug).where(groups.c.company_id == company_id, groups.c.slug.in_(some))
            taken.update(row.slug for row in await self._session.rows(query))
        return frozenset(taken)

    def _keep_rule(self, group: Group) -> None:
        """Let the rules that were read in this transaction stay true."""
        read = self._session.rules.get(group.company_id, {})
        read.pop(group.id, None)
        if group.rule is not None and not group.deleted:
            read[group.id] = group.rule

    async def _group(self, company_id: str, which: ColumnElement[bool]) -> Group | None:
        row = await self._session.row(select(groups).where(groups.c.company_id == company_id, which))
        return row and value_of(Group, row)


_groups = groups
