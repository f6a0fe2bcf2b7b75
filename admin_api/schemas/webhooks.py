"""Webhooks and their deliveries in JSON. A secret is in the answers to adding and rotating, and nowhere else."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, model_validator
from pydantic_core import PydanticCustomError

from kleanxmpp.destinations import LONGEST_URL
from kleanxmpp.event_ports import DeliveryState, EventType, Outgoing, Sent, Webhook
from kleanxmpp.webhooks import Replay, WebhookPatch

from .types import Id, PatchBody, RequestBody, View

Url = Annotated[str, Field(min_length=1, max_length=LONGEST_URL, examples=["https://app.example.org/hooks/chat"])]
Types = Annotated[list[EventType], Field(min_length=1, max_length=len(EventType))]


class NewWebhookBody(RequestBody):
    """Somebody to tell."""

    url: Url
    """Where messages are sent: https, and a public address unless the operator's settings say otherwise."""
    types: Types = Field(default_factory=lambda: list(EventType))
    """Which events. Left out: all."""


class WebhookPatchBody(PatchBody):
    """What shall be different; what is left out stays."""

    url: Url = ""
    types: Types = Field(default_factory=list)
    enabled: bool = True
    """While it is false, what happens is kept (for 30 days) and told when it is true again."""

    def patch(self) -> WebhookPatch:
        """Return the core's value."""
        return WebhookPatch(**{name: getattr(self, name) for name in self.model_fields_set})


class WebhookView(View):
    """A webhook, without its secret."""

    id: str
    url: str
    types: list[EventType]
    enabled: bool
    failing_since: datetime | None
    """Since when every attempt failed."""
    disabled_at: datetime | None
    """When the service disabled it, because nothing went well for days."""
    why: str | None
    """Why it did."""
    previous_secret_until: datetime | None
    """Until when messages are signed with the secret before the last rotation, too."""
    created_at: datetime
    version: int
    """Grows with every change; the entity tag of If-Match."""

    @classmethod
    def of(cls, webhook: Webhook, **more: str) -> Self:
        """Return how a webhook is shown."""
        return cls(
            id=webhook.id,
            url=webhook.url,
            types=[kind for kind in EventType if kind in webhook.types],
            enabled=webhook.enabled,
            failing_since=webhook.failing_since,
            disabled_at=webhook.disabled_at,
            why=webhook.why,
            previous_secret_until=webhook.previous_until,
            created_at=webhook.created_at,
            version=webhook.version,
            **more,
        )


class SecretWebhookView(WebhookView):
    """A webhook with its new secret, which is shown only here."""

    secret: str
    """With what the receiver checks signatures (Standard Webhooks)."""


class WebhookPage(View):
    """All webhooks of the company, the oldest first."""

    items: list[WebhookView]
    next_cursor: None = None


class TestedView(View):
    """How a test message went."""

    event_id: str
    delivered: bool
    """Whether the receiver answered 2xx in time."""
    status: int | None
    """The answer's status; null: there was none."""
    milliseconds: int
    error: str | None
    """Why it did not go well."""

    @classmethod
    def of(cls, event_id: str, sent: Sent, *, error: str | None) -> Self:
        """Return how an attempt is shown."""
        return cls(
            event_id=event_id,
            delivered=sent.well,
            status=sent.status,
            milliseconds=sent.milliseconds,
            error=error,
        )


class DeliveryView(View):
    """One event for one webhook, and how the last attempt went."""

    event_id: str
    """The message's `webhook-id`, the same in every attempt."""
    type: EventType
    happened_at: datetime
    state: DeliveryState
    """`failed`: tried for three days, and not tried again by itself."""
    attempts: int
    next_attempt_at: datetime | None
    attempted_at: datetime | None
    status: int | None
    milliseconds: int | None
    error: str | None

    @classmethod
    def of(cls, one: Outgoing) -> Self:
        """Return how a delivery is shown."""
        tried = one.delivery
        return cls(
            event_id=one.event.id,
            type=one.event.type,
            happened_at=one.event.at,
            state=tried.state,
            attempts=tried.attempts,
            next_attempt_at=tried.next_attempt_at,
            attempted_at=tried.attempted_at,
            status=tried.status,
            milliseconds=tried.milliseconds,
            error=tried.error,
        )


class DeliveryPage(View):
    """Deliveries, the newest event first."""

    items: list[DeliveryView]
    next_cursor: str | None


class ReplayBody(RequestBody):
    """What to tell again; exactly one of the three."""

    since: Annotated[AwareDatetime, Field(strict=False)] | None = None
    """Everything that happened since then and is still kept, with an offset."""
    event_id: Id | None = None
    """One event."""
    failed: bool = False
    """Everything that was given up."""

    @model_validator(mode="after")
    def _one_of_three(self) -> Self:
        if (self.since is not None) + (self.event_id is not None) + self.failed != 1:
            raise PydanticCustomError("one_way", "Give exactly one of since, event_id and failed (true).")
        return self

    def what(self) -> Replay:
        """Return the core's value."""
        return Replay(since=self.since, event_id=self.event_id, failed=self.failed)


class ReplayedView(View):
    """What a replay set going."""

    events: int
    """How many events are told again."""
