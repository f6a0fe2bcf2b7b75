"""Between rows and the model's values. Rows never leave `kleanxmpp.db`."""

from dataclasses import Field
from typing import Any, ClassVar, Protocol, TypeVar

from sqlalchemy import Row

from kleanxmpp import errors, names
from kleanxmpp.due import Aspect, Due, Scope
from kleanxmpp.model import ApiToken, AuditEntry, Evidence, Handover, Offboarding, User


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


Value = TypeVar("Value", bound=_Dataclass)


def value_of(cls: type[Value], row: Row[Any]) -> Value:
    """Make a value whose fields are columns of the row; other columns are left alone."""
    found = row._mapping
    return cls(**{name: found[name] for name in cls.__dataclass_fields__})


def row_of(value: _Dataclass) -> dict[str, object]:
    """Make the row of a dataclass; a user's comes with the keys by which people are compared and found."""
    row = {name: getattr(value, name) for name in value.__dataclass_fields__}
    if isinstance(value, User):
        row["nickname_key"] = names.nickname_key(value.nickname)
        row["search_key"] = names.fold(value.display_name)
        row["own_name_key"] = (value.email or value.username).casefold()
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
    entry = AuditEntry(**{name: found[name] for name in AuditEntry.__dataclass_fields__})
    if not isinstance(entry.number, int) or not isinstance(entry.details, dict):
        raise errors.Damaged
    return entry


def audit_row(entry: AuditEntry) -> dict[str, object]:
    """Make the row of an audit entry; its id is the database's."""
    row = {name: getattr(entry, name) for name in AuditEntry.__dataclass_fields__ if name != "id"}
    return row | {"details": dict(entry.details)}


def offboarding_of(row: Row[Any]) -> Offboarding:
    """Make an off-boarding with its evidence."""
    found = row._asdict()
    evidence = tuple(Evidence(**line) for line in row.evidence)
    handovers = tuple(Handover(**one | {"to": tuple(one["to"])}) for one in row.handovers)
    return Offboarding(**found | {"evidence": evidence, "handovers": handovers})


def offboarding_row(offboarding: Offboarding) -> dict[str, object]:
    """Make the row of an off-boarding; evidence and handovers become JSON."""
    return row_of(offboarding) | {
        "evidence": [row_of(line) for line in offboarding.evidence],
        "handovers": [row_of(one) for one in offboarding.handovers],
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
