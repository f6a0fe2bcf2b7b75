"""When a device was last connected: one moment of each credential, and gone with it."""

import sqlalchemy as sa
from alembic import op

from kleanxmpp.db.migrations.altering import MOMENT

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the column. What was before is not known."""
    op.add_column("credentials", sa.Column("last_seen_at", MOMENT))
