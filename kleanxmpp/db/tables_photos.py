"""The table of photos. Its rows go with the person; which photo somebody has stands in `users`, too."""

from sqlalchemy import Column, ForeignKeyConstraint, LargeBinary, PrimaryKeyConstraint, Table

from kleanxmpp.db.columns import TEXT, UtcDateTime
from kleanxmpp.db.tables import metadata

user_photos = Table(
    "user_photos",
    metadata,
    Column("company_id", TEXT, nullable=False),
    Column("user_id", TEXT, nullable=False),
    Column("sha1", TEXT, nullable=False),
    Column("media_type", TEXT, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("company_id", "user_id"),
    ForeignKeyConstraint(["company_id", "user_id"], ["users.company_id", "users.id"], ondelete="CASCADE"),
)
