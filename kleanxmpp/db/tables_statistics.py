"""The table of numbers over time."""

from sqlalchemy import BigInteger, Column, Date, ForeignKey, Integer, PrimaryKeyConstraint, Table

from kleanxmpp.db.columns import TEXT
from kleanxmpp.db.tables import metadata

daily_counts = Table(
    "daily_counts",
    metadata,
    Column("company_id", TEXT, ForeignKey("companies.id"), nullable=False),
    Column("day", Date, nullable=False),
    Column("messages", BigInteger, nullable=False),
    Column("active_people", Integer, nullable=False),
    Column("reading", BigInteger, nullable=False),
    PrimaryKeyConstraint("company_id", "day"),
)
