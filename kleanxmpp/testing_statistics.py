"""The part of `MemoryDirectory`'s transaction about numbers over time."""

from collections.abc import Sequence
from datetime import date, datetime

from kleanxmpp.statistics_ports import DailyCount
from kleanxmpp.testing_tables import MemoryPart


class MemoryStatistics(MemoryPart):
    """Numbers over time."""

    async def daily_counts(
        self, company_id: str, *, since: date | None = None, newest: bool = False
    ) -> Sequence[DailyCount]:
        found = [one for _, one in sorted(self._tables.daily_counts.items()) if one.company_id == company_id]
        found = [one for one in found if since is None or one.day >= since]
        return found[-1:] if newest else found

    async def save_daily_count(self, count: DailyCount) -> None:
        with self._changing() as tables:
            tables.needs_company(count.company_id)
            tables.daily_counts[count.company_id, count.day] = count

    async def proven_offboardings(
        self, company_id: str, *, since: datetime, limit: int
    ) -> Sequence[tuple[datetime, datetime]]:
        proven = [
            (one.requested_at, one.completed_at)
            for one in self._tables.offboardings.values()
            if one.company_id == company_id and one.requested_at >= since and one.completed_at is not None
        ]
        return sorted(proven, reverse=True)[:limit]
