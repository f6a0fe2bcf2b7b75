"""The two login views on PostgreSQL. Apart from `logins` so that asyncpg is loaded only where it is used.

One connection is kept between questions (a login must not cost a connection). It holds no data back:
every question is its own transaction. A connection that turns out to be dead is replaced once, at once.
"""

import asyncio

import asyncpg  # type: ignore[import-untyped]

from ejabberd.logins import LookupFailed

_SECONDS = 2.0
_HAS_LOGIN = "SELECT EXISTS (SELECT 1 FROM logins WHERE domain = $1 AND username = $2 AND secret_sha256 = $3)"
_MAY_LOG_IN = "SELECT EXISTS (SELECT 1 FROM may_log_in WHERE domain = $1 AND username = $2)"
_SETTINGS = {
    "application_name": "kleanxmpp-extauth",
    "default_transaction_read_only": "on",
    "statement_timeout": "2000",
}


class PostgresLogins:
    """Asks PostgreSQL, from a program that is not asynchronous itself."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._runner = asyncio.Runner()
        self._connection: asyncpg.Connection | None = None

    def accepts(self, domain: str, username: str, secret_sha256: str) -> bool:
        """Tell whether this credential opens the user's account now."""
        return self._runner.run(self._ask(_HAS_LOGIN, domain, username, secret_sha256))

    def may_log_in(self, domain: str, username: str) -> bool:
        """Tell whether the user may log in now."""
        return self._runner.run(self._ask(_MAY_LOG_IN, domain, username))

    def close(self) -> None:
        """Close the connection."""
        self._drop()
        self._runner.close()

    async def _ask(self, question: str, *values: str) -> bool:
        reused = self._connection is not None
        try:
            return await self._ask_once(question, *values)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            self._drop()
            if not reused or isinstance(error, (TimeoutError, asyncpg.QueryCanceledError)):
                raise LookupFailed(f"PostgreSQL: {type(error).__name__}: {error}") from error
        return await self._ask(question, *values)

    async def _ask_once(self, question: str, *values: str) -> bool:
        if self._connection is None or self._connection.is_closed():
            # No prepared statements: a pooler in between may hand each question to another connection.
            self._connection = await asyncpg.connect(
                self._address, timeout=_SECONDS, command_timeout=_SECONDS,
                server_settings=_SETTINGS, statement_cache_size=0,
            )  # fmt: skip
        return bool(await self._connection.fetchval(question, *values))

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
