"""What SCIM said about people and groups, beside their rows. It goes with them."""

from sqlalchemy import JSON, Column, ForeignKey, ForeignKeyConstraint, Index, Integer, Table, UniqueConstraint

from kleanxmpp.db.columns import TEXT, UtcDateTime
from kleanxmpp.db.tables import metadata

scim_users = Table(
    "scim_users",
    metadata,
    Column("user_id", TEXT, primary_key=True),
    Column("company_id", TEXT, nullable=False),
    Column("user_name", TEXT, nullable=False),
    Column("user_name_key", TEXT, nullable=False),
    Column("external_id", TEXT),
    Column("document", JSON, nullable=False),
    Column("version", Integer, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["company_id", "user_id"], ["users.company_id", "users.id"], ondelete="CASCADE"),
    UniqueConstraint("company_id", "user_name_key"),
    Index(None, "company_id", "external_id"),
)

scim_groups = Table(
    "scim_groups",
    metadata,
    Column("group_id", TEXT, ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True),
    Column("company_id", TEXT, nullable=False),
    Column("external_id", TEXT),
    Column("document", JSON, nullable=False),
    Column("version", Integer, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Index(None, "company_id", "external_id"),
)
