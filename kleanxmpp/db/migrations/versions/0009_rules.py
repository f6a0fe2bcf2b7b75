"""Rules of groups, who is in a circle by one, and who is excepted."""

import sqlalchemy as sa
from alembic import op

from kleanxmpp.db.migrations.altering import MOMENT, TEXT, add_filled, needed, without_views

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the table, and the columns of groups and memberships."""
    op.create_table(
        "group_exceptions",
        needed("company_id", TEXT),
        needed("group_id", TEXT),
        needed("user_id", TEXT),
        needed("since", MOMENT),
        sa.PrimaryKeyConstraint("group_id", "user_id", name="pk_group_exceptions"),
        sa.ForeignKeyConstraint(
            ["company_id", "group_id"],
            ["groups.company_id", "groups.id"],
            name="fk_group_exceptions_company_id_groups",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "user_id"],
            ["users.company_id", "users.id"],
            name="fk_group_exceptions_company_id_users",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_group_exceptions_user_id", "group_exceptions", ["user_id"])
    op.add_column("groups", sa.Column("rule", TEXT))
    with without_views():
        add_filled("memberships", "by_rule", sa.Boolean(), filled_with=False)
