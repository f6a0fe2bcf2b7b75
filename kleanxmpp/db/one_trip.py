"""SQLite's driver with one trip to the connection's thread for each statement instead of four.

aiosqlite makes, executes, reads and closes a cursor in trips of their own; for the small statements that we send, the
trips cost more than SQLite. SQLAlchemy reads all rows at once anyway, so that here a cursor lives in its trip only, and
whoever is cancelled leaves none behind.
"""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import aiosqlite


class _Outcome(NamedTuple):
    """What a statement left: what SQLAlchemy asks a cursor for."""

    description: Any
    rowcount: int
    lastrowid: int | None
    rows: list[Any]


class OneTripConnection(aiosqlite.Connection):
    """A connection whose cursors are `OneTripCursor`."""

    def cursor(self) -> "OneTripCursor":  # type: ignore[override]  # entered and closed as aiosqlite's is
        """Return a cursor. It costs nothing."""
        return OneTripCursor(self)

    async def outcome(self, run: Callable[[sqlite3.Cursor], object]) -> _Outcome:
        """Run on a cursor, in the connection's thread, and return all there is to know."""
        found: _Outcome = await self._execute(_outcome, self._conn, run)  # type: ignore[no-untyped-call]  # has no types
        return found


class OneTripCursor:
    """What SQLAlchemy uses of an aiosqlite cursor."""

    arraysize = 1

    def __init__(self, connection: OneTripConnection) -> None:
        self._connection = connection
        self._left = _Outcome(description=None, rowcount=-1, lastrowid=None, rows=[])

    async def __aenter__(self) -> "OneTripCursor":
        return self

    async def execute(self, statement: str, parameters: Any = ()) -> "OneTripCursor":  # noqa: ANN401 - the driver's
        """Run a statement and read what it found."""
        self._left = await self._connection.outcome(lambda cursor: cursor.execute(statement, parameters))
        return self

    async def executemany(self, statement: str, parameters: Any) -> "OneTripCursor":  # noqa: ANN401 - the driver's
        """Run a statement with each of several rows."""
        self._left = await self._connection.outcome(lambda cursor: cursor.executemany(statement, parameters))
        return self

    async def fetchall(self) -> Sequence[Any]:
        """Return all rows."""
        return self._left.rows

    async def close(self) -> None:
        """Do nothing: it was closed when it was read."""

    @property
    def description(self) -> Any:  # noqa: ANN401 - the driver's
        """The columns; None for what finds no rows."""
        return self._left.description

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        return self._left.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The id of the row that was inserted last."""
        return self._left.lastrowid


def connect(database: str, **options: Any) -> OneTripConnection:  # noqa: ANN401 - the driver's
    """Return a connection to await, as `aiosqlite.connect` does. Its thread ends with the program."""
    found = OneTripConnection(lambda: sqlite3.connect(database, **options), iter_chunk_size=64)
    found._thread.daemon = True
    return found


def _outcome(connection: sqlite3.Connection, run: Callable[[sqlite3.Cursor], object]) -> _Outcome:
    cursor = connection.cursor()
    try:
        run(cursor)
        rows = cursor.fetchall() if cursor.description else []
        return _Outcome(cursor.description, cursor.rowcount, cursor.lastrowid, rows)
    finally:
        cursor.close()
