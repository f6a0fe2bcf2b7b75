"""The part of `MemoryDirectory`'s transaction about webhooks, events, deliveries and alarms."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from kleanxmpp import errors
from kleanxmpp.event_ports import Delivery, DeliveryState, Event, EventType, Outgoing, Webhook
from kleanxmpp.model import Offboarding
from kleanxmpp.testing_tables import MemoryPart


class MemoryEvents(MemoryPart):
    """Whom to tell, what happened, and how telling of it went."""

    async def webhooks(self, company_id: str) -> Sequence[Webhook]:
        return sorted((w for w in self._tables.webhooks.values() if w.company_id == company_id), key=lambda w: w.id)

    async def webhook(self, company_id: str, webhook_id: str) -> Webhook | None:
        found = self._tables.webhooks.get(webhook_id)
        return found if found and found.company_id == company_id else None

    async def save_webhook(self, webhook: Webhook) -> None:
        with self._changing() as tables:
            tables.needs_company(webhook.company_id)
            tables.webhooks[webhook.id] = webhook

    async def delete_webhook(self, company_id: str, webhook_id: str) -> bool:
        known = await self.webhook(company_id, webhook_id) is not None
        with self._changing() as tables:
            if known:
                del tables.webhooks[webhook_id]
                tables.deliveries = {key: one for key, one in tables.deliveries.items() if key[0] != webhook_id}
        return known

    async def disabled_webhooks(self) -> int:
        return sum(webhook.disabled_at is not None for webhook in self._tables.webhooks.values())

    async def subscribers(self, company_id: str, kind: EventType) -> Sequence[str]:
        return [webhook.id for webhook in await self.webhooks(company_id) if kind in webhook.types]

    async def add_events(self, events: Sequence[Event], *, webhook_ids: Collection[str]) -> None:
        with self._changing() as tables:
            if not set(webhook_ids) <= tables.webhooks.keys():
                raise errors.NotFound
            for event in events:
                tables.events[event.id] = event
                for webhook_id in webhook_ids:
                    due = Delivery(webhook_id=webhook_id, event_id=event.id, next_attempt_at=event.at)
                    tables.deliveries[webhook_id, event.id] = due

    async def forget_events(self, *, before: datetime) -> int:
        old = {event.id for event in self._tables.events.values() if event.at < before}
        with self._changing() as tables:
            tables.forget_events(old)
        return len(old)

    async def due_webhooks(self, *, now: datetime) -> Sequence[Webhook]:
        due = {one.webhook_id for one in self._tables.deliveries.values() if _is_due(one, now=now)}
        return sorted((w for w in self._tables.webhooks.values() if w.enabled and w.id in due), key=lambda w: w.id)

    async def claim_deliveries(
        self, webhook_id: str, *, now: datetime, until: datetime, limit: int
    ) -> Sequence[Outgoing]:
        due = [one for one in self._outgoing(webhook_id) if _is_due(one.delivery, now=now)]
        claimed = sorted(due, key=lambda one: (one.delivery.next_attempt_at or now, one.event.id))[:limit]
        with self._changing() as tables:
            for one in claimed:
                tables.deliveries[webhook_id, one.event.id] = replace(one.delivery, next_attempt_at=until)
        return claimed

    async def save_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        with self._changing() as tables:
            for one in deliveries:
                if (one.webhook_id, one.event_id) in tables.deliveries:
                    tables.deliveries[one.webhook_id, one.event_id] = one

    async def page_deliveries(self, webhook_id: str, *, before: str | None, limit: int) -> Sequence[Outgoing]:
        mine = (one for one in self._outgoing(webhook_id) if before is None or one.event.id < before)
        return sorted(mine, key=lambda one: one.event.id, reverse=True)[:limit]

    async def redeliver(
        self, webhook_id: str, *, at: datetime, event_id: str | None = None, state: DeliveryState | None = None
    ) -> int:
        again = [
            one.event
            for one in self._outgoing(webhook_id)
            if event_id in {None, one.event.id} and state in {None, one.delivery.state}
        ]
        return self._make_due(webhook_id, again, at=at)

    async def redeliver_since(self, webhook: Webhook, *, since: datetime, at: datetime) -> int:
        mine = (event for event in self._tables.events.values() if event.company_id == webhook.company_id)
        return self._make_due(webhook.id, [e for e in mine if e.at >= since and e.type in webhook.types], at=at)

    async def overdue_offboardings(self, *, before: datetime) -> Sequence[Offboarding]:
        still_open = (o for o in self._tables.offboardings.values() if not (o.completed_at or o.cancelled_at))
        return sorted((o for o in still_open if o.requested_at < before), key=lambda o: (o.requested_at, o.id))

    async def raised_alarms(self, kind: EventType, *, company_id: str | None = None) -> frozenset[tuple[str, str]]:
        known = (key for key in self._tables.alarms if key[0] is kind)
        return frozenset((owner, subject) for _, owner, subject in known if company_id in {None, owner})

    async def raise_alarms(self, kind: EventType, company_id: str, subjects: Collection[str], *, at: datetime) -> None:
        with self._changing() as tables:
            tables.needs_company(company_id)
            tables.alarms |= {(kind, company_id, subject) for subject in subjects}

    async def clear_alarms(self, kind: EventType, company_id: str, subjects: Collection[str]) -> None:
        with self._changing() as tables:
            tables.alarms -= {(kind, company_id, subject) for subject in subjects}

    def _outgoing(self, webhook_id: str) -> list[Outgoing]:
        mine = (one for key, one in self._tables.deliveries.items() if key[0] == webhook_id)
        return [Outgoing(delivery=one, event=self._tables.events[one.event_id]) for one in mine]

    def _make_due(self, webhook_id: str, events: Sequence[Event], *, at: datetime) -> int:
        with self._changing() as tables:
            for event in events:
                known = tables.deliveries.get((webhook_id, event.id))
                tried = None if known is None else known.attempted_at
                anew = Delivery(webhook_id=webhook_id, event_id=event.id, next_attempt_at=at, attempted_at=tried)
                tables.deliveries[webhook_id, event.id] = anew
        return len(events)


def _is_due(delivery: Delivery, *, now: datetime) -> bool:
    at = delivery.next_attempt_at
    return delivery.state is DeliveryState.PENDING and at is not None and at <= now
