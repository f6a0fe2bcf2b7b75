"""Events as values, and what the core needs for telling them: rows in the directory, and somebody who sends.

An event is written in the transaction of the change it tells of, with a delivery to each webhook that wants it. So
nothing is lost in a crash, and nothing is told of what was undone. `about` is the id of the user whose personal data
an event holds: it goes when the user is erased.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from kleanxmpp.model import Offboarding

Facts = Mapping[str, object]
"""What JSON can say."""


class EventType(StrEnum):
    """What a webhook can be told of."""

    USER_UPDATED = "user.updated"
    USER_OFFBOARDED = "user.offboarded"
    GROUP_UPDATED = "group.updated"
    OFFBOARDING_OVERDUE = "offboarding.overdue"
    DOCTOR_RED = "doctor.red"


class DeliveryState(StrEnum):
    """What became of telling one webhook of one event. `failed`: tried for days, and not tried again by itself."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened. Its id is the message's, in every attempt."""

    id: str
    company_id: str
    type: EventType
    at: datetime
    data: Facts = field(hash=False)
    about: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Somebody to tell. A message is signed with `secret`, and with the previous one until `previous_until`.

    `failing_since`: since when every attempt failed. While it is not enabled its deliveries wait. `why` says in words
    why the service disabled it (at `disabled_at`).
    """

    id: str
    company_id: str
    url: str = field(repr=False)
    types: frozenset[EventType]
    secret: str = field(repr=False)
    previous_secret: str | None = field(default=None, repr=False)
    previous_until: datetime | None = None
    enabled: bool = True
    failing_since: datetime | None = None
    disabled_at: datetime | None = None
    why: str | None = None
    created_at: datetime
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event for one webhook, and how the last attempt went. `error` is in our words, never the receiver's."""

    webhook_id: str
    event_id: str
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    next_attempt_at: datetime | None
    attempted_at: datetime | None = None
    status: int | None = None
    milliseconds: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A delivery with what is to be delivered."""

    delivery: Delivery
    event: Event


class EventRecords(Protocol):
    """Webhooks, events, deliveries and alarms; a part of `kleanxmpp.ports.Transaction`."""

    async def webhooks(self, company_id: str) -> Sequence[Webhook]:
        """Return the company's webhooks, the oldest first."""

    async def webhook(self, company_id: str, webhook_id: str) -> Webhook | None:
        """Return one."""

    async def save_webhook(self, webhook: Webhook) -> None:
        """Insert or replace."""

    async def delete_webhook(self, company_id: str, webhook_id: str) -> bool:
        """Forget it with its deliveries; return whether there was one."""

    async def disabled_webhooks(self) -> int:
        """Return how many webhooks of all companies the service has disabled."""

    async def subscribers(self, company_id: str, kind: EventType) -> Sequence[str]:
        """Return the ids of webhooks that want such events, those that are not enabled included. One statement."""

    async def add_events(self, events: Sequence[Event], *, webhook_ids: Collection[str]) -> None:
        """Insert, with a delivery of each event to each of the webhooks that is due at once. Bulk."""

    async def forget_events(self, *, before: datetime) -> int:
        """Forget older events with their deliveries; return how many events that were."""

    async def due_webhooks(self, *, now: datetime) -> Sequence[Webhook]:
        """Return enabled webhooks of all companies that have deliveries whose next attempt is now or past."""

    async def claim_deliveries(
        self, webhook_id: str, *, now: datetime, until: datetime, limit: int
    ) -> Sequence[Outgoing]:
        """Return deliveries that are due, the longest due first, and let nobody else have them before `until`."""

    async def save_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """Replace existing deliveries; what is gone stays gone."""

    async def page_deliveries(self, webhook_id: str, *, before: str | None, limit: int) -> Sequence[Outgoing]:
        """Return up to `limit` deliveries, the newest event first, those of events with an id smaller than `before`."""

    async def redeliver(
        self, webhook_id: str, *, at: datetime, event_id: str | None = None, state: DeliveryState | None = None
    ) -> int:
        """Make deliveries of one event, or in one state, due anew at `at`; return how many."""

    async def redeliver_since(self, webhook: Webhook, *, since: datetime, at: datetime) -> int:
        """Make all events of its types that happened since then due for the webhook; return how many."""

    async def overdue_offboardings(self, *, before: datetime) -> Sequence[Offboarding]:
        """Return those of all companies that were requested before then and are neither completed nor cancelled."""

    async def raised_alarms(self, kind: EventType, *, company_id: str | None = None) -> frozenset[tuple[str, str]]:
        """Return (company id, subject) of what was told already and has not ended; None: of all companies."""

    async def raise_alarms(self, kind: EventType, company_id: str, subjects: Collection[str], *, at: datetime) -> None:
        """Remember that these were told. Harmless twice."""

    async def clear_alarms(self, kind: EventType, company_id: str, subjects: Collection[str]) -> None:
        """Forget that these were told, because they have ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """How an attempt went. `status` None: there was no answer, and `error` says why in our words.

    `retry_after` is the header of that name as it came. Nothing else of an answer is kept.
    """

    status: int | None
    error: str | None
    milliseconds: int
    retry_after: str | None = None

    @property
    def well(self) -> bool:
        """Whether the receiver has taken the message."""
        return self.status is not None and 200 <= self.status < 300


class Sender(Protocol):
    """What brings a message to its receiver."""

    async def send(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Sent:
        """POST it once. Never raises for what the receiver or the network does."""
