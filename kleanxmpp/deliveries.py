"""The loop that delivers events to webhooks: at least once, a lane for each, so that a slow one holds up nobody.

A lane claims a few deliveries, sends them, keeps what came of it, and goes on until nothing is due. While nothing goes
well it tries one at a time and rests in between, however much waits. Other processes may run lanes for the same
webhook: each claims other deliveries. Whoever dies with a claim loses it after a minute.
"""

import asyncio
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from kleanxmpp import alarms, delivery_policy, errors, metrics, offboardings, webhooks
from kleanxmpp.delivery_policy import Verdict
from kleanxmpp.event_ports import Outgoing, Sender, Sent, Webhook
from kleanxmpp.ports import Directory

log = logging.getLogger(__name__)

_AGAIN = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How quickly, how much at a time, and how patiently. Seconds where nothing else is said."""

    poll: float = 0.5
    at_once: int = 8
    claimed: int = 32
    claim: timedelta = timedelta(seconds=60)
    rest_min: float = 1.0
    rest_max: float = 60.0
    give_up_after: timedelta = timedelta(days=3)
    overdue_after: timedelta = timedelta(minutes=5)
    keep: timedelta = timedelta(days=30)
    look_every: float = 10.0
    tidy_every: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliverer:
    """Delivers for all companies. `rooms_prefix`: where rooms are, before a company's domain."""

    directory: Directory
    sender: Sender
    rooms_prefix: str
    pace: Pace = field(default_factory=Pace)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def run(self) -> None:
        """Deliver, tell of what is overdue, and forget what is old, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._again_and_again(self._look_for_overdue, every=self.pace.look_every))
            tasks.create_task(self._again_and_again(self._tidy, every=self.pace.tidy_every))
            lanes: dict[str, asyncio.Task[None]] = {}
            while True:
                for webhook in await self._due():
                    lane = lanes.get(webhook.id)
                    if lane is None or lane.done():
                        lanes[webhook.id] = tasks.create_task(self._lane(webhook))
                lanes = {webhook_id: lane for webhook_id, lane in lanes.items() if not lane.done()}
                await asyncio.sleep(self.pace.poll)

    async def _due(self) -> Sequence[Webhook]:
        try:
            async with self.directory.read() as tx:
                return await tx.due_webhooks(now=self.clock())
        except errors.DirectoryUnavailable:
            log.warning("directory unavailable, events are delivered later")
            await asyncio.sleep(_AGAIN)
            return []

    async def _lane(self, webhook: Webhook) -> None:
        try:
            while (after := await self._deliver_some(webhook)) is not None:
                if after.failing_since is not None:
                    await asyncio.sleep(self._rest(after.failing_since))
        except errors.DirectoryUnavailable:
            # What was sent and could not be kept is sent again: receivers know a message by its id.
            log.warning("directory unavailable, events are delivered later", extra={"webhook": webhook.id})
            await asyncio.sleep(_AGAIN)

    async def _deliver_some(self, known: Webhook) -> Webhook | None:
        """Claim and send some deliveries; return the webhook as it is then, None if nothing was due."""
        now = self.clock()
        async with self.directory.write() as tx:
            webhook = await tx.webhook(known.company_id, known.id)
            company = await tx.company(known.company_id)
            if webhook is None or company is None or not webhook.enabled:
                return None
            limit = self.pace.claimed if webhook.failing_since is None else 1
            claimed = await tx.claim_deliveries(webhook.id, now=now, until=now + self.pace.claim, limit=limit)
        if not claimed:
            return None
        gate, rooms_domain = asyncio.Semaphore(self.pace.at_once), f"{self.rooms_prefix}.{company.domain}"

        async def send(one: Outgoing) -> Sent:
            body = delivery_policy.body_of(one.event, rooms_domain=rooms_domain)
            async with gate:
                return await webhooks.send(self.sender, webhook, one.event.id, body, now=self.clock())

        sent = await asyncio.gather(*(send(one) for one in claimed))
        return await self._keep(webhook, claimed, sent)

    async def _keep(self, webhook: Webhook, claimed: Sequence[Outgoing], sent: Sequence[Sent]) -> Webhook | None:
        """Keep how it went; return the webhook as it is then."""
        now = self.clock()
        tried = [
            delivery_policy.after_attempt(one.delivery, how, now=now, jitter=random.random())
            for one, how in zip(claimed, sent, strict=True)
        ]
        for how in sent:
            metrics.DELIVERIES.labels(outcome="delivered" if how.well else "failed").inc()
        async with self.directory.write() as tx:  # whoever writes a lot in the company must not make this fail
            await tx.save_deliveries(tried)
            current = await tx.webhook(webhook.company_id, webhook.id)
        if current is None or self._judge(current, webhook, sent, now=now).webhook == current:
            return current
        return await self._keep_state(webhook, sent, now=now)

    async def _keep_state(self, webhook: Webhook, sent: Sequence[Sent], *, now: datetime) -> Webhook | None:
        """Keep that a webhook fails, works again, or is given up."""
        async with self.directory.write(webhook.company_id) as tx:
            current = await tx.webhook(webhook.company_id, webhook.id)
            if current is None:
                return None
            verdict = self._judge(current, webhook, sent, now=now)
            await tx.save_webhook(verdict.webhook)
            if verdict.disabled:
                details: dict[str, object] = {"why": verdict.webhook.why}
                service = offboardings.SERVICE
                await tx.add_audit([webhooks.entry(current, "webhook.disabled", details, actor=service, now=now)])
        if verdict.disabled:
            log.error("webhook disabled", extra={"webhook": webhook.id, "why": verdict.webhook.why})
            await self._count_disabled()
        return verdict.webhook

    def _judge(self, current: Webhook, tried: Webhook, sent: Sequence[Sent], *, now: datetime) -> Verdict:
        if current.url != tried.url:
            return Verdict(webhook=current)  # what was seen is not about this address
        return delivery_policy.after_attempts(current, sent, now=now, give_up_after=self.pace.give_up_after)

    def _rest(self, failing_since: datetime) -> float:
        failing = (self.clock() - failing_since).total_seconds()
        return min(self.pace.rest_max, max(self.pace.rest_min, failing / 10))

    async def _look_for_overdue(self) -> None:
        await alarms.note_overdue(self.directory, after=self.pace.overdue_after, now=self.clock())
        await self._count_disabled()

    async def _tidy(self) -> None:
        async with self.directory.write() as tx:
            await tx.forget_events(before=self.clock() - self.pace.keep)

    async def _count_disabled(self) -> None:
        metrics.WEBHOOKS_DISABLED.set(math.nan)
        async with self.directory.read() as tx:
            metrics.WEBHOOKS_DISABLED.set(await tx.disabled_webhooks())

    async def _again_and_again(self, work: Callable[[], Awaitable[None]], *, every: float) -> None:
        while True:
            began = time.monotonic()
            try:
                await work()
            except errors.DirectoryUnavailable:
                log.warning("directory unavailable, looking again later")
            await asyncio.sleep(max(every - (time.monotonic() - began), 0))
