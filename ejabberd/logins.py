"""The directory as the login program sees it: two views, read only, never cached.

`logins(domain, username, secret_sha256)` has one row per credential of a user who may log in,
`may_log_in(domain, username)` one row per user who may log in. Secrets are compared as SHA-256 in SQL: they
are random with at least 128 bits, so neither a slow hash nor a constant-time comparison adds anything
(nobody can steer the digest of a guess towards a stored one).

SQLite is opened anew for every question. That costs a fraction of a millisecond and leaves nothing that
could be stale: not after the writer was restarted, nor after the file was replaced by a backup.
"""

import os
import sqlite3
import time
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, unquote, urlsplit

BUSY_SECONDS = 1.0
_ATTEMPTS = 5
_RECENT_NS = 20_000_000

_HAS_LOGIN = "SELECT 1 FROM logins WHERE domain = {} AND username = {} AND secret_sha256 = {} LIMIT 1"
_MAY_LOG_IN = "SELECT 1 FROM may_log_in WHERE domain = {} AND username = {} LIMIT 1"


class LookupFailed(Exception):
    """The directory cannot be asked now. Carries a reason for the log, never a secret."""


class Logins(Protocol):
    """What the login program asks. Both raise LookupFailed when there is no answer."""

    def accepts(self, domain: str, username: str, secret_sha256: str) -> bool:
        """Tell whether this credential opens the user's account now."""

    def may_log_in(self, domain: str, username: str) -> bool:
        """Tell whether the user may log in now."""

    def close(self) -> None:
        """Let go of what is held between questions."""


def open_logins(database: str) -> Logins:
    """Choose the database by its address: `sqlite:////path` or `postgresql://role:password@host/name`."""
    scheme = database.partition(":")[0].partition("+")[0]
    if scheme == "sqlite":
        return SqliteLogins(Path(unquote(urlsplit(database).path.removeprefix("/"))))
    if scheme in ("postgresql", "postgres"):
        from ejabberd.postgres_logins import PostgresLogins

        return PostgresLogins("postgresql:" + database.partition(":")[2])
    raise LookupFailed("the setting `database` must begin with sqlite: or postgresql:")


class SqliteLogins:
    """Reads a database that another unix user writes, with nothing but the right to read files."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def accepts(self, domain: str, username: str, secret_sha256: str) -> bool:
        """Tell whether this credential opens the user's account now."""
        return self._ask(_HAS_LOGIN.format("?", "?", "?"), domain, username, secret_sha256)

    def may_log_in(self, domain: str, username: str) -> bool:
        """Tell whether the user may log in now."""
        return self._ask(_MAY_LOG_IN.format("?", "?"), domain, username)

    def close(self) -> None:
        """Nothing is held between questions."""

    def _ask(self, question: str, *values: str) -> bool:
        for _ in range(_ATTEMPTS):
            try:
                return self._ask_file("mode=ro", question, values)
            except sqlite3.Error as error:
                if not _cannot_open(error):
                    raise LookupFailed(f"SQLite: {error}") from error
            answer = self._ask_at_rest(question, values)
            if answer is not None:
                return answer
        raise LookupFailed("SQLite: cannot open the database (missing, no right to read it, or changing all the time)")

    def _ask_at_rest(self, question: str, values: tuple[str, ...]) -> bool | None:
        """Ask a database in WAL mode that nobody has open; None if it was not at rest, so ask again.

        After a clean end of the writer there is no -wal file and SQLite wants to create one, which we
        may not. `immutable` reads the file as it lies there; that is right only as long as it does not
        change, so its state is compared before and after.
        """
        before = self._state()
        if before is None or time.time_ns() - before[-1] < _RECENT_NS:
            time.sleep(_RECENT_NS / 1e9)
            return None
        try:
            answer = self._ask_file("mode=ro&immutable=1", question, values)
        except sqlite3.Error as error:
            if self._state() == before:
                raise LookupFailed(f"SQLite: {error}") from error
            return None
        return answer if self._state() == before else None

    def _state(self) -> tuple[int, ...] | None:
        """Identity and time of the last change of the file at rest; None while somebody has it open."""
        if any(os.path.exists(f"{self._file}{suffix}") for suffix in ("-wal", "-shm", "-journal")):
            return None
        try:
            file, folder = os.stat(self._file), os.stat(self._file.parent)
        except OSError as error:
            raise LookupFailed(f"the database file: {error.strerror}") from error
        changed = max(file.st_mtime_ns, file.st_ctime_ns, folder.st_mtime_ns)
        return (file.st_dev, file.st_ino, file.st_size, file.st_mtime_ns, folder.st_mtime_ns, changed)

    def _ask_file(self, options: str, question: str, values: tuple[str, ...]) -> bool:
        address = f"file:{quote(str(self._file))}?{options}"
        connection = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            return connection.execute(question, values).fetchone() is not None
        finally:
            connection.close()


def _cannot_open(error: sqlite3.Error) -> bool:
    """Tell whether SQLite failed because it may not create or write the files beside the database."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


def login_role_sql(role: str) -> str:
    """Return the statements that give a PostgreSQL role the two views and nothing else.

    The role itself (`CREATE ROLE … LOGIN PASSWORD …`) is made by the operator: no secret passes through here.
    """
    name = '"' + role.replace('"', '""') + '"'
    return (
        f"ALTER ROLE {name} SET default_transaction_read_only = on;\n"
        f"ALTER ROLE {name} SET statement_timeout = '2s';\n"
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {name};\n"
        f"GRANT USAGE ON SCHEMA public TO {name};\n"
        f"GRANT SELECT ON logins, may_log_in TO {name};\n"
    )
