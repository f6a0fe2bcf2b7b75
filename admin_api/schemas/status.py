"""What is out of step and why, in JSON."""

from datetime import datetime
from typing import Literal, Self

from kleanxmpp import sources
from kleanxmpp.due import Due, ScopeKind
from kleanxmpp.event_ports import Webhook
from kleanxmpp.model import Door
from kleanxmpp.source_ports import Source

from .held import HoldView
from .offboardings import OffboardingView
from .scheduled import ScheduledSummary
from .sweeps import SweepView
from .types import View


class DueView(View):
    """Somebody or something that is, or may be, out of step."""

    kind: ScopeKind
    id: str
    priority: Literal["offboarding", "change", "background"]
    attempts: int
    marked_at: datetime | None
    next_attempt_at: datetime | None
    last_error: str | None

    @classmethod
    def of(cls, due: Due) -> Self:
        """Return how a due scope is shown."""
        return cls.model_validate(
            {
                "kind": due.scope.kind,
                "id": due.scope.id,
                "priority": due.priority.value.partition("-")[2],
                "attempts": due.attempts,
                "marked_at": due.marked_at,
                "next_attempt_at": due.next_attempt_at,
                "last_error": due.last_error,
            }
        )


class DueSummary(View):
    """All that is out of step: how much, since when, and the first hundred."""

    count: int
    oldest: datetime | None
    items: list[DueView]


class ServerView(View):
    """Whether the XMPP server can be observed and changed. Null: this process does not know, it runs only the API."""

    reachable: bool | None
    why: str | None
    """Why it is not reachable."""
    unreachable_since: datetime | None


class SourceView(View):
    """A source of people, and when it was last heard of."""

    door: Door
    last_contact: datetime | None
    """Null: never."""
    expected_every: int | None
    """Seconds; null: it is not expected."""
    late_since: datetime | None
    """Null: it is not late."""

    @classmethod
    def of(cls, source: Source, *, now: datetime) -> Self:
        """Return how a source is shown."""
        return cls(
            door=source.door,
            last_contact=source.last_contact,
            expected_every=None if source.expected is None else int(source.expected.every.total_seconds()),
            late_since=sources.late_since(source, now=now),
        )


class WebhookStateView(View):
    """A webhook to which nothing could be delivered lately."""

    id: str
    enabled: bool
    failing_since: datetime | None
    disabled_at: datetime | None
    """When the service disabled it, because nothing went well for days. Null: it still tries."""
    why: str | None

    @classmethod
    def of(cls, webhook: Webhook) -> Self:
        """Return how a failing webhook is shown."""
        return cls(
            id=webhook.id,
            enabled=webhook.enabled,
            failing_since=webhook.failing_since,
            disabled_at=webhook.disabled_at,
            why=webhook.why,
        )


class StatusView(View):
    """What is out of step and why."""

    due: DueSummary
    open_offboardings: list[OffboardingView]
    """Off-boardings that are not proven yet, among the first hundred due."""
    held: list[HoldView]
    """What would off-board many people at once and waits for a confirmation."""
    sources: list[SourceView]
    """Where people come from, and whether any of it is silent for too long."""
    scheduled: ScheduledSummary
    """What is planned: details are in `/api/v1/scheduled`."""
    failing_webhooks: list[WebhookStateView]
    """Systems that are not told of what happens, because they do not answer well."""
    server: ServerView
    last_sweep: SweepView | None
    """Null: no sweep of this company since the process started."""
