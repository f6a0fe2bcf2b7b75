"""How many messages and active people a company had each day, nothing about single people; searching the audit log."""

import sqlalchemy as sa
from alembic import op

from kleanxmpp.db.migrations.altering import TEXT, needed

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the table, and the keys that the audit log is searched by."""
    op.create_table(
        "daily_counts",
        needed("company_id", TEXT),
        needed("day", sa.Date()),
        needed("messages", sa.BigInteger()),
        needed("active_people", sa.Integer()),
        needed("reading", sa.BigInteger()),
        sa.PrimaryKeyConstraint("company_id", "day", name="pk_daily_counts"),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name="fk_daily_counts_company_id_companies"),
    )
    for column in ("subject", "actor", "action"):
        op.create_index(f"ix_audit_log_company_id_{column}", "audit_log", ["company_id", column])
