"""Events reach their receivers: signed, at least once, again after failure, and never where they must not go."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from admin_api.webhook_sender import HttpSender
from kleanxmpp import companies, delivery_policy, signatures, webhooks
from kleanxmpp.deliveries import Deliverer, Pace
from kleanxmpp.destinations import allowed_of
from kleanxmpp.event_ports import DeliveryState, Outgoing, Webhook
from kleanxmpp.model import Company
from kleanxmpp.ports import Directory
from tests.contracts.directory_events import saved_events
from tests.factories import an_event
from tests.receiver import Receiver, receiving

LOOPBACK = allowed_of(["127.0.0.0/8", "::1"])
PACE = Pace(poll=0.01, rest_min=0.01, rest_max=0.01, look_every=0.02, tidy_every=0.02)
DAY = timedelta(days=1)


@dataclass(slots=True)
class Clock:
    """A clock that is set by hand."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now


@dataclass(slots=True, kw_only=True)
class Post:
    """A company with a receiver that is told of everything."""

    directory: Directory
    company: Company
    receiver: Receiver
    hook: Webhook
    clock: Clock

    async def happened(self, count: int = 1, *, to: Webhook | None = None, **facts: Any) -> list[str]:
        facts = {"at": self.clock.now} | facts
        events = [an_event(self.company, **facts) for _ in range(count)]
        await saved_events(self.directory, *events, to=[to or self.hook])
        return [event.id for event in events]

    async def log(self, hook: Webhook | None = None) -> dict[str, Outgoing]:
        async with self.directory.read() as tx:
            page = await tx.page_deliveries((hook or self.hook).id, before=None, limit=999)
        return {one.event.id: one for one in page}

    async def until_tried(self, event_id: str, *, attempts: int) -> Outgoing:
        async with asyncio.timeout(15):
            while (found := (await self.log())[event_id]).delivery.attempts < attempts:
                await asyncio.sleep(0.005)
        return found

    async def current(self) -> Webhook:
        async with self.directory.read() as tx:
            found = await tx.webhook(self.company.id, self.hook.id)
        assert found is not None
        return found

    async def until_it(self, holds: Callable[[Webhook], bool]) -> Webhook:
        async with asyncio.timeout(15):
            while not holds(found := await self.current()):
                await asyncio.sleep(0.005)
        return found

    @asynccontextmanager
    async def delivering(self, *, sender: HttpSender | None = None, pace: Pace = PACE) -> AsyncIterator[None]:
        sender = sender or HttpSender(allowed=LOOPBACK, timeout=5.0)
        deliverer = Deliverer(
            directory=self.directory, sender=sender, rooms_prefix="gruppen", pace=pace, clock=self.clock
        )
        task = asyncio.create_task(deliverer.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@pytest.fixture
async def post(directory: Directory) -> AsyncIterator[Post]:
    clock = Clock()
    company = await companies.add_company(directory, domain="firma.test", name="Firma", actor="test", now=clock.now)
    async with receiving() as receiver:
        hook = await webhooks.add(directory, company, url=receiver.url, allowed=LOOPBACK, actor="test", now=clock.now)
        yield Post(directory=directory, company=company, receiver=receiver, hook=hook, clock=clock)


async def test_a_message_is_signed_and_says_what_happened(post: Post) -> None:
    (event_id,) = await post.happened()
    async with post.delivering():
        (message,) = await post.receiver.got(1)
        tried = await post.until_tried(event_id, attempts=1)
    assert (message.id, message.type, message.data) == (event_id, "doctor.red", {"line": "tls"})
    assert message.headers["content-type"] == "application/json"
    assert message.is_signed_by(post.hook.secret) and not message.is_signed_by(signatures.new_secret())
    assert (tried.delivery.state, tried.delivery.status) == (DeliveryState.DELIVERED, 204)


async def test_what_failed_is_sent_again_with_the_same_id_and_body(post: Post) -> None:
    post.receiver.answers = [web.Response(status=500), web.Response(status=503, headers={"Retry-After": "60"})]
    (event_id,) = await post.happened()
    async with post.delivering():
        first = await post.until_tried(event_id, attempts=1)
        assert first.delivery.error == "The receiver answered 500."
        assert first.delivery.next_attempt_at is not None and first.delivery.next_attempt_at > post.clock.now
        assert (await post.until_it(lambda hook: hook.failing_since is not None)).failing_since == post.clock.now
        post.clock.now += timedelta(seconds=10)
        second = await post.until_tried(event_id, attempts=2)
        assert second.delivery.next_attempt_at == post.clock.now + timedelta(seconds=60)
        post.clock.now += timedelta(seconds=60)
        third = await post.until_tried(event_id, attempts=3)
        await post.until_it(lambda hook: hook.failing_since is None)
    assert third.delivery.state is DeliveryState.DELIVERED and third.delivery.error is None
    one, two, three = post.receiver.messages
    assert one.id == two.id == three.id == event_id and one.body == two.body == three.body
    assert all(message.is_signed_by(post.hook.secret) for message in post.receiver.messages)
    assert one.headers["webhook-timestamp"] != three.headers["webhook-timestamp"], "each attempt is signed anew"


async def test_days_of_failure_disable_it_with_a_notice_and_enabling_delivers_what_waited(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    post.receiver.usual = 500
    (event_id,) = await post.happened()
    async with post.delivering():
        await post.until_tried(event_id, attempts=1)
        post.clock.now += 3 * DAY
        await post.until_tried(event_id, attempts=2)
        off = await post.until_it(lambda hook: not hook.enabled)
        assert off.disabled_at == post.clock.now and off.why is not None and "since" in off.why
        assert [r for r in caplog.records if r.levelno == logging.ERROR and r.getMessage() == "webhook disabled"]
        assert post.receiver.url not in caplog.text and post.hook.secret not in caplog.text
        async with post.directory.read() as tx:
            newest, *_ = await tx.page_audit(post.company.id, before=None, limit=1)
        assert (newest.action, newest.actor, newest.subject) == (
            "webhook.disabled", "service", f"webhook:{post.hook.id}",
        )  # fmt: skip
        (meanwhile,) = await post.happened()
        post.clock.now += DAY
        before = len(post.receiver.messages)
        await asyncio.sleep(0.1)
        assert len(post.receiver.messages) == before
        post.receiver.usual = 204
        patch = webhooks.WebhookPatch(enabled=True)
        await webhooks.change(
            post.directory, post.company, post.hook.id, patch, allowed=LOOPBACK, actor="test", now=post.clock.now
        )
        await post.receiver.got(1, where=lambda message: message.id == meanwhile)
        await post.until_tried(event_id, attempts=3)
    assert {one.delivery.state for one in (await post.log()).values()} == {DeliveryState.DELIVERED}
    on = await post.current()
    assert (on.enabled, on.disabled_at, on.why, on.failing_since) == (True, None, None, None)


async def test_another_address_begins_anew(post: Post) -> None:
    post.receiver.usual = 500
    (event_id,) = await post.happened()
    async with post.delivering(), receiving() as better:
        await post.until_it(lambda hook: hook.failing_since is not None)
        moved = await webhooks.change(
            post.directory, post.company, post.hook.id, webhooks.WebhookPatch(url=better.url), allowed=LOOPBACK,
            actor="test", now=post.clock.now,
        )  # fmt: skip
        assert moved.failing_since is None
        post.clock.now += timedelta(seconds=10)
        (message,) = await better.got(1)
    assert message.id == event_id


async def test_a_receiver_that_is_gone_is_not_asked_again(post: Post) -> None:
    post.receiver.usual = 410
    (event_id,) = await post.happened()
    async with post.delivering():
        await post.until_tried(event_id, attempts=1)
        off = await post.until_it(lambda hook: not hook.enabled)
    assert off.why == "The receiver answered 410 Gone."


async def test_redirects_are_not_followed(post: Post) -> None:
    async with receiving() as elsewhere:
        post.receiver.answers = [web.Response(status=307, headers={"Location": elsewhere.url})]
        (event_id,) = await post.happened()
        async with post.delivering():
            tried = await post.until_tried(event_id, attempts=1)
    assert tried.delivery.error == "The receiver answered 307: redirects are not followed."
    assert elsewhere.messages == []


async def test_a_slow_receiver_holds_up_nobody(post: Post) -> None:
    await post.happened(50)
    post.receiver.hold = asyncio.Event()
    async with receiving() as quick:
        other = await webhooks.add(
            post.directory, post.company, url=quick.url, allowed=LOOPBACK, actor="test", now=post.clock.now
        )
        ids = await post.happened(100, to=other)
        async with post.delivering():
            messages = await quick.got(100)
            assert 0 < post.receiver.waiting <= PACE.at_once
            assert post.receiver.messages == []
            post.receiver.hold.set()
            await post.receiver.got(50)
    assert {message.id for message in messages} == set(ids)


async def test_a_receiver_that_fails_is_left_alone_for_a_while_however_much_waits(post: Post) -> None:
    post.receiver.usual = 500
    await post.happened(100)
    patient = replace(PACE, rest_min=60.0, rest_max=60.0, claimed=10)
    async with post.delivering(pace=patient):
        await post.receiver.got(10)
        post.clock.now += timedelta(seconds=1)
        await asyncio.sleep(0.2)
    assert len(post.receiver.messages) == 10


async def test_what_was_committed_before_a_crash_is_delivered_by_the_next_process(post: Post) -> None:
    post.receiver.hold = asyncio.Event()
    (event_id,) = await post.happened()
    async with post.delivering():
        async with asyncio.timeout(10):
            while not post.receiver.waiting:
                await asyncio.sleep(0.005)
    post.receiver.hold.set()
    post.receiver.hold, post.receiver.messages = None, []
    async with post.delivering():
        await asyncio.sleep(0.1)
        assert post.receiver.messages == [], "the claim of who died still counts"
        post.clock.now += PACE.claim
        (message,) = await post.receiver.got(1)
        await post.until_tried(event_id, attempts=1)
    assert message.id == event_id


async def test_two_processes_deliver_each_event_once(post: Post) -> None:
    ids = await post.happened(60)
    async with post.delivering(), post.delivering():
        await post.receiver.got(60)
        async with asyncio.timeout(10):
            while any(one.delivery.state is DeliveryState.PENDING for one in (await post.log()).values()):
                await asyncio.sleep(0.005)
    assert sorted(message.id for message in post.receiver.messages) == sorted(ids)


async def test_during_rotation_both_secrets_sign(post: Post) -> None:
    rotated = await webhooks.rotate_secret(post.directory, post.company, post.hook.id, actor="test", now=post.clock.now)
    await post.happened()
    async with post.delivering():
        (both,) = await post.receiver.got(1)
        post.clock.now += webhooks.GRACE
        await post.happened()
        (_, alone) = await post.receiver.got(2)
    assert both.is_signed_by(rotated.secret) and both.is_signed_by(post.hook.secret)
    assert alone.is_signed_by(rotated.secret) and not alone.is_signed_by(post.hook.secret)


async def test_what_was_given_up_and_what_a_new_webhook_missed_is_told_again(post: Post) -> None:
    first, second = await post.happened(2)
    async with post.directory.write() as tx:
        for one in (await post.log()).values():
            await tx.save_deliveries([replace(one.delivery, state=DeliveryState.FAILED, next_attempt_at=None)])

    async def replay(hook: Webhook, **what: Any) -> int:
        return await webhooks.replay(
            post.directory, post.company, hook.id, webhooks.Replay(**what), actor="test", now=post.clock.now
        )

    async with post.delivering():
        assert await replay(post.hook, event_id=second) == 1
        assert [message.id for message in await post.receiver.got(1)] == [second]
        assert await replay(post.hook, failed=True) == 1
        assert [message.id for message in await post.receiver.got(2)] == [second, first]
        late = await webhooks.add(
            post.directory, post.company, url=f"{post.receiver.url}/late", allowed=LOOPBACK, actor="test",
            now=post.clock.now,
        )  # fmt: skip
        assert await replay(late, since=post.clock.now) == 2
        assert {message.id for message in (await post.receiver.got(4))[2:]} == {first, second}


async def test_old_events_are_forgotten(post: Post) -> None:
    post.receiver.usual = 500
    (event_id,) = await post.happened()
    async with post.delivering():
        await post.until_tried(event_id, attempts=1)
        post.clock.now += PACE.keep + DAY
        async with asyncio.timeout(10):
            while await post.log():
                await asyncio.sleep(0.005)


async def test_a_webhook_that_is_removed_meanwhile_ends_quietly(post: Post) -> None:
    post.receiver.hold = asyncio.Event()
    await post.happened(3)
    async with post.delivering():
        async with asyncio.timeout(10):
            while not post.receiver.waiting:
                await asyncio.sleep(0.005)
        await webhooks.remove(post.directory, post.company, post.hook.id, actor="test", now=post.clock.now)
        post.receiver.hold.set()
        await post.receiver.got(3)
        async with receiving() as other:
            hook = await webhooks.add(
                post.directory, post.company, url=other.url, allowed=LOOPBACK, actor="test", now=post.clock.now
            )
            await post.happened(to=hook)
            await other.got(1)


def test_a_claim_outlives_the_slowest_batch() -> None:
    assert PACE.claim.total_seconds() > PACE.claimed / PACE.at_once * 10
    assert delivery_policy.DELAYS[0] < PACE.claim
