"""How often each source of people is expected to be heard of."""

import sqlalchemy as sa
from alembic import op

from kleanxmpp.db.migrations.altering import MOMENT, TEXT, needed

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "source_expectations",
        needed("company_id", TEXT),
        needed("door", TEXT),
        needed("seconds", sa.Integer()),
        needed("since", MOMENT),
        sa.PrimaryKeyConstraint("company_id", "door", name="pk_source_expectations"),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name="fk_source_expectations_company_id_companies"),
    )
