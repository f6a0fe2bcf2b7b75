"""Whoever changes the audit log in the database itself is found out: on both databases, by raw SQL."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from kleanxmpp import audit, chains, errors
from kleanxmpp.audit import Damage
from kleanxmpp.chains import Verification
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.model import AuditEntry, ChainHead
from tests.factories import AT

COMPANY = "c1"
Run = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A chain of six entries, and one who has the database's password."""

    directory: SqlDirectory
    run: Run
    disarm: tuple[str, ...]

    async def tamper(self, *statements: str) -> None:
        for statement in (*self.disarm, *statements):
            await self.run(statement)

    async def verified(self, company_id: str | None = COMPANY, *, noted: ChainHead | None = None) -> Verification:
        async with self.directory.read() as tx:
            return await chains.verify(tx, company_id, noted=noted)

    async def problems(self) -> list[tuple[Damage, int, int | None]]:
        return [(problem.kind, problem.number, problem.id) for problem in (await self.verified()).problems]

    async def entries(self) -> list[AuditEntry]:
        async with self.directory.read() as tx:
            return list(await tx.page_chain(COMPANY, after=(0, 0), limit=99))


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('sqlite_file')}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
async def log(url: str) -> AsyncIterator[Log]:
    directory = SqlDirectory(url)
    async with directory.write(COMPANY) as tx:
        for number in range(1, 7):
            entry = AuditEntry(company_id=COMPANY, at=AT, actor="a", action=f"act{number}", subject="s", details={})
            await tx.add_audit([entry])
    if url.startswith("sqlite"):
        yield Log(directory=directory, run=on_sqlite(Path(url.removeprefix("sqlite:///"))), disarm=DISARM_SQLITE)
    else:
        yield Log(directory=directory, run=on_postgres(url), disarm=DISARM_POSTGRES)
    await directory.close()


DISARM_SQLITE = (
    "DROP TRIGGER audit_log_keeps_entries",
    "DROP TRIGGER audit_log_loses_nothing",
    "DROP TRIGGER audit_heads_only_grow",
    "DROP TRIGGER audit_heads_stay",
    "DROP INDEX uq_audit_log_company_id_number",
)
DISARM_POSTGRES = (
    "ALTER TABLE audit_log DISABLE TRIGGER ALL",
    "ALTER TABLE audit_heads DISABLE TRIGGER ALL",
    "DROP INDEX uq_audit_log_company_id_number",
)


def on_sqlite(file: Path) -> Run:
    async def run(statement: str) -> None:
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute(statement)

    return run


def on_postgres(url: str) -> Run:
    async def run(statement: str) -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    return run


def inserted(entry: AuditEntry, *, number: int) -> str:
    return (
        "INSERT INTO audit_log (company_id, at, actor, action, subject, details, number, previous, hash) "
        f"VALUES ('{COMPANY}', '2026-01-05 08:00:00+00:00', 'a', 'forged', 's', '{{}}', "
        f"{number}, '{entry.previous}', '{entry.hash}')"
    )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET actor = 'b' WHERE number = 3",
        "DELETE FROM audit_log WHERE number = 6",
        "DELETE FROM audit_log",
        "UPDATE audit_heads SET number = number - 1",
        "UPDATE audit_heads SET hash = 'x'",
        "DELETE FROM audit_heads",
    ],
)
async def test_the_database_refuses_to_change_or_remove_what_was_written(log: Log, statement: str) -> None:
    with pytest.raises((sqlite3.IntegrityError, asyncpg.RaiseError), match="only additions"):
        await log.run(statement)
    assert (await log.verified()).intact


@pytest.mark.parametrize("url", ["postgres"], indirect=True)
@pytest.mark.parametrize("table", ["audit_log", "audit_heads"])
async def test_postgresql_does_not_truncate_it_either(log: Log, table: str) -> None:
    with pytest.raises(asyncpg.RaiseError, match="only additions"):
        await log.run(f"TRUNCATE {table}")


async def test_an_intact_log_is_intact_and_says_where_it_ends(log: Log) -> None:
    found = await log.verified()
    last = (await log.entries())[-1]
    assert (found.intact, found.entries, found.head) == (True, 6, ChainHead(number=6, hash=last.hash))
    assert (await log.verified(None)).entries == 0
    assert (await log.verified(None, noted=audit.EMPTY)).intact


@pytest.mark.parametrize(
    "change",
    ["actor = 'b'", "at = '2026-01-05 08:00:01+00:00'", "reason = ''", "details = '{\"a\": 1}'", "action = 'Act3'"],
)
async def test_a_changed_entry_is_named(log: Log, change: str) -> None:
    third = (await log.entries())[2]
    await log.tamper(f"UPDATE audit_log SET {change} WHERE number = 3")
    assert await log.problems() == [(Damage.CHANGED, 3, third.id)]


async def test_a_removed_entry_is_told(log: Log) -> None:
    await log.tamper("DELETE FROM audit_log WHERE number = 3")
    assert await log.problems() == [(Damage.REMOVED, 3, None)]


async def test_reordered_entries_are_told(log: Log) -> None:
    entries = await log.entries()
    await log.tamper("UPDATE audit_log SET number = 7 - number WHERE number IN (3, 4)")
    assert await log.problems() == [(Damage.REORDERED, 3, entries[3].id), (Damage.REORDERED, 4, entries[2].id)]


async def test_an_inserted_entry_is_told(log: Log) -> None:
    third = (await log.entries())[2]
    await log.tamper(inserted(third, number=3))
    ((kind, number, id),) = await log.problems()
    assert (kind, number) == (Damage.INSERTED, 3)
    assert id == (await log.entries())[3].id


@pytest.mark.parametrize("number", [0, -5])
async def test_an_inserted_entry_is_told_also_before_the_first(log: Log, number: int) -> None:
    await log.run(inserted((await log.entries())[0], number=number))
    ((kind, found, _),) = await log.problems()
    assert (kind, found) == (Damage.INSERTED, number)


async def test_an_entry_appended_past_the_program_is_told(log: Log) -> None:
    last = (await log.entries())[-1]
    forged = AuditEntry(company_id=COMPANY, at=AT, actor="a", action="forged", subject="s", details={})
    (linked,), _ = audit.link([forged], head=ChainHead(number=6, hash=last.hash))
    await log.run(inserted(linked, number=7))
    assert await log.problems() == [(Damage.INSERTED, 7, None)]


async def test_a_cut_off_tail_is_told(log: Log) -> None:
    await log.tamper("DELETE FROM audit_log WHERE number > 4")
    assert await log.problems() == [(Damage.CUT_OFF, 5, None)]
    await log.run("DELETE FROM audit_log")
    assert await log.problems() == [(Damage.CUT_OFF, 1, None)]


async def test_a_chain_that_is_gone_with_its_head_is_told(log: Log) -> None:
    await log.tamper("DELETE FROM audit_heads")
    assert [kind for kind, _, _ in await log.problems()] == [Damage.HEAD_MISSING]
    await log.run("DELETE FROM audit_log")
    assert await log.problems() == [(Damage.REMOVED, 1, None)]


async def test_a_log_written_anew_as_a_whole_is_told_only_by_a_noted_head(log: Log) -> None:
    """What the chain cannot prove: whoever rewrites everything and the head leaves no trace in the database."""
    noted = (await log.verified()).head
    first = (await log.entries())[0]
    head = audit.EMPTY
    statements = []
    for entry in await log.entries():
        forged = AuditEntry(**{name: getattr(entry, name) for name in ("company_id", "at", "action", "subject")},
                            actor="b", details={})  # fmt: skip
        (linked,), head = audit.link([forged], head=head)
        new = f"actor = 'b', previous = '{linked.previous}', hash = '{linked.hash}'"
        statements.append(f"UPDATE audit_log SET {new} WHERE number = {linked.number}")
    await log.tamper(*statements, f"UPDATE audit_heads SET hash = '{head.hash}'")
    assert (await log.verified()).intact
    for earlier in (noted, ChainHead(number=1, hash=first.hash), ChainHead(number=9, hash=noted.hash)):
        (problem,) = (await log.verified(noted=earlier)).problems
        assert (problem.kind, problem.number) == (Damage.REWRITTEN, earlier.number)
    assert (await log.verified(noted=head)).intact


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)  # PostgreSQL itself refuses values of another type
async def test_what_cannot_be_read_is_told_and_what_follows_is_called_unchecked(log: Log) -> None:
    for change in ("details = '{'", "details = '5'", "at = 'yesterday'"):
        await log.run("DROP TRIGGER IF EXISTS audit_log_keeps_entries")
        await log.run(f"UPDATE audit_log SET {change} WHERE number = 4")
        found = await log.verified()
        assert (found.entries, [(p.kind, p.number) for p in found.problems]) == (3, [(Damage.UNREADABLE, 4)])
        assert "Nothing from there on was checked" in found.problems[0].message
        async with log.directory.read() as tx:
            with pytest.raises(errors.Damaged):
                await tx.page_audit(COMPANY, before=None, limit=9)


async def test_verifying_reads_one_moment_while_others_write(log: Log) -> None:
    async def write() -> None:
        for number in range(30):
            async with log.directory.write(COMPANY) as tx:
                entry = AuditEntry(company_id=COMPANY, at=AT, actor="a", action=f"{number}", subject="s", details={})
                await tx.add_audit([entry])

    writing = asyncio.create_task(write())
    while not writing.done():
        found = await log.verified()
        assert (found.intact, found.entries) == (True, found.head.number)
    await writing
