"""Connections to SQLite and PostgreSQL. Nothing outside this module and `wakeup` knows which of them it is.

SQLite has two pools: one connection that writes (BEGIN IMMEDIATE, so nothing read in a writing transaction can
be outdated; waiting for it is fair because it happens in our pool, not in SQLite's busy loop), and several that
read a snapshot each and cannot write. WAL lets them work at the same time. PostgreSQL has one pool; its reading
transactions are read-only snapshots too, and writes of one company queue for an advisory lock.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, Text, event, func, make_url, text, type_coerce
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from kleanxmpp import errors
from kleanxmpp.db import one_trip

CHANNEL = "kleanxmpp_due"
FILE_MODE = 0o640
"""ejabberd's login program reads the database file through its group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """Where transactions come from. On PostgreSQL both share one pool."""

    reading: AsyncEngine
    writing: AsyncEngine

    async def close(self) -> None:
        """Close all connections."""
        await self.reading.dispose()
        await self.writing.dispose()


def open_engines(url: str, *, lock_timeout: float, create: bool = False) -> Engines:
    """Return engines for `sqlite:///FILE` or `postgresql://…`. Nothing connects before the first transaction.

    `lock_timeout` (seconds) is how long a transaction waits for others. `create`: make a SQLite file that is not there;
    else connecting raises DirectoryUnavailable. Raises Invalid for another kind of URL.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed, lock_timeout=lock_timeout, create=create)
    if parsed.get_backend_name() == "postgresql":
        return _open_postgresql(parsed, lock_timeout=lock_timeout)
    raise errors.Invalid("The database must be sqlite:///FILE or postgresql://…", field="url")


Inserting = Callable[[Table], postgresql.Insert | sqlite.Insert]
"""Makes an INSERT that knows `on_conflict_do_update`, which both databases spell alike."""


def inserting(connection: AsyncConnection) -> Inserting:
    """Return what makes this database's INSERT."""
    return sqlite.insert if _is_sqlite(connection) else postgresql.insert


def undoes_statements(connection: AsyncConnection) -> bool:
    """Whether a statement that fails leaves no trace and the transaction usable."""
    return _is_sqlite(connection)


def moment_text(connection: AsyncConnection, column: ColumnElement[datetime]) -> ColumnElement[str]:
    """Return an expression for a stored moment as `kleanxmpp.audit.moment` writes it."""
    if _is_sqlite(connection):
        return func.replace(type_coerce(column, Text), " ", "T", type_=Text).concat("Z")
    return func.to_char(func.timezone("UTC", column), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"', type_=Text)


async def serialise(connection: AsyncConnection, company_id: str) -> None:
    """Let the writing transactions of one company run one after another, from here to their end."""
    if _is_sqlite(connection):
        return  # BEGIN IMMEDIATE has done it
    key = int.from_bytes(hashlib.sha256(company_id.encode()).digest()[:8], signed=True)
    await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


async def notify(connection: AsyncConnection) -> None:
    """Tell other processes, when this transaction commits, that something is due. SQLite's poll for it."""
    if not _is_sqlite(connection):
        await connection.execute(text(f"SELECT pg_notify('{CHANNEL}', '')"))


async def examine(connection: AsyncConnection) -> tuple[datetime, tuple[str, ...] | None]:
    """Return the database's clock and what it finds damaged; None: PostgreSQL watches over that itself."""
    if not _is_sqlite(connection):
        now = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
        return now, None
    stamp = (await connection.execute(text("SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')"))).scalar_one()
    found = (await connection.execute(text("PRAGMA quick_check(3)"))).scalars().all()
    return datetime.fromisoformat(stamp), tuple(fault for fault in found if fault != "ok")


def _is_sqlite(connection: AsyncConnection) -> bool:
    return connection.dialect.name == "sqlite"


def _open_postgresql(url: URL, *, lock_timeout: float) -> Engines:
    settings = {"application_name": "kleanxmpp", "lock_timeout": str(int(lock_timeout * 1000)), "jit": "off"}
    engine = create_async_engine(
        url.set(drivername="postgresql+asyncpg"),
        connect_args={"server_settings": settings, "timeout": 10},
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=10,
        pool_timeout=lock_timeout,
    )
    reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return Engines(reading=reading, writing=engine)


def _open_sqlite(url: URL, *, lock_timeout: float, create: bool) -> Engines:
    if url.database in {None, "", ":memory:"}:
        raise errors.Invalid("SQLite needs a file that other processes can read, too.", field="url")
    url = url.set(drivername="sqlite+aiosqlite")
    options: dict[str, Any] = {
        "connect_args": {"async_creator_fn": one_trip.connect},
        "hide_parameters": True,
        "pool_timeout": lock_timeout,
    }
    reading = create_async_engine(url, pool_size=4, **options)
    writing = create_async_engine(url, pool_size=1, max_overflow=0, **options)
    _prepare(reading, begin="BEGIN", lock_timeout=lock_timeout, query_only=True)
    _prepare(writing, begin="BEGIN IMMEDIATE", lock_timeout=lock_timeout, query_only=False)
    for engine in (reading, writing):
        event.listen(engine.sync_engine, "do_connect", _create_file if create else _need_file)
    return Engines(reading=reading, writing=writing)


def _prepare(engine: AsyncEngine, *, begin: str, lock_timeout: float, query_only: bool) -> None:
    """Take the transactions of a SQLite engine out of the driver's hands, which begins them too late."""

    def on_connect(connection: Any, record: object) -> None:  # noqa: ANN401 - a driver's connection has no type
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout = {int(lock_timeout * 1000)}",
            "journal_mode = WAL",
            "synchronous = NORMAL",
            "foreign_keys = ON",
            f"query_only = {'ON' if query_only else 'OFF'}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    def on_invalidate(connection: Any, record: object, error: BaseException | None) -> None:  # noqa: ANN401 - as above
        # Who is cancelled leaves a cursor behind, and SQLite keeps a closed connection's locks until its last
        # cursor is gone.
        connection.rollback()

    event.listen(engine.sync_engine, "invalidate", on_invalidate)
    event.listen(engine.sync_engine, "connect", on_connect)
    event.listen(engine.sync_engine, "begin", on_begin)


def _need_file(dialect: object, record: object, arguments: list[Any], options: dict[str, Any]) -> None:
    if not os.path.exists(arguments[0]):  # SQLite would make an empty one, as whoever happens to run this
        raise errors.DirectoryUnavailable("The directory's database file is not there: kleanxmpp db upgrade makes it.")


def _create_file(dialect: object, record: object, arguments: list[Any], options: dict[str, Any]) -> None:
    """Create the database file for us and our group, whatever the umask; SQLite gives -wal and -shm the same mode."""
    try:
        handle = os.open(arguments[0], os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE)
    except FileExistsError:
        return
    try:
        os.fchmod(handle, FILE_MODE)
    finally:
        os.close(handle)
