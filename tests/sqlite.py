"""A migrated SQLite database for each test: migrated once per process and copied then, because migrating takes long."""

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from kleanxmpp.db.migrate import upgrade_database

_whole: list[tuple[bytes, int]] = []
"""The migrated file's content and its permissions, once there is one."""


async def migrated_database(file: Path) -> str:
    """Make a migrated, empty database of the test's own in a new file and return its URL."""
    if not _whole:
        _whole.append(await _migrated())
    _copy(file)
    return f"sqlite:///{file}"


def _copy(file: Path) -> None:
    content, mode = _whole[0]
    file.write_bytes(content)
    file.chmod(mode)


async def _migrated() -> tuple[bytes, int]:
    with tempfile.TemporaryDirectory(prefix="klean-migrated-") as folder:
        file = Path(folder) / "directory.db"
        await upgrade_database(f"sqlite:///{file}")
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the file alone may lack what is in its journal
        return file.read_bytes(), file.stat().st_mode & 0o777
