"""When a delivery is tried again, when a webhook is given up, and what a message looks like."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from kleanxmpp.delivery_policy import (
    DELAYS,
    after_attempt,
    after_attempts,
    body_of,
    in_words,
    secrets_of,
    wished_pause,
)
from kleanxmpp.event_ports import Delivery, DeliveryState, EventType, Sent
from tests.factories import AT, a_company, a_webhook, an_event

COMPANY = a_company()
FRESH = Delivery(webhook_id="w", event_id="e", next_attempt_at=AT)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
WELL, REFUSED = Sent(status=204, error=None, milliseconds=5), Sent(status=500, error=None, milliseconds=5)
SILENT = Sent(status=None, error="No answer within 10 seconds.", milliseconds=10_000)


def test_what_went_well_is_done() -> None:
    done = after_attempt(FRESH, WELL, now=AT, jitter=0.5)
    assert done == replace(
        FRESH, state=DeliveryState.DELIVERED, attempts=1, next_attempt_at=None, attempted_at=AT, status=204,
        milliseconds=5,
    )  # fmt: skip


def test_what_failed_is_tried_again_ever_later_for_about_three_days() -> None:
    delivery, now, pauses = FRESH, AT, []
    while delivery.state is DeliveryState.PENDING:
        delivery = after_attempt(delivery, SILENT, now=now, jitter=0)
        if delivery.next_attempt_at is not None:
            pauses.append(delivery.next_attempt_at - now)
            now = delivery.next_attempt_at
    assert pauses == [*DELAYS] == sorted(pauses)
    assert pauses[:4] == [5 * SECOND, 30 * SECOND, 120 * SECOND, 600 * SECOND]
    assert timedelta(days=2.5) < sum(pauses, timedelta()) < timedelta(days=3.5)
    assert (delivery.state, delivery.attempts) == (DeliveryState.FAILED, len(DELAYS) + 1)
    assert (delivery.next_attempt_at, delivery.error) == (None, SILENT.error)


def test_jitter_spreads_attempts_and_never_brings_them_forward() -> None:
    ats = [after_attempt(FRESH, REFUSED, now=AT, jitter=jitter).next_attempt_at for jitter in (0.0, 0.5, 1.0)]
    assert ats == [AT + 5 * SECOND, AT + 5.5 * SECOND, AT + 6 * SECOND]


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        ("120", 120 * SECOND), ("1", 5 * SECOND), ("99999999", DAY), ("999999999999999999", DAY),
        ("Mon, 05 Jan 2026 08:05:00 GMT", 300 * SECOND), ("Mon, 05 Jan 2026 07:00:00 GMT", 5 * SECOND),
        ("Mon, 05 Jan 2099 08:05:00 GMT", DAY), ("-5", 5 * SECOND), ("soon", 5 * SECOND), ("", 5 * SECOND),
        (None, 5 * SECOND), ("٣", 5 * SECOND),
    ],
)  # fmt: skip
def test_a_wish_for_patience_counts_within_bounds(header: str | None, pause: timedelta) -> None:
    busy = replace(REFUSED, status=503, retry_after=header)
    assert after_attempt(FRESH, busy, now=AT, jitter=0).next_attempt_at == AT + pause
    assert wished_pause(header, now=AT) >= timedelta(0)


def test_a_webhook_is_disabled_after_days_of_nothing_but_failure() -> None:
    hook = a_webhook(COMPANY)
    first = after_attempts(hook, [REFUSED, SILENT], now=AT, give_up_after=3 * DAY)
    assert (first.webhook.failing_since, first.disabled, first.webhook.version) == (AT, False, 1)
    later = after_attempts(first.webhook, [REFUSED], now=AT + 2.9 * DAY, give_up_after=3 * DAY)
    assert (later.webhook.failing_since, later.webhook.enabled) == (AT, True)
    given_up = after_attempts(later.webhook, [SILENT], now=AT + 3 * DAY, give_up_after=3 * DAY)
    assert given_up.disabled and not given_up.webhook.enabled
    assert (given_up.webhook.disabled_at, given_up.webhook.version) == (AT + 3 * DAY, 2)
    assert given_up.webhook.why == "No attempt went well since 2026-01-05 08:00 UTC."


def test_one_success_among_failures_begins_the_days_anew() -> None:
    hook = a_webhook(COMPANY, failing_since=AT)
    verdict = after_attempts(hook, [REFUSED, WELL, SILENT], now=AT + 9 * DAY, give_up_after=3 * DAY)
    assert (verdict.webhook.failing_since, verdict.webhook.enabled, verdict.disabled) == (None, True, False)


def test_a_receiver_that_is_gone_disables_the_webhook_at_once() -> None:
    verdict = after_attempts(a_webhook(COMPANY), [WELL, replace(REFUSED, status=410)], now=AT, give_up_after=3 * DAY)
    assert verdict.disabled and verdict.webhook.why == "The receiver answered 410 Gone."


def test_who_was_disabled_meanwhile_stays_as_they_are() -> None:
    off = a_webhook(COMPANY, enabled=False)
    assert after_attempts(off, [SILENT], now=AT, give_up_after=DAY).webhook is off


def test_both_secrets_sign_until_the_grace_ends() -> None:
    hook = a_webhook(COMPANY, secret="new", previous_secret="old", previous_until=AT)
    assert secrets_of(hook, now=AT - SECOND) == ("new", "old")
    assert secrets_of(hook, now=AT) == ("new",)
    assert secrets_of(a_webhook(COMPANY, secret="only"), now=AT) == ("only",)


def test_a_message_says_type_time_and_data_and_where_a_groups_room_is() -> None:
    plain = an_event(COMPANY, data={"größe": 1})
    assert body_of(plain, rooms_domain="gruppen.firma.test") == (
        '{"type":"doctor.red","timestamp":"2026-01-05T08:00:00.000Z","data":{"größe":1}}'.encode()
    )
    group = an_event(COMPANY, type=EventType.GROUP_UPDATED, data={"group": {"slug": "nord"}})
    assert json.loads(body_of(group, rooms_domain="gruppen.firma.test"))["data"] == {
        "group": {"slug": "nord", "room": "nord@gruppen.firma.test"}
    }


def test_redirects_and_silence_are_told_in_words() -> None:
    assert "redirects are not followed" in in_words(302)
    assert in_words(None) == "There was no answer."


def test_secrets_and_addresses_are_not_in_a_webhooks_text() -> None:
    hook = a_webhook(COMPANY, url="https://a.example/token123", previous_secret="whsec_before")
    for word in (hook.secret, "whsec_", "token123"):
        assert word not in repr(hook)
