"""The audit log in JSON."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, JsonValue
from pydantic_core import to_jsonable_python

from kleanxmpp.audit import Damage
from kleanxmpp.chains import Verification
from kleanxmpp.model import AuditEntry

from .types import Query, View


class AuditView(View):
    """Who did what to whom, when."""

    id: int
    number: int
    """The place in the company's chain: 1, 2, 3 …"""
    at: datetime
    actor: str
    """`token:ID`, or the name of the door that somebody else came through."""
    action: str
    subject: str
    """`user:ID`, `group:ID`, `token:ID` or `company:ID`."""
    reason: str | None
    details: dict[str, JsonValue]
    previous: str
    """The hash of the entry before; 64 zeros at the first."""
    hash: str
    """SHA-256 of the entry as the export writes it, without `hash` and `id`."""

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        """Return how an entry is shown."""
        return cls(
            id=entry.id,
            number=entry.number,
            at=entry.at,
            actor=entry.actor,
            action=entry.action,
            subject=entry.subject,
            reason=entry.reason,
            details=to_jsonable_python(dict(entry.details)),
            previous=entry.previous,
            hash=entry.hash,
        )


class AuditPage(View):
    """The newest first."""

    items: list[AuditView]
    next_cursor: str | None


class AuditLineView(AuditView):
    """A line of the export: keys sorted, no spaces. Without `hash` and `id` it is the very text that was hashed."""

    chain: str
    """Whose entries these are: the company's id."""


class AuditExportQuery(Query):
    """Which entries to export."""

    after: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Only those with greater numbers: the number of the last line of the page before."""
    limit: Annotated[int, Field(ge=1, le=5000)] = 1000
    """How many lines at most. Fewer lines than that: there are no more."""


class AuditProblemView(View):
    """Something that is wrong with the log."""

    kind: Damage
    number: int
    """The number of the entry that it is about."""
    id: int | None
    """The id of that entry; null if it is not there."""
    message: str
    """What that means."""


class AuditVerificationView(View):
    """Whether the log is still what was written."""

    intact: bool
    entries: int
    """How many were checked."""
    number: int
    """The number of the last entry that was added."""
    head: str
    """Its hash. Note both down elsewhere."""
    problem: AuditProblemView | None
    """The first thing that is wrong."""
    problems: int
    """How much is wrong, counted up to a hundred."""

    @classmethod
    def of(cls, found: Verification) -> Self:
        """Return how a verification is shown."""
        first = next(iter(found.problems), None)
        return cls(
            intact=found.intact,
            entries=found.entries,
            number=found.head.number,
            head=found.head.hash,
            problem=None
            if first is None
            else AuditProblemView(kind=first.kind, number=first.number, id=first.id, message=first.message),
            problems=len(found.problems),
        )
