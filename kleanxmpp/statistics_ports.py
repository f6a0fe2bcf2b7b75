"""The directory's part about numbers over time. Numbers only: nothing in it is about one person.

A row is a day of a company. Who was active is in nobody's row, and how much somebody wrote is not known anywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyCount:
    """A day of a company. `reading`: what the server's own counter of messages said when it was read last."""

    company_id: str
    day: date
    messages: int = 0
    active_people: int = 0
    reading: int = 0


class StatisticsRecords(Protocol):
    """Numbers over time; a part of `kleanxmpp.ports.Transaction`."""

    async def daily_counts(
        self, company_id: str, *, since: date | None = None, newest: bool = False
    ) -> Sequence[DailyCount]:
        """Return the days from `since` on in their order; `newest`: the last one of them alone."""

    async def save_daily_count(self, count: DailyCount) -> None:
        """Insert or replace the day."""

    async def proven_offboardings(
        self, company_id: str, *, since: datetime, limit: int
    ) -> Sequence[tuple[datetime, datetime]]:
        """Return of off-boardings asked for since then and proven: asked for, proven. The newest first."""
