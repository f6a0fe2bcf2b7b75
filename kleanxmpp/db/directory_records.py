"""Audit log and off-boardings: what stays when a person's data is erased.

Whoever appends to a chain of the audit log holds the row of its head until the commit, so that no two continue the
same entry. Chains are locked in the order of their names, so that nobody waits in a circle.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, bindparam, cast, insert, or_, select, tuple_, update

from kleanxmpp import audit, errors
from kleanxmpp.db.rows import audit_of, audit_row, offboarding_of, offboarding_row
from kleanxmpp.db.session import Part, chunks
from kleanxmpp.db.tables_records import audit_heads, audit_log, offboardings
from kleanxmpp.model import AuditEntry, ChainHead, Offboarding
from kleanxmpp.record_ports import EVERY_ENTRY, AuditFilter, WrittenEntry

_NEWEST = (offboardings.c.requested_at.desc(), offboardings.c.id.desc())


class Records(Part):
    """The transaction's part about what happened."""

    __slots__ = ()

    async def add_audit(self, entries: Sequence[AuditEntry]) -> None:
        linked: list[AuditEntry] = []
        for chain in sorted({audit.chain_of(entry.company_id) for entry in entries}):
            mine = [entry for entry in entries if audit.chain_of(entry.company_id) == chain]
            placed, head = audit.link(mine, head=await self._locked_head(chain))
            changed = update(audit_heads).where(audit_heads.c.chain == chain)
            await self._session.run(changed.values(number=head.number, hash=head.hash))
            linked += placed
        await self._session.run_many(insert(audit_log), [audit_row(entry) for entry in linked])

    async def _locked_head(self, chain: str) -> ChainHead:
        query = select(audit_heads).where(audit_heads.c.chain == chain).with_for_update()
        row = await self._session.row(query)
        if row is None:  # the chain begins; if another transaction begins it too, one of them waits here
            begun = {"chain": chain, "number": audit.EMPTY.number, "hash": audit.EMPTY.hash}
            await self._session.run(self._session.insert(audit_heads).values(begun).on_conflict_do_nothing())
            row = await self._session.row(query)
        return audit.EMPTY if row is None else ChainHead(number=row.number, hash=row.hash)

    async def page_chain(self, company_id: str | None, *, after: tuple[int, int], limit: int) -> Sequence[AuditEntry]:
        place = tuple_(audit_log.c.number, audit_log.c.id)
        query = select(audit_log).where(audit_log.c.company_id == company_id, place > tuple_(*after))
        return await self._entries(query.order_by(audit_log.c.number, audit_log.c.id).limit(limit))

    async def page_written(
        self, company_id: str | None, *, after: tuple[int, int], limit: int
    ) -> Sequence[WrittenEntry]:
        its = audit_log.c
        at, details = self._session.moment_text(its.at), cast(its.details, Text)
        columns = (its.id, its.number, its.previous, its.hash, at, its.actor, its.action, its.subject, its.reason)
        place = tuple_(its.number, its.id)
        query = select(*columns, details).where(its.company_id == company_id, place > tuple_(*after))
        rows = await self._session.rows(query.order_by(its.number, its.id).limit(limit))
        return [WrittenEntry._make(row) for row in rows]

    async def chain_head(self, company_id: str | None) -> ChainHead | None:
        chain = audit.chain_of(company_id)
        row = await self._session.row(select(audit_heads).where(audit_heads.c.chain == chain))
        return row and ChainHead(number=row.number, hash=row.hash)

    async def chains(self) -> frozenset[str | None]:
        having_entries = await self._session.rows(select(audit_log.c.company_id).distinct())
        having_head = await self._session.rows(select(audit_heads.c.chain))
        named = {None if row.chain == audit.OPERATOR else row.chain for row in having_head}
        return frozenset({*(row.company_id for row in having_entries), *named})

    async def _entries(self, query: Select[Any]) -> Sequence[AuditEntry]:
        try:
            return [audit_of(row) for row in await self._session.rows(query)]
        except ValueError:  # details that are not JSON, a moment that is none
            raise errors.Damaged from None

    async def page_audit(
        self, company_id: str | None, *, before: int | None, limit: int, matching: AuditFilter = EVERY_ENTRY
    ) -> Sequence[AuditEntry]:
        query = select(audit_log).where(audit_log.c.company_id == company_id, *_matching(matching))
        if before is not None:
            query = query.where(audit_log.c.id < before)
        return await self._entries(query.order_by(audit_log.c.id.desc()).limit(limit))

    async def add_offboardings(self, begun: Sequence[Offboarding]) -> None:
        await self._session.run_many(insert(offboardings), [offboarding_row(one) for one in begun])

    async def save_offboardings(self, changed: Sequence[Offboarding]) -> None:
        its = (offboardings.c.company_id == bindparam("its_company"), offboardings.c.id == bindparam("its_id"))
        rows = [offboarding_row(one) | {"its_company": one.company_id, "its_id": one.id} for one in changed]
        await self._session.run_many(update(offboardings).where(*its), rows)

    async def offboarding(self, company_id: str, offboarding_id: str) -> Offboarding | None:
        mine = (offboardings.c.company_id == company_id, offboardings.c.id == offboarding_id)
        row = await self._session.row(select(offboardings).where(*mine))
        return row and offboarding_of(row)

    async def offboardings_by_id(self, company_id: str, offboarding_ids: Collection[str]) -> Mapping[str, Offboarding]:
        query = select(offboardings).where(offboardings.c.company_id == company_id)
        rows: list[Any] = []
        for some in chunks(offboarding_ids):
            rows += await self._session.rows(query.where(offboardings.c.id.in_(some)))
        return {row.id: offboarding_of(row) for row in rows}

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

    async def newest_offboardings(self, company_id: str, user_ids: Collection[str]) -> Mapping[str, Offboarding]:
        query = select(offboardings).where(offboardings.c.company_id == company_id).order_by(*_NEWEST)
        found: dict[str, Offboarding] = {}
        for some in chunks(user_ids):
            for row in await self._session.rows(query.where(offboardings.c.user_id.in_(some))):
                found.setdefault(row.user_id, offboarding_of(row))
        return found

    async def page_offboardings(self, company_id: str, user_id: str, *, limit: int) -> Sequence[Offboarding]:
        mine = (offboardings.c.company_id == company_id, offboardings.c.user_id == user_id)
        found = await self._session.rows(select(offboardings).where(*mine).order_by(*_NEWEST).limit(limit))
        return [offboarding_of(row) for row in found]


def _matching(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    its = audit_log.c
    conditions: list[ColumnElement[bool]] = []
    if wanted.references is not None:
        conditions.append(or_(its.subject.in_(wanted.references), its.actor.in_(wanted.references)))
    if wanted.action is not None:
        conditions.append(its.action == wanted.action)
    if wanted.actors is not None:
        conditions.append(or_(False, *(its.actor.startswith(one, autoescape=True) for one in wanted.actors)))
    if wanted.since is not None:
        conditions.append(its.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(its.at < wanted.until)
    return conditions
