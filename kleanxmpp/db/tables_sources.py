"""The table of what is expected of sources; when each was last heard of is in `tables.source_contacts`."""

from sqlalchemy import Column, ForeignKey, Integer, PrimaryKeyConstraint, Table

from kleanxmpp.db.columns import TEXT, UtcDateTime, WordOf
from kleanxmpp.db.tables import metadata
from kleanxmpp.model import Door

source_expectations = Table(
    "source_expectations",
    metadata,
    Column("company_id", TEXT, ForeignKey("companies.id"), nullable=False),
    Column("door", WordOf(Door), nullable=False),
    Column("seconds", Integer, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("company_id", "door"),
)
