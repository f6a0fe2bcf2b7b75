"""The `Directory` port on SQLite and PostgreSQL.

The transaction is one class because the port is one; its parts are by noun in the modules `directory_…`, and
none of them knows the others. A block that ends well commits; closing the connection undoes everything else.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from sqlalchemy import column, select, table
from sqlalchemy.ext.asyncio import AsyncEngine

from kleanxmpp import errors
from kleanxmpp.db import engine
from kleanxmpp.db.directory_circles import Circles
from kleanxmpp.db.directory_companies import Companies, Tokens
from kleanxmpp.db.directory_credentials import Credentials
from kleanxmpp.db.directory_due import DueScopes
from kleanxmpp.db.directory_editing import Editing
from kleanxmpp.db.directory_events import Events
from kleanxmpp.db.directory_files import Files
from kleanxmpp.db.directory_groups import Groups
from kleanxmpp.db.directory_guard import Guard
from kleanxmpp.db.directory_hooks import Hooks
from kleanxmpp.db.directory_people import People
from kleanxmpp.db.directory_photos import Photos
from kleanxmpp.db.directory_records import Records
from kleanxmpp.db.directory_rules import Rules
from kleanxmpp.db.directory_scheduled import Scheduled
from kleanxmpp.db.directory_scim import Scim
from kleanxmpp.db.directory_sources import Sources
from kleanxmpp.db.directory_statistics import Statistics
from kleanxmpp.db.directory_users import Users
from kleanxmpp.db.directory_website import Website
from kleanxmpp.db.failures import translated
from kleanxmpp.db.migrations import REVISION
from kleanxmpp.db.session import Session
from kleanxmpp.db.wakeup import Wakeup, wakeup_for
from kleanxmpp.ports import DatabaseHealth, Transaction

_schema = table("alembic_version", column("version_num"))


class SqlTransaction(
    Companies,
    Users,
    Credentials,
    Groups,
    Circles,
    People,
    DueScopes,
    Records,
    Guard,
    Tokens,
    Files,
    Photos,
    Sources,
    Hooks,
    Scheduled,
    Rules,
    Events,
    Scim,
    Website,
    Editing,
    Statistics,
):
    """One transaction in the database; see `kleanxmpp.ports.Transaction`."""

    __slots__ = ()


class SqlDirectory:
    """The truth, in a database. `url` is `sqlite:///FILE` or `postgresql://USER:SECRET@HOST/NAME`.

    `lock_timeout`: seconds to wait for other transactions before DirectoryUnavailable. `poll`: seconds between two
    looks for what other processes marked due (SQLite), or for a lost connection to the notifications (PostgreSQL).
    One task may wait for changes. Close it when done.
    """

    def __init__(self, url: str, *, lock_timeout: float = 10.0, poll: float = 1.0) -> None:
        self.engines = engine.open_engines(url, lock_timeout=lock_timeout)
        self._wakeup: Wakeup = wakeup_for(self.engines, poll=poll)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        async with _transaction(self.engines.reading) as session:
            yield SqlTransaction(session)

    @asynccontextmanager
    async def write(self, company_id: str | None = None) -> AsyncIterator[Transaction]:
        async with _transaction(self.engines.writing, company_id=company_id) as session:
            yield SqlTransaction(session)
        if session.marked:
            self._wakeup.set()

    async def wait_for_change(self, *, timeout: float) -> None:
        await self._wakeup.wait(timeout=timeout)

    async def check(self) -> None:
        async with _transaction(self.engines.reading) as session:
            found = await session.scalar(select(_schema.c.version_num))
        if found != REVISION:
            raise errors.DirectoryUnavailable(
                "The directory's database is not migrated to this version: kleanxmpp db upgrade."
            )

    async def examine(self) -> DatabaseHealth:
        await self.check()
        with translated():
            async with self.engines.reading.connect() as connection:
                now, faults = await engine.examine(connection)
        return DatabaseHealth(now=now, faults=faults)

    async def close(self) -> None:
        """Close all connections."""
        await self._wakeup.close()
        await self.engines.close()


@asynccontextmanager
async def _transaction(source: AsyncEngine, *, company_id: str | None = None) -> AsyncIterator[Session]:
    async with AsyncExitStack() as stack:
        with translated():
            connection = await stack.enter_async_context(source.connect())
            await connection.begin()
            if company_id is not None:
                await engine.serialise(connection, company_id)
        session = Session(connection)
        yield session
        with translated():
            if session.marked:
                await engine.notify(connection)
            await connection.commit()
