"""The audit log in JSON."""

from datetime import datetime
from typing import Self

from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from kleanxmpp.model import AuditEntry

from .types import View


class AuditView(View):
    """Who did what to whom, when."""

    id: int
    at: datetime
    actor: str
    """`token:ID`, or the name of the door that somebody else came through."""
    action: str
    subject: str
    """`user:ID`, `group:ID`, `token:ID` or `company:ID`."""
    reason: str | None
    details: dict[str, JsonValue]

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        """Return how an entry is shown."""
        return cls(
            id=entry.id,
            at=entry.at,
            actor=entry.actor,
            action=entry.action,
            subject=entry.subject,
            reason=entry.reason,
            details=to_jsonable_python(dict(entry.details)),
        )


class AuditPage(View):
    """The newest first."""

    items: list[AuditView]
    next_cursor: str | None
