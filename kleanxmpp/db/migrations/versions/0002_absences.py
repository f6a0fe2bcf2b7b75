"""Absences, admins, why an off-boarding happened and who took groups over; whom a kept answer is about.

The login views let in who may log in.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True)

MAY_LOG_IN = """companies.enabled AND users.active AND users.chat_permission AND NOT users.erasing
AND (users.absence IS NULL OR users.absence = 'garden_leave')"""

MAY_LOG_IN_VIEW = f"""
CREATE VIEW may_log_in AS
SELECT companies.domain AS domain, users.username AS username
FROM users JOIN companies ON companies.id = users.company_id
WHERE {MAY_LOG_IN}
"""

LOGINS_VIEW = f"""
CREATE VIEW logins AS
SELECT companies.domain AS domain, users.username AS username, credentials.secret_sha256 AS secret_sha256
FROM credentials JOIN users ON users.id = credentials.user_id JOIN companies ON companies.id = users.company_id
WHERE {MAY_LOG_IN}
"""


def upgrade() -> None:
    """Add columns, and make the views anew."""
    op.execute("DROP VIEW logins")
    op.execute("DROP VIEW may_chat")
    _add("companies", "timezone", TEXT, filled_with="Europe/Berlin")
    _add("users", "admin", sa.Boolean(), filled_with=False)
    with op.batch_alter_table("users") as table:
        table.add_column(sa.Column("absence", TEXT))
        table.add_column(sa.Column("absent_until", MOMENT))
    op.create_index("ix_users_absent_until", "users", ["absent_until"])
    _add("offboardings", "mode", TEXT, filled_with="left")
    _add("offboardings", "handovers", sa.JSON(), filled_with=[])
    op.add_column("remembered_answers", sa.Column("about", TEXT))
    op.create_index("ix_remembered_answers_about", "remembered_answers", ["about"])
    op.execute(MAY_LOG_IN_VIEW)
    op.execute(LOGINS_VIEW)


def _add(table_name: str, name: str, kind: sa.types.TypeEngine[Any], *, filled_with: object) -> None:
    """Add a column that is never null; existing rows get a value, new ones must bring theirs."""
    op.add_column(table_name, sa.Column(name, kind))
    table = sa.table(table_name, sa.column(name, kind))
    op.execute(table.update().values({name: filled_with}))
    with op.batch_alter_table(table_name) as altered:
        altered.alter_column(name, existing_type=kind, nullable=False)
