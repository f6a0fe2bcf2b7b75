"""The audit log becomes a chain for each company and one for the operator, and takes only additions.

What an entry's hash covers is written here a second time on purpose: it is that of `kleanxmpp.audit` at this revision.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Any

import sqlalchemy as sa
from alembic import op

from kleanxmpp.db.migrations.altering import TEXT

revision = "0003"
down_revision = "0002"

ADDED: dict[str, sa.types.TypeEngine[Any]] = {"number": sa.BigInteger(), "previous": TEXT, "hash": TEXT}
OPERATORS = sa.column("company_id").is_(None)
PAGE = 1000

LOG = sa.table(
    "audit_log",
    sa.column("id", sa.BigInteger()),
    sa.column("company_id", TEXT),
    sa.column("at", sa.DateTime(timezone=True)),
    *(sa.column(name, TEXT) for name in ("actor", "action", "subject", "reason")),
    sa.column("details", sa.JSON()),
    *(sa.column(name, kind) for name, kind in ADDED.items()),
)
HEADS = sa.table("audit_heads", sa.column("chain", TEXT), sa.column("number", sa.BigInteger()), sa.column("hash", TEXT))

ONLY_ADDITIONS_SQLITE = (
    """CREATE TRIGGER audit_log_keeps_entries BEFORE UPDATE ON audit_log
    BEGIN SELECT RAISE(ABORT, 'the audit log takes only additions'); END""",
    """CREATE TRIGGER audit_log_loses_nothing BEFORE DELETE ON audit_log
    BEGIN SELECT RAISE(ABORT, 'the audit log takes only additions'); END""",
    """CREATE TRIGGER audit_heads_only_grow BEFORE UPDATE ON audit_heads WHEN new.number <= old.number
    BEGIN SELECT RAISE(ABORT, 'the audit log takes only additions'); END""",
    """CREATE TRIGGER audit_heads_stay BEFORE DELETE ON audit_heads
    BEGIN SELECT RAISE(ABORT, 'the audit log takes only additions'); END""",
)
ONLY_ADDITIONS_POSTGRESQL = (
    """CREATE FUNCTION audit_log_only_additions() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the audit log takes only additions'; END $$""",
    """CREATE TRIGGER audit_log_keeps_entries BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_only_additions()""",
    """CREATE TRIGGER audit_heads_only_grow BEFORE UPDATE ON audit_heads
    FOR EACH ROW WHEN (new.number <= old.number) EXECUTE FUNCTION audit_log_only_additions()""",
    """CREATE TRIGGER audit_heads_stay BEFORE DELETE OR TRUNCATE ON audit_heads
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_only_additions()""",
)


def upgrade() -> None:
    """Add the columns and the heads, link what is there, then refuse changes."""
    for name, kind in ADDED.items():
        op.add_column("audit_log", sa.Column(name, kind))
    op.create_table(
        "audit_heads",
        sa.Column("chain", TEXT, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("chain", name="pk_audit_heads"),
    )
    _link(op.get_bind())
    with op.batch_alter_table("audit_log", table_kwargs={"sqlite_autoincrement": True}) as altered:
        for name, kind in ADDED.items():
            altered.alter_column(name, existing_type=kind, nullable=False)
    op.create_index("uq_audit_log_company_id_number", "audit_log", ["company_id", "number"], unique=True)
    op.create_index(
        "uq_audit_log_number",
        "audit_log",
        ["number"],
        unique=True,
        sqlite_where=OPERATORS,
        postgresql_where=OPERATORS,
    )
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in ONLY_ADDITIONS_SQLITE if sqlite else ONLY_ADDITIONS_POSTGRESQL:
        op.execute(statement)


def _link(connection: sa.Connection) -> None:
    heads: dict[str, tuple[int, str]] = {}
    for page in _pages(connection):
        places: list[dict[str, object]] = []
        for row in page:
            chain = "operator" if row.company_id is None else row.company_id
            number, previous = heads.get(chain, (0, "0" * 64))
            digest = _hash(row, chain=chain, number=number + 1, previous=previous)
            heads[chain] = (number + 1, digest)
            places.append({"row": row.id, "n": number + 1, "p": previous, "h": digest})
        at = LOG.c.id == sa.bindparam("row")
        new: dict[str, Any] = {"number": sa.bindparam("n"), "previous": sa.bindparam("p"), "hash": sa.bindparam("h")}
        connection.execute(sa.update(LOG).where(at).values(new), places)
    rows = [{"chain": chain, "number": number, "hash": digest} for chain, (number, digest) in heads.items()]
    if rows:
        connection.execute(sa.insert(HEADS), rows)


def _pages(connection: sa.Connection) -> Iterator[Sequence[sa.Row[Any]]]:
    after = 0
    while page := connection.execute(sa.select(LOG).where(LOG.c.id > after).order_by(LOG.c.id).limit(PAGE)).all():
        yield page
        after = page[-1].id


def _hash(row: sa.Row[Any], *, chain: str, number: int, previous: str) -> str:
    at = row.at.replace(tzinfo=UTC) if row.at.tzinfo is None else row.at.astimezone(UTC)
    facts = {name: getattr(row, name) for name in ("actor", "action", "subject", "reason", "details")}
    facts |= {"at": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "chain": chain, "number": number, "previous": previous}
    text = json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
