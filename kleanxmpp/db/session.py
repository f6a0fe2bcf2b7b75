"""One transaction on one connection, with our errors: what the tables' modules (`directory_…`) speak through."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, CursorResult, Executable, Row, Select, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from kleanxmpp.batches import batches
from kleanxmpp.db import engine
from kleanxmpp.db.failures import translated
from kleanxmpp.rules import Rule

CHUNK = 5_000
"""Values in one IN (…): SQLite takes 32,766 variables in a statement, PostgreSQL's protocol 32,767."""


class Session:
    """Runs statements. `marked` is True once something was marked due in this transaction.

    `rules` are those of the companies whose rules were read in it: company id -> group id -> rule.
    """

    __slots__ = ("_connection", "marked", "rules")

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.marked = False
        self.rules: dict[str, dict[str, Rule]] = {}

    async def run(self, statement: Executable, values: Mapping[str, object] | None = None) -> CursorResult[Any]:
        """Run one statement."""
        with translated():
            return await self._connection.execute(statement, values)

    async def run_many(self, statement: Executable, rows: Sequence[Mapping[str, object]]) -> None:
        """Run one statement with each of these rows; nothing for none."""
        if rows:
            with translated():
                await self._connection.execute(statement, rows)

    async def rows(
        self, query: Select[Any] | CompoundSelect[Any], values: Mapping[str, object] | None = None
    ) -> Sequence[Row[Any]]:
        """Return all rows."""
        return (await self.run(query, values)).all()

    async def row(self, query: Select[Any]) -> Row[Any] | None:
        """Return the first row."""
        return (await self.run(query)).first()

    async def scalar(self, query: Select[Any]) -> Any:  # noqa: ANN401 - the query decides
        """Return the first column of the first row, or None."""
        return (await self.run(query)).scalar()

    def insert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """Return an INSERT that knows `on_conflict_do_update`."""
        return self.inserting(table)

    @property
    def inserting(self) -> engine.Inserting:
        """What makes such an INSERT; equal for the same database, so that statements can be made once."""
        return engine.inserting(self._connection)

    def moment_text(self, column: ColumnElement[datetime]) -> ColumnElement[str]:
        """Return an expression for a stored moment as text."""
        return engine.moment_text(self._connection, column)

    @asynccontextmanager
    async def whole(self, *, rows: int | None = None) -> AsyncIterator[None]:
        """Undo the block when it raises and leave the transaction usable, also after a Conflict on PostgreSQL.

        `rows`: the block is one statement with so many rows. SQLite undoes that by itself for a single one.
        """
        with translated():
            if rows == 1 and engine.undoes_statements(self._connection):
                yield
            else:
                async with self._connection.begin_nested():
                    yield


class Part:
    """What a module about one noun adds to the transaction."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session


def chunks(keys: Iterable[str]) -> Iterator[list[str]]:
    """Return the keys in lists that fit into one statement."""
    return batches(keys, CHUNK)
