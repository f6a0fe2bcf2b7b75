"""Webhooks, what happened, how telling of it went, and which alarms were told; open off-boardings are found quickly."""

import sqlalchemy as sa
from alembic import op

from kleanxmpp.db.migrations.altering import MOMENT, TEXT, needed

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the tables, and the index of off-boardings."""
    _add_webhooks()
    _add_events()
    _add_deliveries()
    _add_alarms()
    still_runs = sa.text("completed_at IS NULL AND cancelled_at IS NULL")
    op.create_index(
        "ix_offboardings_open", "offboardings", ["requested_at"], sqlite_where=still_runs, postgresql_where=still_runs
    )


def _add_webhooks() -> None:
    op.create_table(
        "webhooks",
        needed("id", TEXT),
        needed("company_id", TEXT),
        needed("url", TEXT),
        needed("types", sa.JSON()),
        needed("secret", TEXT),
        sa.Column("previous_secret", TEXT),
        sa.Column("previous_until", MOMENT),
        needed("enabled", sa.Boolean()),
        sa.Column("failing_since", MOMENT),
        sa.Column("disabled_at", MOMENT),
        sa.Column("why", TEXT),
        needed("created_at", MOMENT),
        needed("version", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name="fk_webhooks_company_id_companies"),
    )
    op.create_index("ix_webhooks_company_id", "webhooks", ["company_id"])


def _add_events() -> None:
    op.create_table(
        "events",
        needed("id", TEXT),
        needed("company_id", TEXT),
        needed("type", TEXT),
        needed("at", MOMENT),
        needed("data", sa.JSON()),
        sa.Column("about", TEXT),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name="fk_events_company_id_companies"),
    )
    op.create_index("ix_events_at", "events", ["at"])
    op.create_index("ix_events_about", "events", ["about"])
    op.create_index("ix_events_company_id_at", "events", ["company_id", "at"])


def _add_deliveries() -> None:
    op.create_table(
        "deliveries",
        needed("webhook_id", TEXT),
        needed("event_id", TEXT),
        needed("state", TEXT),
        needed("attempts", sa.Integer()),
        sa.Column("next_attempt_at", MOMENT),
        sa.Column("attempted_at", MOMENT),
        sa.Column("status", sa.Integer()),
        sa.Column("milliseconds", sa.Integer()),
        sa.Column("error", TEXT),
        sa.PrimaryKeyConstraint("webhook_id", "event_id", name="pk_deliveries"),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name="fk_deliveries_webhook_id_webhooks", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name="fk_deliveries_event_id_events", ondelete="CASCADE"),
    )
    op.create_index("ix_deliveries_event_id", "deliveries", ["event_id"])
    op.create_index(
        "ix_deliveries_webhook_id_state_next_attempt_at", "deliveries", ["webhook_id", "state", "next_attempt_at"]
    )


def _add_alarms() -> None:
    op.create_table(
        "alarms",
        needed("type", TEXT),
        needed("company_id", TEXT),
        needed("subject", TEXT),
        needed("at", MOMENT),
        sa.PrimaryKeyConstraint("type", "company_id", "subject", name="pk_alarms"),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name="fk_alarms_company_id_companies"),
    )
