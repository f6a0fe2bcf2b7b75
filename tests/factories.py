"""Values of the directory with good defaults. Each call makes different ids and names; keywords override."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from kleanxmpp import ids, signatures
from kleanxmpp.due import Aspect, Due, Priority, Scope, ScopeKind
from kleanxmpp.event_ports import Event, EventType, Webhook
from kleanxmpp.file_ports import File
from kleanxmpp.model import Company, Credential, Group, User

AT = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
_numbers = itertools.count(1)


def a_company(**facts: Any) -> Company:
    number = next(_numbers)
    company = Company(id=ids.new_id(), domain=f"firma{number}.test", name=f"Firma {number}")
    return replace(company, **facts)


def a_user(company: Company | None = None, **facts: Any) -> User:
    number = next(_numbers)
    user = User(
        id=ids.new_id(),
        company_id=company.id if company else "c1",
        username=f"user{number}",
        display_name=f"Person {number}",
        nickname=f"Person {number}",
        created_at=AT,
    )
    return replace(user, **facts)


def a_group(company: Company | None = None, **facts: Any) -> Group:
    number = next(_numbers)
    group = Group(
        id=ids.new_id(),
        company_id=company.id if company else "c1",
        slug=f"team{number}",
        name=f"Team {number}",
        created_at=AT,
    )
    return replace(group, **facts)


def a_credential(user: User, **facts: Any) -> tuple[Credential, str]:
    """Return a credential and its stored secret."""
    credential = Credential(id=ids.new_id(), user_id=user.id, label="Telefon", created_at=AT)
    return replace(credential, **facts), ids.sha256_hex(credential.id)


def a_mark(user: User, **facts: Any) -> Due:
    """Return a mark of the user's scope."""
    scope = Scope(kind=ScopeKind.USER, company_id=user.company_id, id=user.id)
    return replace(Due(scope=scope, aspects=Aspect.ALL, priority=Priority.CHANGE, marked_at=AT), **facts)


def a_file(user: User, **facts: Any) -> tuple[File, str]:
    """Return a file and the stored form of its token."""
    number = next(_numbers)
    file = File(
        id=ids.new_id(),
        company_id=user.company_id,
        user_id=user.id,
        name=f"foto{number}.jpg",
        size=1000,
        media_type="image/jpeg",
        created_at=AT,
        expires_at=AT + timedelta(minutes=5),
    )
    return replace(file, **facts), ids.sha256_hex(file.id)


def a_webhook(company: Company, **facts: Any) -> Webhook:
    webhook = Webhook(
        id=ids.new_id(),
        company_id=company.id,
        url="https://hooks.example.org/chat",
        types=frozenset(EventType),
        secret=signatures.new_secret(),
        created_at=AT,
    )
    return replace(webhook, **facts)


def an_event(company: Company, **facts: Any) -> Event:
    """Return an event whose id sorts after those of earlier calls."""
    event = Event(
        id=f"{next(_numbers):032x}",
        company_id=company.id,
        type=EventType.DOCTOR_RED,
        at=AT,
        data={"line": "tls"},
    )
    return replace(event, **facts)
