"""The website: roles, signed-in browsers, one-time links; credentials that end by themselves.

The view of logins leaves out what has ended. It is replaced, not made anew, where that keeps the rights to read it.
"""

import sqlalchemy as sa
from alembic import op

from kleanxmpp.db.migrations.altering import MOMENT, TEXT, needed, without_views

revision = "0012"
down_revision = "0011"

LOGINS = """
SELECT companies.domain AS domain, users.username AS username, credentials.secret_sha256 AS secret_sha256
FROM credentials JOIN users ON users.id = credentials.user_id JOIN companies ON companies.id = users.company_id
WHERE companies.enabled AND users.active AND users.chat_permission AND NOT users.erasing
AND (users.absence IS NULL OR users.absence = 'garden_leave')
AND (credentials.expires_at IS NULL OR credentials.expires_at > CURRENT_TIMESTAMP)
"""


def upgrade() -> None:
    """Add tables and columns, and let only credentials in that have not ended."""
    op.create_table(
        "staff_roles",
        needed("company_id", TEXT),
        needed("user_id", TEXT),
        needed("role", TEXT),
        sa.PrimaryKeyConstraint("user_id", "role", name="pk_staff_roles"),
        _of_a_person("staff_roles"),
    )
    op.create_index("ix_staff_roles_company_id", "staff_roles", ["company_id"])
    op.create_table(
        "web_sessions",
        needed("id", TEXT),
        needed("company_id", TEXT),
        sa.Column("user_id", TEXT),
        needed("roles", sa.JSON()),
        needed("chat_only", sa.Boolean()),
        needed("csrf", TEXT),
        needed("created_at", MOMENT),
        needed("seen_at", MOMENT),
        needed("expires_at", MOMENT),
        needed("token_sha256", TEXT),
        sa.PrimaryKeyConstraint("id", name="pk_web_sessions"),
        sa.UniqueConstraint("token_sha256", name="uq_web_sessions_token_sha256"),
        _of_a_company("web_sessions"),
        _of_a_person("web_sessions"),
    )
    op.create_table(
        "one_time_links",
        needed("id", TEXT),
        needed("company_id", TEXT),
        needed("purpose", TEXT),
        sa.Column("user_id", TEXT),
        needed("roles", sa.JSON()),
        needed("uses_left", sa.Integer()),
        needed("created_at", MOMENT),
        needed("expires_at", MOMENT),
        needed("created_by", TEXT),
        needed("code_sha256", TEXT),
        sa.PrimaryKeyConstraint("id", name="pk_one_time_links"),
        sa.UniqueConstraint("code_sha256", name="uq_one_time_links_code_sha256"),
        _of_a_company("one_time_links"),
        _of_a_person("one_time_links"),
    )
    op.create_table(
        "sign_in_attempts",
        needed("state_sha256", TEXT),
        needed("company_id", TEXT),
        needed("nonce", TEXT),
        needed("verifier", TEXT),
        needed("return_to", TEXT),
        needed("created_at", MOMENT),
        sa.PrimaryKeyConstraint("state_sha256", name="pk_sign_in_attempts"),
        _of_a_company("sign_in_attempts"),
    )
    for table in ("web_sessions", "one_time_links"):
        op.create_index(f"ix_{table}_user_id", table, ["user_id"])
        op.create_index(f"ix_{table}_expires_at", table, ["expires_at"])
    op.create_index("ix_sign_in_attempts_created_at", "sign_in_attempts", ["created_at"])
    with without_views(), op.batch_alter_table("credentials") as credentials:
        credentials.add_column(sa.Column("expires_at", MOMENT))
        credentials.add_column(sa.Column("web_session_id", TEXT))
        credentials.create_foreign_key(
            "fk_credentials_web_session_id_web_sessions",
            "web_sessions",
            ["web_session_id"],
            ["id"],
            ondelete="CASCADE",
        )
    for column in ("expires_at", "web_session_id"):
        op.create_index(f"ix_credentials_{column}", "credentials", [column])
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP VIEW logins")
        op.execute(f"CREATE VIEW logins AS {LOGINS}")
    else:
        op.execute(f"CREATE OR REPLACE VIEW logins AS {LOGINS}")


def _of_a_company(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=f"fk_{table}_company_id_companies")


def _of_a_person(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["company_id", "user_id"],
        ["users.company_id", "users.id"],
        name=f"fk_{table}_company_id_user_id_users",
        ondelete="CASCADE",
    )
