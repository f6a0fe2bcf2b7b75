"""Audit log and off-boardings: what stays when a person's data is erased."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import insert, select, update

from kleanxmpp.db.rows import audit_row, offboarding_of, offboarding_row, value_of
from kleanxmpp.db.session import Part, chunks
from kleanxmpp.db.tables import audit_log, offboardings
from kleanxmpp.model import AuditEntry, Offboarding

_NEWEST = (offboardings.c.requested_at.desc(), offboardings.c.id.desc())


class Records(Part):
    """The transaction's part about what happened."""

    __slots__ = ()

    async def add_audit(self, entries: Sequence[AuditEntry]) -> None:
        await self._session.run_many(insert(audit_log), [audit_row(entry) for entry in entries])

    async def page_audit(self, company_id: str, *, before: int | None, limit: int) -> Sequence[AuditEntry]:
        query = select(audit_log).where(audit_log.c.company_id == company_id)
        if before is not None:
            query = query.where(audit_log.c.id < before)
        found = await self._session.rows(query.order_by(audit_log.c.id.desc()).limit(limit))
        return [value_of(AuditEntry, row) for row in found]

    async def add_offboardings(self, begun: Sequence[Offboarding]) -> None:
        await self._session.run_many(insert(offboardings), [offboarding_row(one) for one in begun])

    async def save_offboarding(self, offboarding: Offboarding) -> None:
        mine = (offboardings.c.company_id == offboarding.company_id, offboardings.c.id == offboarding.id)
        await self._session.run(update(offboardings).where(*mine).values(offboarding_row(offboarding)))

    async def offboarding(self, company_id: str, offboarding_id: str) -> Offboarding | None:
        mine = (offboardings.c.company_id == company_id, offboardings.c.id == offboarding_id)
        row = await self._session.row(select(offboardings).where(*mine))
        return row and offboarding_of(row)

    async def open_offboarding(self, user_id: str) -> Offboarding | None:
        neither = (offboardings.c.completed_at.is_(None), offboardings.c.cancelled_at.is_(None))
        query = select(offboardings).where(offboardings.c.user_id == user_id, *neither).order_by(*_NEWEST).limit(1)
        row = await self._session.row(query)
        return row and offboarding_of(row)

    async def open_offboardings(
        self, company_id: str, user_ids: Collection[str] | None = None
    ) -> Sequence[Offboarding]:
        neither = (offboardings.c.completed_at.is_(None), offboardings.c.cancelled_at.is_(None))
        query = select(offboardings).where(offboardings.c.company_id == company_id, *neither)
        rows: list[Any] = []
        if user_ids is None:
            rows += await self._session.rows(query)
        else:
            for some in chunks(user_ids):
                rows += await self._session.rows(query.where(offboardings.c.user_id.in_(some)))
        return sorted((offboarding_of(row) for row in rows), key=lambda one: (one.requested_at, one.id))

    async def page_offboardings(self, company_id: str, user_id: str, *, limit: int) -> Sequence[Offboarding]:
        mine = (offboardings.c.company_id == company_id, offboardings.c.user_id == user_id)
        found = await self._session.rows(select(offboardings).where(*mine).order_by(*_NEWEST).limit(limit))
        return [offboarding_of(row) for row in found]
