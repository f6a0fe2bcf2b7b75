"""What follows from how an attempt went: when the next one is, and when a webhook is given up. Pure.

A delivery is tried for about three days. A webhook that answers nothing well for `give_up_after` is disabled, and so
is one whose receiver says that it is gone for good (410).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from kleanxmpp.event_ports import Delivery, DeliveryState, Event, Facts, Sent, Webhook

DELAYS = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 3600, 21_600, 43_200, 86_400, 86_400))
"""Before the second attempt, the third … They add up to three days."""
LONGEST_WISH = timedelta(hours=24)
"""A receiver that asks for more patience (Retry-After) gets this much."""
_GONE = 410


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of a webhook after some attempts. `disabled`: just now, and somebody should be told."""

    webhook: Webhook
    disabled: bool = False


def after_attempt(delivery: Delivery, sent: Sent, *, now: datetime, jitter: float) -> Delivery:
    """Return the delivery with the outcome, and when it is tried again. `jitter` (0 to 1) spreads the attempts."""
    tried = replace(
        delivery,
        attempts=delivery.attempts + 1,
        attempted_at=now,
        status=sent.status,
        milliseconds=sent.milliseconds,
        error=None if sent.well else sent.error or in_words(sent.status),
    )
    if sent.well:
        return replace(tried, state=DeliveryState.DELIVERED, next_attempt_at=None)
    if delivery.attempts >= len(DELAYS):
        return replace(tried, state=DeliveryState.FAILED, next_attempt_at=None)
    delay = DELAYS[delivery.attempts] * (1 + jitter / 5)
    wish = wished_pause(sent.retry_after, now=now)
    return replace(tried, next_attempt_at=now + max(delay, min(wish, LONGEST_WISH)))


def after_attempts(webhook: Webhook, sent: Sequence[Sent], *, now: datetime, give_up_after: timedelta) -> Verdict:
    """Return the webhook as it is after these attempts, in whatever order they ended."""
    if not webhook.enabled or not sent:
        return Verdict(webhook=webhook)
    if any(one.status == _GONE for one in sent):
        return _given_up(webhook, "The receiver answered 410 Gone.", now=now)
    if any(one.well for one in sent):
        return Verdict(webhook=replace(webhook, failing_since=None))
    since = webhook.failing_since or now
    if now - since >= give_up_after:
        return _given_up(replace(webhook, failing_since=since), f"No attempt went well since {_day(since)}.", now=now)
    return Verdict(webhook=replace(webhook, failing_since=since))


def wished_pause(retry_after: str | None, *, now: datetime) -> timedelta:
    """Return how long a receiver asks to be left alone: seconds or a date (RFC 9110 section 10.2.3); unclear: zero."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=int(text[:9]))
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return timedelta(0)
    return max(timedelta(0), (at if at.tzinfo else at.replace(tzinfo=UTC)) - now)


def in_words(status: int | None) -> str:
    """Say what an answer that is not good means."""
    if status is None:
        return "There was no answer."
    if 300 <= status < 400:
        return f"The receiver answered {status}: redirects are not followed."
    return f"The receiver answered {status}."


def secrets_of(webhook: Webhook, *, now: datetime) -> tuple[str, ...]:
    """Return with what a message is signed now: also with the previous secret for a while."""
    previous = webhook.previous_secret
    if previous is None or webhook.previous_until is None or webhook.previous_until <= now:
        return (webhook.secret,)
    return webhook.secret, previous


def body_of(event: Event, *, rooms_domain: str) -> bytes:
    """Return what is sent, the same in each attempt."""
    return message(event.type, event.at, _with_room(event.data, rooms_domain=rooms_domain))


def message(kind: str, at: datetime, data: Facts) -> bytes:
    """Return the JSON of a message."""
    stamp = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    whole = {"type": kind, "timestamp": stamp, "data": data}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def _with_room(data: Facts, *, rooms_domain: str) -> Facts:
    group = data.get("group")
    if not isinstance(group, dict):
        return data
    return {**data, "group": {**group, "room": f"{group['slug']}@{rooms_domain}"}}


def _given_up(webhook: Webhook, why: str, *, now: datetime) -> Verdict:
    gone = replace(webhook, enabled=False, disabled_at=now, why=why, version=webhook.version + 1)
    return Verdict(webhook=gone, disabled=True)


def _day(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
