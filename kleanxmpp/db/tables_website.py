"""The tables of the website. What is about a person goes with the person; a session takes its credentials with it."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
)

from kleanxmpp.db.columns import TEXT, UtcDateTime, WordOf, WordsOf
from kleanxmpp.db.tables import metadata
from kleanxmpp.website_ports import LinkPurpose, StaffRole

staff_roles = Table(
    "staff_roles",
    metadata,
    Column("company_id", TEXT, nullable=False),
    Column("user_id", TEXT, nullable=False),
    Column("role", WordOf(StaffRole), nullable=False),
    PrimaryKeyConstraint("user_id", "role"),
    ForeignKeyConstraint(["company_id", "user_id"], ["users.company_id", "users.id"], ondelete="CASCADE"),
    Index(None, "company_id"),
)

web_sessions = Table(
    "web_sessions",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("company_id", TEXT, ForeignKey("companies.id"), nullable=False),
    Column("user_id", TEXT, index=True),
    Column("roles", WordsOf(StaffRole), nullable=False),
    Column("chat_only", Boolean, nullable=False),
    Column("csrf", TEXT, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("token_sha256", TEXT, nullable=False, unique=True),
    ForeignKeyConstraint(["company_id", "user_id"], ["users.company_id", "users.id"], ondelete="CASCADE"),
)

one_time_links = Table(
    "one_time_links",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("company_id", TEXT, ForeignKey("companies.id"), nullable=False),
    Column("purpose", WordOf(LinkPurpose), nullable=False),
    Column("user_id", TEXT, index=True),
    Column("roles", WordsOf(StaffRole), nullable=False),
    Column("uses_left", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("created_by", TEXT, nullable=False),
    Column("code_sha256", TEXT, nullable=False, unique=True),
    ForeignKeyConstraint(["company_id", "user_id"], ["users.company_id", "users.id"], ondelete="CASCADE"),
)

sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("state_sha256", TEXT, primary_key=True),
    Column("company_id", TEXT, ForeignKey("companies.id"), nullable=False),
    Column("nonce", TEXT, nullable=False),
    Column("verifier", TEXT, nullable=False),
    Column("return_to", TEXT, nullable=False),
    Column("created_at", UtcDateTime, nullable=False, index=True),
)
