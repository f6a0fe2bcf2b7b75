"""The tables of webhooks: whom to tell, what happened, how telling went, and which alarms were told already.

A webhook's secret stands here in the clear, because messages are signed with it. Deliveries go with their webhook and
with their event.
"""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    and_,
)

from kleanxmpp.db.columns import TEXT, UtcDateTime, WordOf
from kleanxmpp.db.tables import metadata
from kleanxmpp.db.tables_records import offboardings
from kleanxmpp.event_ports import DeliveryState, EventType

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("company_id", TEXT, ForeignKey("companies.id"), nullable=False, index=True),
    Column("url", TEXT, nullable=False),
    Column("types", JSON, nullable=False),
    Column("secret", TEXT, nullable=False),
    Column("previous_secret", TEXT),
    Column("previous_until", UtcDateTime),
    Column("enabled", Boolean, nullable=False),
    Column("failing_since", UtcDateTime),
    Column("disabled_at", UtcDateTime),
    Column("why", TEXT),
    Column("created_at", UtcDateTime, nullable=False),
    Column("version", Integer, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("company_id", TEXT, ForeignKey("companies.id"), nullable=False),
    Column("type", WordOf(EventType), nullable=False),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("data", JSON, nullable=False),
    Column("about", TEXT, index=True),
    Index(None, "company_id", "at"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("webhook_id", TEXT, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("event_id", TEXT, ForeignKey("events.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("state", WordOf(DeliveryState), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", UtcDateTime),
    Column("attempted_at", UtcDateTime),
    Column("status", Integer),
    Column("milliseconds", Integer),
    Column("error", TEXT),
    PrimaryKeyConstraint("webhook_id", "event_id"),
    Index(None, "webhook_id", "state", "next_attempt_at"),
)

alarms = Table(
    "alarms",
    metadata,
    Column("type", WordOf(EventType), nullable=False),
    Column("company_id", TEXT, ForeignKey("companies.id"), nullable=False),
    Column("subject", TEXT, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("type", "company_id", "subject"),
)

OPEN = and_(offboardings.c.completed_at.is_(None), offboardings.c.cancelled_at.is_(None))
"""True for an off-boarding that still runs."""
Index("ix_offboardings_open", offboardings.c.requested_at, sqlite_where=OPEN, postgresql_where=OPEN)
