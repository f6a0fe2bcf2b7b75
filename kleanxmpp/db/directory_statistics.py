"""Numbers over time."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select

from kleanxmpp.db.rows import row_of, value_of
from kleanxmpp.db.session import Part
from kleanxmpp.db.tables_records import offboardings
from kleanxmpp.db.tables_statistics import daily_counts
from kleanxmpp.statistics_ports import DailyCount


class Statistics(Part):
    """The transaction's part about numbers over time."""

    __slots__ = ()

    async def daily_counts(
        self, company_id: str, *, since: date | None = None, newest: bool = False
    ) -> Sequence[DailyCount]:
        query = select(daily_counts).where(daily_counts.c.company_id == company_id)
        if since is not None:
            query = query.where(daily_counts.c.day >= since)
        in_order = query.order_by(daily_counts.c.day.desc()).limit(1) if newest else query.order_by(daily_counts.c.day)
        return [value_of(DailyCount, row) for row in await self._session.rows(in_order)]

    async def save_daily_count(self, count: DailyCount) -> None:
        row = row_of(count)
        kept = {name: row[name] for name in ("messages", "active_people", "reading")}
        statement = self._session.insert(daily_counts).values(row)
        await self._session.run(statement.on_conflict_do_update(index_elements=["company_id", "day"], set_=kept))

    async def proven_offboardings(
        self, company_id: str, *, since: datetime, limit: int
    ) -> Sequence[tuple[datetime, datetime]]:
        its = offboardings.c
        query = select(its.requested_at, its.completed_at).where(
            its.company_id == company_id, its.requested_at >= since, its.completed_at.is_not(None)
        )
        rows = await self._session.rows(query.order_by(its.requested_at.desc()).limit(limit))
        return [(row.requested_at, row.completed_at) for row in rows]
