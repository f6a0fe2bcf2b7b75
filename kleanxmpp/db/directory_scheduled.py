"""What is to happen later."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, insert, or_, select, tuple_, update

from kleanxmpp.db.rows import row_of, value_of
from kleanxmpp.db.session import Part
from kleanxmpp.db.tables_hr import scheduled_changes
from kleanxmpp.scheduled_ports import ScheduledChange, ScheduleState

_PENDING = scheduled_changes.c.state == ScheduleState.PENDING
_ORDER = (scheduled_changes.c.effective_at, scheduled_changes.c.created_at, scheduled_changes.c.id)


class Scheduled(Part):
    """The transaction's part about what is planned."""

    __slots__ = ()

    async def add_scheduled(self, change: ScheduledChange) -> None:
        await self._session.run(insert(scheduled_changes).values(row_of(change)))
        self._session.marked = True

    async def save_scheduled(self, change: ScheduledChange) -> None:
        mine = (scheduled_changes.c.company_id == change.company_id, scheduled_changes.c.id == change.id)
        await self._session.run(update(scheduled_changes).where(*mine).values(row_of(change)))
        self._session.marked = True

    async def scheduled(self, company_id: str, change_id: str) -> ScheduledChange | None:
        mine = (scheduled_changes.c.company_id == company_id, scheduled_changes.c.id == change_id)
        row = await self._session.row(select(scheduled_changes).where(*mine))
        return row and value_of(ScheduledChange, row)

    async def pending_of(
        self, company_id: str, *, user_id: str | None, external_id: str | None
    ) -> Sequence[ScheduledChange]:
        known = (
            (scheduled_changes.c.user_id, user_id),
            (scheduled_changes.c.external_id, external_id),
        )
        theirs = [column == value for column, value in known if value is not None]
        if not theirs:
            return []
        query = select(scheduled_changes).where(scheduled_changes.c.company_id == company_id, _PENDING, or_(*theirs))
        return [value_of(ScheduledChange, row) for row in await self._session.rows(query.order_by(*_ORDER))]

    async def page_scheduled(
        self,
        company_id: str,
        *,
        user_id: str | None,
        states: Collection[ScheduleState],
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> Sequence[ScheduledChange]:
        order = (scheduled_changes.c.effective_at, scheduled_changes.c.id)
        query = select(scheduled_changes).where(
            scheduled_changes.c.company_id == company_id, scheduled_changes.c.state.in_(list(states))
        )
        if user_id is not None:
            query = query.where(scheduled_changes.c.user_id == user_id)
        if after is not None:
            query = query.where(tuple_(*order) > after)
        rows = await self._session.rows(query.order_by(*order).limit(limit))
        return [value_of(ScheduledChange, row) for row in rows]

    async def due_changes(self, *, now: datetime, limit: int) -> Sequence[ScheduledChange]:
        query = select(scheduled_changes).where(_PENDING, scheduled_changes.c.effective_at <= now)
        rows = await self._session.rows(query.order_by(*_ORDER).limit(limit))
        return [value_of(ScheduledChange, row) for row in rows]

    async def next_change_at(self, company_id: str | None = None) -> datetime | None:
        query = select(scheduled_changes.c.effective_at).where(_PENDING)
        if company_id is not None:
            query = query.where(scheduled_changes.c.company_id == company_id)
        found: datetime | None = await self._session.scalar(query.order_by(scheduled_changes.c.effective_at).limit(1))
        return found

    async def count_scheduled(self, company_id: str) -> Mapping[ScheduleState, int]:
        query = select(scheduled_changes.c.state, func.count().label("number"))
        mine = query.where(scheduled_changes.c.company_id == company_id).group_by(scheduled_changes.c.state)
        return {row.state: int(row.number) for row in await self._session.rows(mine)}
