"""Webhooks, events, deliveries and alarms."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from kleanxmpp import ids
from kleanxmpp.event_ports import Delivery, DeliveryState, Event, EventType, Webhook
from kleanxmpp.model import Company, Offboarding
from kleanxmpp.ports import Directory, Transaction
from tests.contracts.directory_base import DirectoryBase, saved_company, saved_user
from tests.factories import AT, a_company, a_webhook, an_event

MINUTE = timedelta(minutes=1)
DELIVERED, FAILED, PENDING = DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.PENDING


class EventsContract(DirectoryBase):
    @pytest.fixture
    async def hook(self, directory: Directory, company: Company) -> Webhook:
        return await saved_webhook(directory, a_webhook(company))

    async def test_a_webhook_is_saved_whole_and_only_its_company_finds_it(
        self, directory: Directory, company: Company, hook: Webhook
    ) -> None:
        other = await saved_company(directory, a_company())
        theirs = await saved_webhook(directory, a_webhook(other))
        changed = replace(
            hook, url="https://b.example.org/", types=frozenset({EventType.USER_UPDATED}), previous_secret="whsec_old",
            previous_until=AT + MINUTE, enabled=False, failing_since=AT, disabled_at=AT, why="because", version=2,
        )  # fmt: skip
        await saved_webhook(directory, changed)
        async with directory.write(company.id) as tx:
            assert await tx.webhook(company.id, hook.id) == changed
            assert await tx.webhook(other.id, hook.id) is None
            assert await tx.webhooks(company.id) == [changed]
            assert await tx.webhooks(other.id) == [theirs]
            assert await tx.disabled_webhooks() == 1
            assert await tx.delete_webhook(other.id, hook.id) is False
            assert await tx.delete_webhook(company.id, hook.id) is True
            assert await tx.delete_webhook(company.id, hook.id) is False
            assert await tx.disabled_webhooks() == 0

    async def test_subscribers_want_the_type_enabled_or_not(
        self, directory: Directory, company: Company, hook: Webhook
    ) -> None:
        off = await saved_webhook(directory, a_webhook(company, enabled=False))
        await saved_webhook(directory, a_webhook(company, types=frozenset({EventType.USER_UPDATED})))
        await saved_webhook(directory, a_webhook(await saved_company(directory, a_company())))
        async with directory.read() as tx:
            assert await tx.subscribers(company.id, EventType.DOCTOR_RED) == sorted([hook.id, off.id])

    async def test_an_event_is_due_once_for_each_webhook_and_claimed_by_one(
        self, directory: Directory, company: Company, hook: Webhook
    ) -> None:
        second = await saved_webhook(directory, a_webhook(company))
        first, later = await saved_events(
            directory, an_event(company), an_event(company, at=AT + MINUTE), to=[hook, second]
        )
        async with directory.write() as tx:
            assert await tx.due_webhooks(now=AT - MINUTE) == []
            assert await tx.due_webhooks(now=AT) == sorted([hook, second], key=lambda one: one.id)
            (claimed,) = await tx.claim_deliveries(hook.id, now=AT, until=AT + 2 * MINUTE, limit=9)
            assert claimed.event == first and dict(claimed.event.data) == {"line": "tls"}
            assert claimed.delivery == Delivery(webhook_id=hook.id, event_id=first.id, next_attempt_at=AT)
            assert await tx.due_webhooks(now=AT) == [second]
        async with directory.write() as tx:
            now = AT + MINUTE
            assert await claimed_ids(hook, tx=tx, now=now) == [later.id]
            assert await claimed_ids(hook, tx=tx, now=AT + 2 * MINUTE) == [first.id], "its claim is over"

    async def test_the_longest_due_are_claimed_first_and_no_more_than_asked_for(
        self, directory: Directory, company: Company, hook: Webhook
    ) -> None:
        new, old = await saved_events(directory, an_event(company, at=AT + MINUTE), an_event(company), to=[hook])
        async with directory.write() as tx:
            assert [
                one.event.id
                for one in await tx.claim_deliveries(hook.id, now=AT + MINUTE, until=AT + 2 * MINUTE, limit=1)
            ] == [old.id]
            assert await claimed_ids(hook, tx=tx, now=AT + MINUTE) == [new.id]

    async def test_a_webhook_that_is_off_is_not_due_and_keeps_what_waits(
        self, directory: Directory, company: Company, hook: Webhook
    ) -> None:
        await saved_webhook(directory, replace(hook, enabled=False))
        await saved_events(directory, an_event(company), to=[hook])
        async with directory.read() as tx:
            assert await tx.due_webhooks(now=AT) == []
        await saved_webhook(directory, hook)
        async with directory.read() as tx:
            assert await tx.due_webhooks(now=AT) == [hook]

    async def test_outcomes_are_kept_and_listed_newest_first(
        self, directory: Directory, company: Company, hook: Webhook
    ) -> None:
        first, second, third = await saved_events(directory, *(an_event(company) for _ in range(3)), to=[hook])
        done = Delivery(
            webhook_id=hook.id, event_id=second.id, state=DELIVERED, attempts=2, next_attempt_at=None, attempted_at=AT,
            status=204, milliseconds=12,
        )  # fmt: skip
        again = replace(done, event_id=third.id, state=PENDING, next_attempt_at=AT + MINUTE, status=None, error="Away.")
        gone = replace(done, event_id="gone")
        async with directory.write() as tx:
            await tx.save_deliveries([done, again, gone])
        async with directory.read() as tx:
            page = await tx.page_deliveries(hook.id, before=None, limit=2)
            assert [one.delivery for one in page] == [again, done]
            assert [one.event for one in page] == [third, second]
            (last,) = await tx.page_deliveries(hook.id, before=second.id, limit=2)
            assert last.event == first
        async with directory.write() as tx:
            assert await claimed_ids(hook, tx=tx, now=AT) == [first.id]

    async def test_what_was_told_is_told_again(self, directory: Directory, company: Company, hook: Webhook) -> None:
        first, second, third = await saved_events(directory, *(an_event(company) for _ in range(3)), to=[hook])
        later = AT + MINUTE
        async with directory.write() as tx:
            for event, state in ((first, DELIVERED), (second, FAILED), (third, FAILED)):
                tried = Delivery(
                    webhook_id=hook.id, event_id=event.id, state=state, attempts=9, next_attempt_at=None, status=500,
                    error="No.", milliseconds=3,
                )  # fmt: skip
                await tx.save_deliveries([tried])
            assert await tx.due_webhooks(now=later) == []
            assert await tx.redeliver(hook.id, at=later, event_id="gone") == 0
            assert await tx.redeliver(hook.id, at=later, event_id=first.id) == 1
            assert await tx.redeliver(hook.id, at=later, state=FAILED) == 2
            found = await tx.page_deliveries(hook.id, before=None, limit=9)
            assert {(one.delivery.state, one.delivery.attempts, one.delivery.error) for one in found} == {
                (PENDING, 0, None)
            }
            assert await claimed_ids(hook, tx=tx, now=AT) == []
            assert await claimed_ids(hook, tx=tx, now=later) == [first.id, second.id, third.id]

    async def test_a_new_webhook_can_be_told_what_happened_before(
        self, directory: Directory, company: Company, hook: Webhook
    ) -> None:
        other = await saved_company(directory, a_company())
        old = an_event(company, at=AT - MINUTE)
        strange = an_event(company, type=EventType.GROUP_UPDATED)
        wanted = an_event(company)
        await saved_events(directory, old, strange, wanted, to=[hook])
        await saved_events(directory, an_event(other), to=[await saved_webhook(directory, a_webhook(other))])
        fresh = await saved_webhook(directory, a_webhook(company, types=frozenset({EventType.DOCTOR_RED})))
        async with directory.write() as tx:
            assert await tx.redeliver_since(fresh, since=AT, at=AT + MINUTE) == 1
            assert await claimed_ids(fresh, tx=tx, now=AT + MINUTE) == [wanted.id]
            assert await tx.redeliver_since(hook, since=AT - MINUTE, at=AT + MINUTE) == 3, "those it has, too"

    async def test_events_go_with_their_age_and_with_the_person_they_are_about(
        self, directory: Directory, company: Company, hook: Webhook
    ) -> None:
        anna, ben = await saved_user(directory, company), await saved_user(directory, company)
        about_anna, about_ben = an_event(company, about=anna.id), an_event(company, about=ben.id)
        old, proof = an_event(company, at=AT - MINUTE), an_event(company)
        await saved_events(directory, about_anna, about_ben, old, proof, to=[hook])
        async with directory.write(company.id) as tx:
            await tx.delete_user(company.id, anna.id)
            assert await tx.forget_events(before=AT) == 1
            assert await tx.forget_events(before=AT) == 0
        async with directory.read() as tx:
            left = await tx.page_deliveries(hook.id, before=None, limit=9)
        assert {one.event.id for one in left} == {about_ben.id, proof.id}

    async def test_deliveries_go_with_their_webhook_and_events_stay(
        self, directory: Directory, company: Company, hook: Webhook
    ) -> None:
        second = await saved_webhook(directory, a_webhook(company))
        await saved_events(directory, an_event(company), to=[hook, second])
        async with directory.write(company.id) as tx:
            await tx.delete_webhook(company.id, hook.id)
            assert await tx.page_deliveries(hook.id, before=None, limit=9) == []
            assert len(await tx.page_deliveries(second.id, before=None, limit=9)) == 1

    async def test_open_off_boardings_of_all_companies_are_overdue_by_their_age(
        self, directory: Directory, company: Company
    ) -> None:
        other = await saved_company(directory, a_company())
        mine, theirs = an_offboarding(company), an_offboarding(other, requested_at=AT - MINUTE)
        young = an_offboarding(company, requested_at=AT + MINUTE)
        done, back = an_offboarding(company, completed_at=AT), an_offboarding(company, cancelled_at=AT)
        async with directory.write() as tx:
            await tx.add_offboardings([mine, young, theirs, done, back])
            assert await tx.overdue_offboardings(before=AT + MINUTE) == [theirs, mine]
            assert await tx.overdue_offboardings(before=AT) == [theirs]

    async def test_alarms_are_remembered_until_they_are_cleared(self, directory: Directory, company: Company) -> None:
        other = await saved_company(directory, a_company())
        red = EventType.DOCTOR_RED
        async with directory.write() as tx:
            await tx.raise_alarms(red, company.id, ["tls", "gate"], at=AT)
            await tx.raise_alarms(red, company.id, ["tls"], at=AT)
            await tx.raise_alarms(red, other.id, ["tls"], at=AT)
            await tx.raise_alarms(EventType.OFFBOARDING_OVERDUE, company.id, ["o1"], at=AT)
            assert await tx.raised_alarms(red, company_id=company.id) == {(company.id, "tls"), (company.id, "gate")}
            assert (other.id, "tls") in await tx.raised_alarms(red)
            await tx.clear_alarms(red, company.id, ["tls", "never"])
            await tx.clear_alarms(red, other.id, [])
            assert await tx.raised_alarms(red) == {(company.id, "gate"), (other.id, "tls")}


async def saved_webhook(directory: Directory, webhook: Webhook) -> Webhook:
    async with directory.write(webhook.company_id) as tx:
        await tx.save_webhook(webhook)
    return webhook


async def saved_events(directory: Directory, *events: Event, to: list[Webhook]) -> tuple[Event, ...]:
    async with directory.write(events[0].company_id) as tx:
        await tx.add_events(events, webhook_ids=[webhook.id for webhook in to])
    return events


async def claimed_ids(webhook: Webhook, *, tx: Transaction, now: datetime) -> list[str]:
    return [one.event.id for one in await tx.claim_deliveries(webhook.id, now=now, until=now + 9 * MINUTE, limit=9)]


def an_offboarding(company: Company, **facts: object) -> Offboarding:
    one = Offboarding(
        id=ids.new_id(), company_id=company.id, user_id=ids.new_id(), reason=None, actor="test", requested_at=AT
    )
    return replace(one, **facts)
