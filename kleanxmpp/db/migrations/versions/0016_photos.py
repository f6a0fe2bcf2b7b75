"""Photos of people."""

import sqlalchemy as sa
from alembic import op

from kleanxmpp.db.migrations.altering import MOMENT, TEXT, needed, without_views

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add the table, and the column of users."""
    op.create_table(
        "user_photos",
        needed("company_id", TEXT),
        needed("user_id", TEXT),
        needed("sha1", TEXT),
        needed("media_type", TEXT),
        needed("content", sa.LargeBinary()),
        needed("updated_at", MOMENT),
        sa.PrimaryKeyConstraint("company_id", "user_id", name="pk_user_photos"),
        sa.ForeignKeyConstraint(
            ["company_id", "user_id"],
            ["users.company_id", "users.id"],
            name="fk_user_photos_company_id_user_id_users",
            ondelete="CASCADE",
        ),
    )
    with without_views():
        op.add_column("users", sa.Column("photo_sha1", TEXT))
