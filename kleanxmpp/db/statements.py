"""Counting SQL statements, for tests that hold costs to a number."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from kleanxmpp.db.directory import SqlDirectory


@contextmanager
def count_statements(directory: SqlDirectory) -> Iterator[list[str]]:
    """Yield a list that grows by each statement sent (BEGIN on SQLite and savepoints included, no values)."""
    sent: list[str] = []

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    reading, writing = directory.engines.reading.sync_engine, directory.engines.writing.sync_engine
    engines = [writing] if reading.pool is writing.pool else [reading, writing]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
