"""The tables of the directory, and the two views that ejabberd's login program reads.

A username's row in `usernames` is never deleted: that is how it stays retired. `company_id` is part of the
foreign keys of memberships and departures, so that the database itself refuses a circle across two companies.
Everything that hangs on a user goes with the user (ON DELETE CASCADE); what is kept longer is in `tables_records`.
The views are made by the migrations; their condition is that of `kleanxmpp.desired.may_log_in`.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    and_,
    column,
    false,
    not_,
    table,
)

from kleanxmpp.db.columns import TEXT, RuleText, Texts, TextsByName, UtcDateTime, WordOf
from kleanxmpp.due import Priority, ScopeKind
from kleanxmpp.file_ports import FileState
from kleanxmpp.model import Absence, ContactVisibility, Door, GroupKind, Role

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

companies = Table(
    "companies",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("domain", TEXT, nullable=False, unique=True),
    Column("name", TEXT, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("locale", TEXT, nullable=False),
    Column("contact_visibility", WordOf(ContactVisibility), nullable=False),
    Column("contacts_max", Integer, nullable=False),
    Column("timezone", TEXT, nullable=False),
    Column("upload_max_bytes", BigInteger, nullable=False),
    Column("upload_daily_bytes", BigInteger, nullable=False),
    Column("upload_types", Texts, nullable=False),
    Column("file_retention_days", Integer, nullable=False),
)

usernames = Table(
    "usernames",
    metadata,
    Column("company_id", TEXT, ForeignKey("companies.id"), nullable=False),
    Column("username", TEXT, nullable=False),
    Column("retired_at", UtcDateTime),
    PrimaryKeyConstraint("company_id", "username"),
)

users = Table(
    "users",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("company_id", TEXT, nullable=False),
    Column("username", TEXT, nullable=False),
    Column("display_name", TEXT, nullable=False),
    Column("nickname", TEXT, nullable=False),
    Column("external_id", TEXT),
    Column("email", TEXT),
    Column("locale", TEXT, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("chat_permission", Boolean, nullable=False),
    Column("absence", WordOf(Absence)),
    Column("absent_until", UtcDateTime, index=True),
    Column("admin", Boolean, nullable=False),
    Column("attributes", TextsByName, nullable=False),
    Column("photo_sha1", TEXT),
    Column("created_at", UtcDateTime, nullable=False),
    Column("version", Integer, nullable=False),
    Column("sessions_valid_from", UtcDateTime),
    Column("erasing", Boolean, nullable=False),
    Column("greeted", Boolean, nullable=False),
    Column("nickname_key", TEXT, nullable=False),
    Column("search_key", TEXT, nullable=False),
    Column("own_name_key", TEXT, nullable=False),
    ForeignKeyConstraint(["company_id", "username"], ["usernames.company_id", "usernames.username"]),
    UniqueConstraint("company_id", "id"),
    UniqueConstraint("company_id", "username"),
    UniqueConstraint("company_id", "external_id"),
    UniqueConstraint("company_id", "nickname_key"),
    Index(None, "company_id", "own_name_key"),
)

credentials = Table(
    "credentials",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("user_id", TEXT, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("label", TEXT, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, index=True),
    Column("web_session_id", TEXT, ForeignKey("web_sessions.id", ondelete="CASCADE"), index=True),
    Column("secret_sha256", TEXT, nullable=False, unique=True),
    Column("last_seen_at", UtcDateTime),
)

groups = Table(
    "groups",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("company_id", TEXT, ForeignKey("companies.id"), nullable=False),
    Column("slug", TEXT, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("description", TEXT, nullable=False),
    Column("kind", WordOf(GroupKind), nullable=False),
    Column("rule", RuleText),
    Column("created_at", UtcDateTime, nullable=False),
    Column("version", Integer, nullable=False),
    Column("circle_version", Integer, nullable=False),
    Column("archived_at", UtcDateTime),
    Column("deleted", Boolean, nullable=False),
    UniqueConstraint("company_id", "id"),
    UniqueConstraint("company_id", "slug"),
)
_named = groups.c.deleted == false()
Index(
    "uq_groups_company_id_name",
    groups.c.company_id,
    groups.c.name,
    unique=True,
    sqlite_where=_named,
    postgresql_where=_named,
)

memberships = Table(
    "memberships",
    metadata,
    Column("company_id", TEXT, nullable=False),
    Column("group_id", TEXT, nullable=False),
    Column("user_id", TEXT, nullable=False, index=True),
    Column("role", WordOf(Role), nullable=False),
    Column("by_rule", Boolean, nullable=False),
    PrimaryKeyConstraint("group_id", "user_id"),
    ForeignKeyConstraint(["company_id", "group_id"], ["groups.company_id", "groups.id"]),
    ForeignKeyConstraint(["company_id", "user_id"], ["users.company_id", "users.id"], ondelete="CASCADE"),
)

departures = Table(
    "departures",
    metadata,
    Column("company_id", TEXT, nullable=False),
    Column("group_id", TEXT, nullable=False, index=True),
    Column("user_id", TEXT, nullable=False),
    PrimaryKeyConstraint("user_id", "group_id"),
    ForeignKeyConstraint(["company_id", "group_id"], ["groups.company_id", "groups.id"]),
    ForeignKeyConstraint(["company_id", "user_id"], ["users.company_id", "users.id"], ondelete="CASCADE"),
)

files = Table(
    "files",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("company_id", TEXT, nullable=False),
    Column("user_id", TEXT, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("media_type", TEXT, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("state", WordOf(FileState), nullable=False),
    Column("token_sha256", TEXT, nullable=False, unique=True),
    ForeignKeyConstraint(["company_id", "user_id"], ["users.company_id", "users.id"], ondelete="CASCADE"),
    Index(None, "user_id", "created_at"),
    Index(None, "state", "expires_at"),
)

due_scopes = Table(
    "due_scopes",
    metadata,
    Column("company_id", TEXT, nullable=False),
    Column("kind", WordOf(ScopeKind), nullable=False),
    Column("scope_id", TEXT, nullable=False),
    Column("aspects", Integer, nullable=False),
    Column("priority", WordOf(Priority), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("marked_at", UtcDateTime, nullable=False),
    Column("next_attempt_at", UtcDateTime, nullable=False),
    Column("last_error", TEXT),
    PrimaryKeyConstraint("company_id", "kind", "scope_id"),
    Index(None, "company_id", "priority", "kind", "marked_at"),
    # No index on next_attempt_at alone: SQLite would use it, and sort everything due each time it takes a few.
    Index("ix_due_scopes_order", "priority", "kind", "marked_at", "scope_id", "next_attempt_at"),
)

held_changes = Table(
    "held_changes",
    metadata,
    Column("company_id", TEXT, nullable=False),
    Column("door", WordOf(Door), nullable=False),
    Column("user_id", TEXT, nullable=False),
    Column("hold_id", TEXT, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("chat_permission", Boolean, nullable=False),
    Column("absence", WordOf(Absence)),
    Column("absent_until", UtcDateTime),
    Column("actor", TEXT, nullable=False),
    Column("reason", TEXT),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("company_id", "door", "user_id"),
    ForeignKeyConstraint(["company_id", "user_id"], ["users.company_id", "users.id"], ondelete="CASCADE"),
)

passages = Table(
    "passages",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("company_id", TEXT, nullable=False),
    Column("door", WordOf(Door), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("people", Integer, nullable=False),
    Index(None, "company_id", "door", "at"),
)

source_contacts = Table(
    "source_contacts",
    metadata,
    Column("company_id", TEXT, ForeignKey("companies.id"), nullable=False),
    Column("door", WordOf(Door), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("company_id", "door"),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("company_id", TEXT, ForeignKey("companies.id"), index=True),
    Column("name", TEXT, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("token_sha256", TEXT, nullable=False, unique=True),
)

remembered_answers = Table(
    "remembered_answers",
    metadata,
    Column("token_id", TEXT, nullable=False),
    Column("key", TEXT, nullable=False),
    Column("fingerprint", TEXT, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", TEXT, nullable=False),
    Column("about", TEXT, index=True),
    Column("remembered_at", UtcDateTime, nullable=False, index=True),
    PrimaryKeyConstraint("token_id", "key"),
)

logins = table("logins", column("domain"), column("username"), column("secret_sha256"))

ENTITLED = and_(companies.c.enabled, users.c.active, users.c.chat_permission, not_(users.c.erasing))
"""True for a user, joined with the company, whose access is not `none`: who takes part, or is only absent."""
