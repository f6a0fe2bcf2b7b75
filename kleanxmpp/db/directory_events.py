"""Webhooks, events, their deliveries, and alarms.

A delivery is claimed by moving its next attempt into the future: a sender that dies needs nobody to give it back. Rows
that another process claims right now are skipped (PostgreSQL); on SQLite writers queue anyhow.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, delete, exists, func, insert, literal, select, update

from kleanxmpp.db.rows import offboarding_of
from kleanxmpp.db.session import Part, chunks
from kleanxmpp.db.tables_events import OPEN, alarms, deliveries, events, webhooks
from kleanxmpp.db.tables_records import offboardings
from kleanxmpp.event_ports import Delivery, DeliveryState, Event, EventType, Outgoing, Webhook
from kleanxmpp.model import Offboarding

_PENDING = deliveries.c.state == DeliveryState.PENDING
_MESSAGE = select(deliveries, events).join_from(deliveries, events, events.c.id == deliveries.c.event_id)
_ANEW = {"state": DeliveryState.PENDING, "attempts": 0, "status": None, "milliseconds": None, "error": None}


class Events(Part):
    """The transaction's part about webhooks and what they are told."""

    __slots__ = ()

    async def webhooks(self, company_id: str) -> Sequence[Webhook]:
        query = select(webhooks).where(webhooks.c.company_id == company_id)
        return [_webhook_of(row) for row in await self._session.rows(query.order_by(webhooks.c.id))]

    async def webhook(self, company_id: str, webhook_id: str) -> Webhook | None:
        query = select(webhooks).where(webhooks.c.company_id == company_id, webhooks.c.id == webhook_id)
        row = await self._session.row(query)
        return row and _webhook_of(row)

    async def save_webhook(self, webhook: Webhook) -> None:
        row = asdict(webhook) | {"types": sorted(webhook.types)}
        statement = self._session.insert(webhooks).values(row)
        await self._session.run(statement.on_conflict_do_update(index_elements=["id"], set_=row))

    async def delete_webhook(self, company_id: str, webhook_id: str) -> bool:
        mine = (webhooks.c.company_id == company_id, webhooks.c.id == webhook_id)
        return (await self._session.run(delete(webhooks).where(*mine))).rowcount > 0

    async def disabled_webhooks(self) -> int:
        query = select(func.count()).select_from(webhooks).where(webhooks.c.disabled_at.is_not(None))
        return int(await self._session.scalar(query))

    async def subscribers(self, company_id: str, kind: EventType) -> Sequence[str]:
        query = select(webhooks.c.id, webhooks.c.types).where(webhooks.c.company_id == company_id)
        return [row.id for row in await self._session.rows(query.order_by(webhooks.c.id)) if kind in row.types]

    async def add_events(self, events: Sequence[Event], *, webhook_ids: Collection[str]) -> None:
        rows = [asdict(event) for event in events]
        await self._session.run_many(insert(_events), rows)
        due = [
            asdict(Delivery(webhook_id=webhook_id, event_id=event.id, next_attempt_at=event.at))
            for event in events
            for webhook_id in webhook_ids
        ]
        await self._session.run_many(insert(deliveries), due)

    async def forget_events(self, *, before: datetime) -> int:
        return (await self._session.run(delete(events).where(events.c.at < before))).rowcount

    async def due_webhooks(self, *, now: datetime) -> Sequence[Webhook]:
        due = exists().where(deliveries.c.webhook_id == webhooks.c.id, _PENDING, deliveries.c.next_attempt_at <= now)
        found = await self._session.rows(select(webhooks).where(webhooks.c.enabled, due).order_by(webhooks.c.id))
        return [_webhook_of(row) for row in found]

    async def claim_deliveries(
        self, webhook_id: str, *, now: datetime, until: datetime, limit: int
    ) -> Sequence[Outgoing]:
        due = (deliveries.c.webhook_id == webhook_id, _PENDING, deliveries.c.next_attempt_at <= now)
        query = _MESSAGE.where(*due).order_by(deliveries.c.next_attempt_at, deliveries.c.event_id).limit(limit)
        claimed = await self._messages(query.with_for_update(of=deliveries, skip_locked=True))
        ids = [one.event.id for one in claimed]
        mine = (deliveries.c.webhook_id == webhook_id, deliveries.c.event_id.in_(ids))
        if ids:
            await self._session.run(update(deliveries).where(*mine).values(next_attempt_at=until))
        return claimed

    async def save_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        changed = [column for column in _deliveries.c if not column.primary_key]
        statement = (
            update(_deliveries)
            .where(_deliveries.c.webhook_id == bindparam("b_webhook_id"))
            .where(_deliveries.c.event_id == bindparam("b_event_id"))
            .values({column: bindparam(f"b_{column.name}") for column in changed})
        )
        rows = [{f"b_{name}": value for name, value in asdict(one).items()} for one in deliveries]
        await self._session.run_many(statement, rows)

    async def page_deliveries(self, webhook_id: str, *, before: str | None, limit: int) -> Sequence[Outgoing]:
        query = _MESSAGE.where(deliveries.c.webhook_id == webhook_id)
        if before is not None:
            query = query.where(deliveries.c.event_id < before)
        return await self._messages(query.order_by(deliveries.c.event_id.desc()).limit(limit))

    async def redeliver(
        self, webhook_id: str, *, at: datetime, event_id: str | None = None, state: DeliveryState | None = None
    ) -> int:
        which = [deliveries.c.webhook_id == webhook_id]
        which += [] if event_id is None else [deliveries.c.event_id == event_id]
        which += [] if state is None else [deliveries.c.state == state]
        result = await self._session.run(update(deliveries).where(*which).values(_ANEW | {"next_attempt_at": at}))
        return result.rowcount

    async def redeliver_since(self, webhook: Webhook, *, since: datetime, at: datetime) -> int:
        row: dict[str, object] = {"webhook_id": webhook.id, "event_id": events.c.id} | _ANEW | {"next_attempt_at": at}
        wanted = _constants(row).where(events.c.company_id == webhook.company_id, events.c.at >= since)
        wanted = wanted.where(events.c.type.in_(webhook.types))
        statement = self._session.insert(deliveries).from_select(list(row), wanted)
        again = statement.on_conflict_do_update(
            index_elements=["webhook_id", "event_id"], set_=_ANEW | {"next_attempt_at": at}
        )
        return (await self._session.run(again)).rowcount

    async def overdue_offboardings(self, *, before: datetime) -> Sequence[Offboarding]:
        query = select(offboardings).where(OPEN, offboardings.c.requested_at < before)
        found = await self._session.rows(query.order_by(offboardings.c.requested_at, offboardings.c.id))
        return [offboarding_of(row) for row in found]

    async def raised_alarms(self, kind: EventType, *, company_id: str | None = None) -> frozenset[tuple[str, str]]:
        query = select(alarms.c.company_id, alarms.c.subject).where(alarms.c.type == kind)
        if company_id is not None:
            query = query.where(alarms.c.company_id == company_id)
        return frozenset((row.company_id, row.subject) for row in await self._session.rows(query))

    async def raise_alarms(self, kind: EventType, company_id: str, subjects: Collection[str], *, at: datetime) -> None:
        rows = [{"type": kind, "company_id": company_id, "subject": subject, "at": at} for subject in subjects]
        await self._session.run_many(self._session.insert(alarms).on_conflict_do_nothing(), rows)

    async def clear_alarms(self, kind: EventType, company_id: str, subjects: Collection[str]) -> None:
        for some in chunks(subjects):
            mine = (alarms.c.type == kind, alarms.c.company_id == company_id, alarms.c.subject.in_(some))
            await self._session.run(delete(alarms).where(*mine))

    async def _messages(self, query: Select[Any]) -> Sequence[Outgoing]:
        return [_outgoing_of(row) for row in await self._session.rows(query)]


_events, _deliveries = events, deliveries


def _constants(row: dict[str, object]) -> Select[tuple[object, ...]]:
    """Select a delivery's values; columns among them stay columns."""
    kinds = deliveries.c
    return select(*(v if isinstance(v, ColumnElement) else literal(v, kinds[n].type).label(n) for n, v in row.items()))


def _webhook_of(row: Row[Any]) -> Webhook:
    return Webhook(**row._asdict() | {"types": frozenset(map(EventType, row.types))})


def _outgoing_of(row: Row[Any]) -> Outgoing:
    found = row._mapping
    return Outgoing(
        delivery=Delivery(**{f.name: found[deliveries.c[f.name]] for f in fields(Delivery)}),
        event=Event(**{f.name: found[events.c[f.name]] for f in fields(Event)}),
    )
