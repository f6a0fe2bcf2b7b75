"""Events of an HR system, and the secrets they are signed with, in JSON."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field

from kleanxmpp import hr
from kleanxmpp.hook_ports import SigningSecret
from kleanxmpp.model import Company
from kleanxmpp.scheduled_ports import ChangeKind, ScheduledChange

from .announcements import Moment, SaidBody, announcement_of
from .offboardings import status_url
from .scheduled import local, moment_of
from .types import ExternalId, Printable, RequestBody, View
from .users import Reason

_TIMESTAMP = r"^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})$"


class HrDataBody(SaidBody):
    """Whom the event is about, when it takes effect, and the facts that belong to its type."""

    external_id: ExternalId
    """The id that HR uses for the person."""
    effective_at: Moment | None = None
    """Left out, or past: now. Without offset: in the company's time zone. A date alone: the end of that day for
    `employee.left`, the last one that counts; its beginning for everything else."""
    reason: Reason | None = None
    """Kept in the audit log and in the evidence."""


class HrEventBody(RequestBody):
    """One event about one person."""

    type: Literal[
        "employee.joined",
        "employee.updated",
        "employee.paused",
        "employee.left",
        "employee.returned",
        "permission.changed",
    ]
    timestamp: Annotated[str, Field(pattern=_TIMESTAMP, max_length=40, examples=["2026-12-01T09:30:00Z"])]
    """When it happened in the HR system. Not used: `data.effective_at` says when it takes effect."""
    data: HrDataBody

    def event(self, *, message_id: str, company: Company) -> hr.Event:
        """Return the core's value. Raises Invalid."""
        what = announcement_of(ChangeKind(self.type), self.data, company=company, hand_over_to=None)
        text = self.data.effective_at
        return hr.Event(
            message_id=message_id,
            external_id=self.data.external_id,
            what=what,
            at=None if text is None else moment_of(text, what, company=company),
            reason=self.data.reason,
        )


class PlanView(View):
    """Something that is planned for the person."""

    id: str
    type: ChangeKind
    effective_at: datetime
    """In the company's time zone."""

    @classmethod
    def of(cls, change: ScheduledChange, *, company: Company) -> Self:
        """Return how a plan is shown to HR."""
        return cls(id=change.id, type=change.kind, effective_at=local(change.effective_at, company=company))


class ReceivedView(View):
    """What came of an event."""

    result: Literal["applied", "scheduled", "held"]
    """`scheduled`: it takes effect later. `held`: access would be taken from too many people at once, and somebody has
    to confirm it."""
    user_id: str | None
    """Null: the person joins later."""
    scheduled: PlanView | None
    hold_id: str | None
    """What it waits in, for `/api/v1/held`."""
    status_url: str | None
    """Where the off-boarding and its evidence can be read, with a token."""
    ended: list[PlanView]
    """What was planned for the person and will not happen any more, because of this event."""
    waiting: list[PlanView]
    """What is planned for the person now."""

    @classmethod
    def of(cls, received: hr.Received, *, company: Company) -> Self:
        """Return how it is told."""
        planned, begun = received.scheduled, received.offboarding
        return cls(
            result=received.state,
            user_id=None if received.user is None else received.user.id,
            scheduled=None if planned is None else PlanView.of(planned, company=company),
            hold_id=received.hold_id,
            status_url=None if begun is None else status_url(begun),
            ended=[PlanView.of(one, company=company) for one in received.ended],
            waiting=[PlanView.of(one, company=company) for one in received.waiting],
        )


class NewSecretBody(RequestBody):
    """A secret to add."""

    secret: Annotated[Printable, Field(min_length=1, max_length=200)] | None = None
    """The one that the HR system made: `whsec_` and 24 to 64 bytes in base64. Left out: a fresh one is made."""


class SecretView(View):
    """A secret, without itself."""

    id: str
    created_at: datetime

    @classmethod
    def of(cls, secret: SigningSecret) -> Self:
        """Return how a secret is listed."""
        return cls(id=secret.id, created_at=secret.created_at)


class SecretPage(View):
    """All secrets that hold, the oldest first."""

    items: list[SecretView]
    next_cursor: None = None


class AddedSecretView(SecretView):
    """A new secret, shown only here."""

    secret: str
    """What the HR system signs with."""
