"""Absences, admins, why an off-boarding happened and who took groups over; whom a kept answer is about.

The login views let in who may log in.
"""

import sqlalchemy as sa
from alembic import op

from kleanxmpp.db.migrations.altering import MOMENT, TEXT, add_filled

revision = "0002"
down_revision = "0001"

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
    add_filled("companies", "timezone", TEXT, filled_with="Europe/Berlin")
    add_filled("users", "admin", sa.Boolean(), filled_with=False)
    with op.batch_alter_table("users") as table:
        table.add_column(sa.Column("absence", TEXT))
        table.add_column(sa.Column("absent_until", MOMENT))
    op.create_index("ix_users_absent_until", "users", ["absent_until"])
    add_filled("offboardings", "mode", TEXT, filled_with="left")
    add_filled("offboardings", "handovers", sa.JSON(), filled_with=[])
    op.add_column("remembered_answers", sa.Column("about", TEXT))
    op.create_index("ix_remembered_answers_about", "remembered_answers", ["about"])
    op.execute(MAY_LOG_IN_VIEW)
    op.execute(LOGINS_VIEW)
