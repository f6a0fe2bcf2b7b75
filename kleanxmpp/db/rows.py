"""Between rows and the model's values. Rows never leave `kleanxmpp.db`."""

from dataclasses import asdict, fields
from typing import Any, TypeVar

from sqlalchemy import Row

from kleanxmpp import errors, names
from kleanxmpp.file_ports import File
from kleanxmpp.hook_ports import SigningSecret
from kleanxmpp.model import (
    ApiToken,
    Aspect,
    AuditEntry,
    Company,
    Credential,
    Due,
    Evidence,
    Group,
    Handover,
    HeldChange,
    Offboarding,
    Scope,
    User,
)
from kleanxmpp.scheduled_ports import ScheduledChange

Value = TypeVar("Value", Company, User, Group, Credential, HeldChange, File, SigningSecret, ScheduledChange)
_TYPES = (Company, User, Group, Credential, AuditEntry, HeldChange, File, SigningSecret, ScheduledChange)
_NAMES = {cls: tuple(f.name for f in fields(cls)) for cls in _TYPES}


def value_of(cls: type[Value], row: Row[Any]) -> Value:
    """Make a value whose fields are columns of the row; other columns are left alone."""
    found = row._mapping
    return cls(**{name: found[name] for name in _NAMES[cls]})


def row_of(value: Company | User | Group | Credential | File | ScheduledChange) -> dict[str, object]:
    """Make the row of a value; a user's comes with the keys by which people are compared and found."""
    row = {name: getattr(value, name) for name in _NAMES[type(value)]}
    if isinstance(value, User):
        row["nickname_key"] = names.nickname_key(value.nickname)
        row["search_key"] = names.fold(value.display_name)
    return row


def due_of(row: Row[Any]) -> Due:
    """Make a due scope."""
    return Due(
        scope=Scope(kind=row.kind, company_id=row.company_id, id=row.scope_id),
        aspects=Aspect(row.aspects),
        priority=row.priority,
        revision=row.revision,
        attempts=row.attempts,
        marked_at=row.marked_at,
        next_attempt_at=row.next_attempt_at,
        last_error=row.last_error,
    )


def scope_row(scope: Scope) -> dict[str, object]:
    """Make the columns that name a scope."""
    return {"company_id": scope.company_id, "kind": scope.kind, "scope_id": scope.id}


def audit_of(row: Row[Any]) -> AuditEntry:
    """Make an audit entry. Raises Damaged for what the program never wrote."""
    found = row._mapping
    entry = AuditEntry(**{name: found[name] for name in _NAMES[AuditEntry]})
    if not isinstance(entry.number, int) or not isinstance(entry.details, dict):
        raise errors.Damaged
    return entry


def audit_row(entry: AuditEntry) -> dict[str, object]:
    """Make the row of an audit entry; its id is the database's."""
    row = {name: getattr(entry, name) for name in _NAMES[AuditEntry] if name != "id"}
    return row | {"details": dict(entry.details)}


def offboarding_of(row: Row[Any]) -> Offboarding:
    """Make an off-boarding with its evidence."""
    found = row._asdict()
    evidence = tuple(Evidence(**line) for line in row.evidence)
    handovers = tuple(Handover(**one | {"to": tuple(one["to"])}) for one in row.handovers)
    return Offboarding(**found | {"evidence": evidence, "handovers": handovers})


def offboarding_row(offboarding: Offboarding) -> dict[str, object]:
    """Make the row of an off-boarding; evidence and handovers become JSON."""
    return asdict(offboarding) | {
        "evidence": [asdict(line) for line in offboarding.evidence],
        "handovers": [asdict(one) for one in offboarding.handovers],
    }


def token_of(row: Row[Any]) -> ApiToken:
    """Make an API token."""
    return ApiToken(
        id=row.id,
        company_id=row.company_id,
        name=row.name,
        scopes=frozenset(row.scopes),
        created_at=row.created_at,
    )
