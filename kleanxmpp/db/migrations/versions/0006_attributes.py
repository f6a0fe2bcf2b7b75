"""What rules read about people, and when each source of people was last heard of."""

import sqlalchemy as sa
from alembic import op

from kleanxmpp.db.migrations.altering import MOMENT, TEXT, add_filled, needed, without_views

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the table, and the column of users."""
    op.create_table(
        "source_contacts",
        needed("company_id", TEXT),
        needed("door", TEXT),
        needed("at", MOMENT),
        sa.PrimaryKeyConstraint("company_id", "door", name="pk_source_contacts"),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name="fk_source_contacts_company_id_companies"),
    )
    with without_views():
        add_filled("users", "attributes", sa.JSON(), filled_with={})
