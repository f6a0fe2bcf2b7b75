"""The directory's part about what is out of step: one row per scope, so bursts coalesce."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from kleanxmpp.due import Aspect, Due, Priority, Scope

LONGEST_PAUSE = timedelta(hours=1)
"""Between two attempts at a scope."""


class DueRecords(Protocol):
    """Due scopes; a part of `kleanxmpp.ports.Transaction`."""

    async def mark_due(self, marks: Sequence[Due]) -> None:
        """Insert, or merge into the existing row: aspects united, highest priority, revision + 1, attempts reset."""

    async def mark_users_due(
        self,
        company_id: str,
        *,
        aspects: Aspect,
        priority: Priority,
        at: datetime,
        group_id: str | None = None,
    ) -> None:
        """Mark everybody of the company, or of one group's circle, in one statement."""

    async def take_due(self, *, now: datetime, limit: int, besides: Collection[Scope] = ()) -> Sequence[Due]:
        """Return scopes that are due: never tried since they were marked, or their next attempt is now or past.

        What was marked or planned by a clock that is ahead is due, too: more than `LONGEST_PAUSE` ahead nothing is
        planned. Claims nothing; `besides` are those that are worked on already.

        By priority, then kind (company, group, user: people stand on their groups' rooms), then oldest first.
        """

    async def due(self, scope: Scope) -> Due | None: ...
    async def finish_due(self, finished: Sequence[Due]) -> None:
        """Delete the rows of these, unless somebody marked them since (another revision). Few statements."""

    async def fail_due(self, due: Due, *, error: str, next_attempt_at: datetime) -> None:
        """Record the failed attempt; attempts + 1. A newer mark (other revision) keeps its own schedule."""

    async def page_due(self, company_id: str, *, limit: int) -> Sequence[Due]: ...
    async def count_due(self, company_id: str) -> int: ...
    async def next_attempt_at(self, *, besides: Collection[Scope] = ()) -> datetime | None:
        """Return when the earliest due scope besides these may be tried; None if there is none."""
