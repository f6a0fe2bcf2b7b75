"""What SCIM said about people and groups."""

import sqlalchemy as sa
from alembic import op

from kleanxmpp.db.migrations.altering import MOMENT, TEXT, add_filled, needed, without_views

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the tables, and the key that finds people whom SCIM does not know yet."""
    op.create_table(
        "scim_users",
        needed("user_id", TEXT),
        needed("company_id", TEXT),
        needed("user_name", TEXT),
        needed("user_name_key", TEXT),
        sa.Column("external_id", TEXT),
        needed("document", sa.JSON()),
        needed("version", sa.Integer()),
        needed("changed_at", MOMENT),
        sa.PrimaryKeyConstraint("user_id", name="pk_scim_users"),
        sa.UniqueConstraint("company_id", "user_name_key", name="uq_scim_users_company_id_user_name_key"),
        sa.ForeignKeyConstraint(
            ["company_id", "user_id"],
            ["users.company_id", "users.id"],
            name="fk_scim_users_company_id_user_id_users",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_scim_users_company_id_external_id", "scim_users", ["company_id", "external_id"])
    op.create_table(
        "scim_groups",
        needed("group_id", TEXT),
        needed("company_id", TEXT),
        sa.Column("external_id", TEXT),
        needed("document", sa.JSON()),
        needed("version", sa.Integer()),
        needed("changed_at", MOMENT),
        sa.PrimaryKeyConstraint("group_id", name="pk_scim_groups"),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name="fk_scim_groups_group_id_groups", ondelete="CASCADE"),
    )
    op.create_index("ix_scim_groups_company_id_external_id", "scim_groups", ["company_id", "external_id"])
    own_name = sa.func.lower(sa.func.coalesce(sa.column("email"), sa.column("username")))
    with without_views():
        add_filled("users", "own_name_key", TEXT, filled_with=own_name)
    op.create_index("ix_users_company_id_own_name_key", "users", ["company_id", "own_name_key"])
