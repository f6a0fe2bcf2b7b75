"""The table of who is excepted from a group's rule. It goes with the user, and stays when the rule goes."""

from sqlalchemy import Column, ForeignKeyConstraint, PrimaryKeyConstraint, Table

from kleanxmpp.db.columns import TEXT, UtcDateTime
from kleanxmpp.db.tables import metadata

group_exceptions = Table(
    "group_exceptions",
    metadata,
    Column("company_id", TEXT, nullable=False),
    Column("group_id", TEXT, nullable=False),
    Column("user_id", TEXT, nullable=False, index=True),
    Column("since", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("group_id", "user_id"),
    ForeignKeyConstraint(["company_id", "group_id"], ["groups.company_id", "groups.id"]),
    ForeignKeyConstraint(["company_id", "user_id"], ["users.company_id", "users.id"], ondelete="CASCADE"),
)
