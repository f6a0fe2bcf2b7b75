"""What is kept about what was done: the audit log with the heads of its chains, and off-boardings.

It outlives the people it is about, so nothing here hangs on a user. Triggers, made by the migrations, refuse every
change of an entry of the audit log.
"""

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, Table

from kleanxmpp.db.columns import TEXT, UtcDateTime, WordOf
from kleanxmpp.db.tables import metadata
from kleanxmpp.model import Mode

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("company_id", TEXT),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", TEXT, nullable=False),
    Column("action", TEXT, nullable=False),
    Column("subject", TEXT, nullable=False),
    Column("reason", TEXT),
    Column("details", JSON, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("previous", TEXT, nullable=False),
    Column("hash", TEXT, nullable=False),
    Index(None, "company_id", "id"),
    Index(None, "company_id", "subject"),
    Index(None, "company_id", "actor"),
    Index(None, "company_id", "action"),
    Index("uq_audit_log_company_id_number", "company_id", "number", unique=True),
    sqlite_autoincrement=True,
)
_operators = audit_log.c.company_id.is_(None)
Index(
    "uq_audit_log_number",
    audit_log.c.number,
    unique=True,
    sqlite_where=_operators,
    postgresql_where=_operators,
)

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("chain", TEXT, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("hash", TEXT, nullable=False),
)

offboardings = Table(
    "offboardings",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("company_id", TEXT, nullable=False),
    Column("user_id", TEXT, nullable=False),
    Column("reason", TEXT),
    Column("actor", TEXT, nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("completed_at", UtcDateTime),
    Column("cancelled_at", UtcDateTime),
    Column("mode", WordOf(Mode), nullable=False),
    Column("handovers", JSON, nullable=False),
    Column("evidence", JSON, nullable=False),
    Index(None, "user_id", "requested_at"),
)
