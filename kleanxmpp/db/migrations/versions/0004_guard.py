"""The guard against mass changes: what waits for a confirmation, and how many people each door off-boarded lately."""

import sqlalchemy as sa
from alembic import op

from kleanxmpp.db.migrations.altering import MOMENT, TEXT

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add two tables."""
    op.create_table(
        "held_changes",
        sa.Column("company_id", TEXT, nullable=False),
        sa.Column("door", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("hold_id", TEXT, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("chat_permission", sa.Boolean(), nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("reason", TEXT),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("company_id", "door", "user_id", name="pk_held_changes"),
        sa.ForeignKeyConstraint(
            ["company_id", "user_id"],
            ["users.company_id", "users.id"],
            name="fk_held_changes_company_id_user_id_users",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "passages",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("company_id", TEXT, nullable=False),
        sa.Column("door", TEXT, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_passages"),
    )
    op.create_index("ix_passages_company_id_door_at", "passages", ["company_id", "door", "at"])
