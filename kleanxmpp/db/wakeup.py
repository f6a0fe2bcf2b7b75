"""Waking the reconcile loop when something was marked due.

In one process the writer sets the wakeup after its commit. From other processes PostgreSQL notifies; on SQLite
we look every `poll` seconds at `PRAGMA data_version`, which costs microseconds and changes with every commit of
another connection. A wakeup says only "look": it may come for nothing, and stays set until somebody waits.
"""

import asyncio
import logging
import time
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kleanxmpp import errors
from kleanxmpp.db.engine import CHANNEL, Engines
from kleanxmpp.db.failures import translated

log = logging.getLogger(__name__)


class Elsewhere(Protocol):
    """What tells about other processes."""

    async def changed(self) -> bool:
        """Return whether something may have changed since the last call. True when that cannot be known."""

    async def close(self) -> None:
        """Let go of the connection."""


class Wakeup:
    """Something to wait for, set from this process or from elsewhere. One task waits at a time."""

    def __init__(self, elsewhere: Elsewhere, *, event: asyncio.Event, poll: float) -> None:
        self._elsewhere = elsewhere
        self._event = event
        self._poll = poll

    def set(self) -> None:
        """Wake who waits, or who waits next."""
        self._event.set()

    async def wait(self, *, timeout: float) -> None:
        """Return when set, or after `timeout` seconds. A database that is away is no reason to return."""
        end = time.monotonic() + timeout
        while not self._event.is_set() and not await self._changed_elsewhere():
            left = end - time.monotonic()
            if left <= 0:
                return
            await self._pause(min(left, self._poll))
        self._event.clear()

    async def close(self) -> None:
        """Let go of the connection."""
        await self._elsewhere.close()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return

    async def _changed_elsewhere(self) -> bool:
        try:
            return await self._elsewhere.changed()
        except errors.DirectoryUnavailable as error:
            log.warning("cannot hear of changes by other processes: %s", error)
            return False


def wakeup_for(engines: Engines, *, poll: float) -> Wakeup:
    """Return the wakeup that fits the database."""
    event = asyncio.Event()
    sqlite = engines.reading.dialect.name == "sqlite"
    elsewhere = _DataVersion(engines.reading) if sqlite else _Notifications(engines.writing, event=event)
    return Wakeup(elsewhere, event=event, poll=poll)


class _DataVersion:
    """SQLite: `PRAGMA data_version` on a connection of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._connection: AsyncConnection | None = None
        self._seen: int | None = None

    async def changed(self) -> bool:
        try:
            with translated():
                if self._connection is None:
                    self._connection = await self._engine.connect()
                async with self._connection.begin():
                    found = (await self._connection.exec_driver_sql("PRAGMA data_version")).scalar()
        except BaseException:
            await self.close()  # cancelled or failed: begin anew with another connection
            raise
        before, self._seen = self._seen, found
        return before != found

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None


class _Notifications:
    """PostgreSQL: LISTEN on a connection of its own, opened again when it was lost."""

    def __init__(self, engine: AsyncEngine, *, event: asyncio.Event) -> None:
        self._engine = engine
        self._event = event
        self._connection: AsyncConnection | None = None
        self._driver: Any = None  # asyncpg's connection: it has no types

    async def changed(self) -> bool:
        if self._driver is not None and not self._driver.is_closed():
            return False
        await self.close()
        try:
            with translated():
                self._connection = await self._engine.connect()
                self._driver = (await self._connection.get_raw_connection()).driver_connection
                await self._driver.add_listener(CHANNEL, self._heard)
                self._driver.add_termination_listener(self._heard)
        except BaseException:
            await self.close()  # cancelled or failed: begin anew with another connection
            raise
        return True  # whatever happened until now was not heard

    async def close(self) -> None:
        connection, self._connection, self._driver = self._connection, None, None
        if connection is not None:
            await connection.invalidate()
            await connection.close()

    def _heard(self, *_: object) -> None:
        self._event.set()
