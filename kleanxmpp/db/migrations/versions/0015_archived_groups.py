"""Since when a group is archived: finished, but kept."""

import sqlalchemy as sa
from alembic import op

from kleanxmpp.db.migrations.altering import MOMENT

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add the column; no group is archived yet."""
    op.add_column("groups", sa.Column("archived_at", MOMENT))
