"""The HR hook: its secrets, the messages that were taken, what is planned for later, and pauses that a guard holds."""

import sqlalchemy as sa
from alembic import op

from kleanxmpp.db.migrations.altering import MOMENT, TEXT, needed

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add three tables, and two columns of what is held."""
    op.add_column("held_changes", sa.Column("absence", TEXT))
    op.add_column("held_changes", sa.Column("absent_until", MOMENT))
    _add_signing_secrets()
    _add_received_hooks()
    _add_scheduled_changes()


def _add_signing_secrets() -> None:
    op.create_table(
        "signing_secrets",
        needed("id", TEXT),
        needed("company_id", TEXT),
        needed("purpose", TEXT),
        needed("secret", TEXT),
        needed("created_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_signing_secrets"),
        sa.UniqueConstraint("secret", name="uq_signing_secrets_secret"),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name="fk_signing_secrets_company_id_companies"),
    )
    op.create_index("ix_signing_secrets_purpose_company_id", "signing_secrets", ["purpose", "company_id"])


def _add_received_hooks() -> None:
    op.create_table(
        "received_hooks",
        needed("company_id", TEXT),
        needed("purpose", TEXT),
        needed("message_id", TEXT),
        needed("at", MOMENT),
        sa.PrimaryKeyConstraint("company_id", "purpose", "message_id", name="pk_received_hooks"),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name="fk_received_hooks_company_id_companies"),
    )
    op.create_index("ix_received_hooks_company_id_purpose_at", "received_hooks", ["company_id", "purpose", "at"])


def _add_scheduled_changes() -> None:
    op.create_table(
        "scheduled_changes",
        needed("id", TEXT),
        needed("company_id", TEXT),
        sa.Column("user_id", TEXT),
        sa.Column("external_id", TEXT),
        needed("kind", TEXT),
        needed("said", sa.JSON()),
        needed("effective_at", MOMENT),
        needed("created_at", MOMENT),
        needed("aware_at", MOMENT),
        needed("aware_of", sa.JSON()),
        needed("actor", TEXT),
        sa.Column("door", TEXT),
        sa.Column("reason", TEXT),
        needed("state", TEXT),
        sa.Column("result", TEXT),
        sa.Column("finished_at", MOMENT),
        needed("version", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="pk_scheduled_changes"),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name="fk_scheduled_changes_company_id_companies"),
        sa.ForeignKeyConstraint(
            ["company_id", "user_id"],
            ["users.company_id", "users.id"],
            name="fk_scheduled_changes_company_id_user_id_users",
            ondelete="CASCADE",
        ),
    )
    for columns in (
        ["state", "effective_at"], ["company_id", "effective_at", "id"], ["user_id"], ["company_id", "external_id"],
    ):  # fmt: skip
        op.create_index(f"ix_scheduled_changes_{'_'.join(columns)}", "scheduled_changes", columns)
