"""The tables of the HR hook and of scheduled changes. What is planned for a person goes with the person."""

from sqlalchemy import (
    JSON,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from kleanxmpp.db.columns import TEXT, UtcDateTime, WordOf
from kleanxmpp.db.tables import metadata
from kleanxmpp.model import Door
from kleanxmpp.scheduled_ports import ChangeKind, ScheduleState

signing_secrets = Table(
    "signing_secrets",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("company_id", TEXT, ForeignKey("companies.id"), nullable=False),
    Column("purpose", TEXT, nullable=False),
    Column("secret", TEXT, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("secret"),
    Index(None, "purpose", "company_id"),
)

received_hooks = Table(
    "received_hooks",
    metadata,
    Column("company_id", TEXT, ForeignKey("companies.id"), nullable=False),
    Column("purpose", TEXT, nullable=False),
    Column("message_id", TEXT, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("company_id", "purpose", "message_id"),
    Index(None, "company_id", "purpose", "at"),
)

scheduled_changes = Table(
    "scheduled_changes",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("company_id", TEXT, ForeignKey("companies.id"), nullable=False),
    Column("user_id", TEXT),
    Column("external_id", TEXT),
    Column("kind", WordOf(ChangeKind), nullable=False),
    Column("said", JSON, nullable=False),
    Column("effective_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("aware_at", UtcDateTime, nullable=False),
    Column("aware_of", JSON, nullable=False),
    Column("actor", TEXT, nullable=False),
    Column("door", WordOf(Door)),
    Column("reason", TEXT),
    Column("state", WordOf(ScheduleState), nullable=False),
    Column("result", TEXT),
    Column("finished_at", UtcDateTime),
    Column("version", Integer, nullable=False),
    ForeignKeyConstraint(["company_id", "user_id"], ["users.company_id", "users.id"], ondelete="CASCADE"),
    Index(None, "state", "effective_at"),
    Index(None, "company_id", "effective_at", "id"),
    Index(None, "user_id"),
    Index(None, "company_id", "external_id"),
)
