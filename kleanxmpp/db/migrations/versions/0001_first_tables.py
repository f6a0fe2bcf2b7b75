"""The first tables and the two views of the login program."""

import sqlalchemy as sa
from alembic import op

from kleanxmpp.db.migrations.altering import MOMENT, TEXT, needed

revision = "0001"
down_revision = None

NAMED = sa.column("deleted") == sa.false()

MAY_CHAT_VIEW = """
CREATE VIEW may_chat AS
SELECT companies.domain AS domain, users.username AS username
FROM users JOIN companies ON companies.id = users.company_id
WHERE companies.enabled AND users.active AND users.chat_permission AND NOT users.erasing
"""

LOGINS_VIEW = """
CREATE VIEW logins AS
SELECT companies.domain AS domain, users.username AS username, credentials.secret_sha256 AS secret_sha256
FROM credentials JOIN users ON users.id = credentials.user_id JOIN companies ON companies.id = users.company_id
WHERE companies.enabled AND users.active AND users.chat_permission AND NOT users.erasing
"""


def upgrade() -> None:
    """Create everything."""
    _companies_and_users()
    _groups_and_circles()
    _work_and_records()
    _credentials_and_tokens()
    op.execute(MAY_CHAT_VIEW)
    op.execute(LOGINS_VIEW)


def _companies_and_users() -> None:
    op.create_table(
        "companies",
        needed("id", TEXT),
        needed("domain", TEXT),
        needed("name", TEXT),
        needed("enabled", sa.Boolean()),
        needed("locale", TEXT),
        needed("contact_visibility", TEXT),
        needed("contacts_max", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="pk_companies"),
        sa.UniqueConstraint("domain", name="uq_companies_domain"),
    )
    op.create_table(
        "usernames",
        needed("company_id", TEXT),
        needed("username", TEXT),
        sa.Column("retired_at", MOMENT),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name="fk_usernames_company_id_companies"),
        sa.PrimaryKeyConstraint("company_id", "username", name="pk_usernames"),
    )
    op.create_table(
        "users",
        needed("id", TEXT),
        needed("company_id", TEXT),
        needed("username", TEXT),
        needed("display_name", TEXT),
        needed("nickname", TEXT),
        sa.Column("external_id", TEXT),
        sa.Column("email", TEXT),
        needed("locale", TEXT),
        needed("active", sa.Boolean()),
        needed("chat_permission", sa.Boolean()),
        needed("created_at", MOMENT),
        needed("version", sa.Integer()),
        sa.Column("sessions_valid_from", MOMENT),
        needed("erasing", sa.Boolean()),
        needed("greeted", sa.Boolean()),
        needed("nickname_key", TEXT),
        needed("search_key", TEXT),
        sa.ForeignKeyConstraint(
            ["company_id", "username"],
            ["usernames.company_id", "usernames.username"],
            name="fk_users_company_id_username_usernames",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("company_id", "external_id", name="uq_users_company_id_external_id"),
        sa.UniqueConstraint("company_id", "id", name="uq_users_company_id_id"),
        sa.UniqueConstraint("company_id", "nickname_key", name="uq_users_company_id_nickname_key"),
        sa.UniqueConstraint("company_id", "username", name="uq_users_company_id_username"),
    )


def _credentials_and_tokens() -> None:
    op.create_table(
        "credentials",
        needed("id", TEXT),
        needed("user_id", TEXT),
        needed("label", TEXT),
        needed("created_at", MOMENT),
        needed("secret_sha256", TEXT),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_credentials_user_id_users", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_credentials"),
        sa.UniqueConstraint("secret_sha256", name="uq_credentials_secret_sha256"),
    )
    op.create_index("ix_credentials_user_id", "credentials", ["user_id"])
    op.create_table(
        "api_tokens",
        needed("id", TEXT),
        sa.Column("company_id", TEXT),
        needed("name", TEXT),
        needed("scopes", sa.JSON()),
        needed("created_at", MOMENT),
        needed("token_sha256", TEXT),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name="fk_api_tokens_company_id_companies"),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sa.UniqueConstraint("token_sha256", name="uq_api_tokens_token_sha256"),
    )
    op.create_index("ix_api_tokens_company_id", "api_tokens", ["company_id"])
    op.create_table(
        "remembered_answers",
        needed("token_id", TEXT),
        needed("key", TEXT),
        needed("fingerprint", TEXT),
        needed("status", sa.Integer()),
        needed("body", TEXT),
        needed("remembered_at", MOMENT),
        sa.PrimaryKeyConstraint("token_id", "key", name="pk_remembered_answers"),
    )
    op.create_index("ix_remembered_answers_remembered_at", "remembered_answers", ["remembered_at"])


def _groups_and_circles() -> None:
    op.create_table(
        "groups",
        needed("id", TEXT),
        needed("company_id", TEXT),
        needed("slug", TEXT),
        needed("name", TEXT),
        needed("description", TEXT),
        needed("kind", TEXT),
        needed("created_at", MOMENT),
        needed("version", sa.Integer()),
        needed("circle_version", sa.Integer()),
        needed("deleted", sa.Boolean()),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name="fk_groups_company_id_companies"),
        sa.PrimaryKeyConstraint("id", name="pk_groups"),
        sa.UniqueConstraint("company_id", "id", name="uq_groups_company_id_id"),
        sa.UniqueConstraint("company_id", "slug", name="uq_groups_company_id_slug"),
    )
    op.create_index(
        "uq_groups_company_id_name",
        "groups",
        ["company_id", "name"],
        unique=True,
        sqlite_where=NAMED,
        postgresql_where=NAMED,
    )
    op.create_table(
        "memberships",
        needed("company_id", TEXT),
        needed("group_id", TEXT),
        needed("user_id", TEXT),
        needed("role", TEXT),
        sa.ForeignKeyConstraint(
            ["company_id", "group_id"],
            ["groups.company_id", "groups.id"],
            name="fk_memberships_company_id_group_id_groups",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "user_id"],
            ["users.company_id", "users.id"],
            name="fk_memberships_company_id_user_id_users",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("group_id", "user_id", name="pk_memberships"),
    )
    op.create_index("ix_memberships_user_id", "memberships", ["user_id"])
    op.create_table(
        "departures",
        needed("company_id", TEXT),
        needed("group_id", TEXT),
        needed("user_id", TEXT),
        sa.ForeignKeyConstraint(
            ["company_id", "group_id"],
            ["groups.company_id", "groups.id"],
            name="fk_departures_company_id_group_id_groups",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "user_id"],
            ["users.company_id", "users.id"],
            name="fk_departures_company_id_user_id_users",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "group_id", name="pk_departures"),
    )
    op.create_index("ix_departures_group_id", "departures", ["group_id"])


def _work_and_records() -> None:
    op.create_table(
        "due_scopes",
        needed("company_id", TEXT),
        needed("kind", TEXT),
        needed("scope_id", TEXT),
        needed("aspects", sa.Integer()),
        needed("priority", TEXT),
        needed("revision", sa.BigInteger()),
        needed("attempts", sa.Integer()),
        needed("marked_at", MOMENT),
        needed("next_attempt_at", MOMENT),
        sa.Column("last_error", TEXT),
        sa.PrimaryKeyConstraint("company_id", "kind", "scope_id", name="pk_due_scopes"),
    )
    op.create_index(
        "ix_due_scopes_company_id_priority_kind_marked_at",
        "due_scopes",
        ["company_id", "priority", "kind", "marked_at"],
    )
    op.create_index(
        "ix_due_scopes_order", "due_scopes", ["priority", "kind", "marked_at", "scope_id", "next_attempt_at"]
    )
    op.create_table(
        "audit_log",
        needed("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite")),
        sa.Column("company_id", TEXT),
        needed("at", MOMENT),
        needed("actor", TEXT),
        needed("action", TEXT),
        needed("subject", TEXT),
        sa.Column("reason", TEXT),
        needed("details", sa.JSON()),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_log_company_id_id", "audit_log", ["company_id", "id"])
    op.create_table(
        "offboardings",
        needed("id", TEXT),
        needed("company_id", TEXT),
        needed("user_id", TEXT),
        sa.Column("reason", TEXT),
        needed("actor", TEXT),
        needed("requested_at", MOMENT),
        sa.Column("completed_at", MOMENT),
        sa.Column("cancelled_at", MOMENT),
        needed("evidence", sa.JSON()),
        sa.PrimaryKeyConstraint("id", name="pk_offboardings"),
    )
    op.create_index("ix_offboardings_user_id_requested_at", "offboardings", ["user_id", "requested_at"])
