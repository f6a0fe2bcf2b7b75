"""`MemoryDirectory`, the twin of the `Directory` port that lives in memory: same promises, same contract suite.

A write works on a copy of all tables and puts it in their place when it ends well; a read looks at the tables
as they were when it began. All writes queue for one lock.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from kleanxmpp import errors
from kleanxmpp.ports import DatabaseHealth, Transaction
from kleanxmpp.testing_editing import MemoryEditing
from kleanxmpp.testing_events import MemoryEvents
from kleanxmpp.testing_files import MemoryFiles
from kleanxmpp.testing_groups import MemoryCircles, MemoryGroups
from kleanxmpp.testing_guard import MemoryGuard
from kleanxmpp.testing_hooks import MemoryHooks, MemoryScheduled
from kleanxmpp.testing_people import MemoryCompanies, MemoryUsers
from kleanxmpp.testing_photos import MemoryPhotos
from kleanxmpp.testing_records import MemoryDue, MemoryRecords
from kleanxmpp.testing_rules import MemoryRules
from kleanxmpp.testing_scim import MemoryScim
from kleanxmpp.testing_sources import MemorySources
from kleanxmpp.testing_statistics import MemoryStatistics
from kleanxmpp.testing_tables import Tables
from kleanxmpp.testing_website import MemoryWebsite


class MemoryTransaction(
    MemoryCompanies,
    MemoryUsers,
    MemoryGroups,
    MemoryCircles,
    MemoryRules,
    MemoryDue,
    MemoryRecords,
    MemoryGuard,
    MemoryFiles,
    MemoryPhotos,
    MemorySources,
    MemoryHooks,
    MemoryScheduled,
    MemoryEvents,
    MemoryScim,
    MemoryWebsite,
    MemoryEditing,
    MemoryStatistics,
):
    """One transaction on the tables in memory; see `kleanxmpp.ports.Transaction`."""


class MemoryDirectory:
    """The truth, in memory. Set `available` to False to have every transaction raise DirectoryUnavailable."""

    def __init__(self) -> None:
        self.available = True
        self._tables = Tables()
        self._writing = asyncio.Lock()
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        await self.check()
        yield MemoryTransaction(self._tables, writable=False)

    @asynccontextmanager
    async def write(self, company_id: str | None = None) -> AsyncIterator[Transaction]:
        async with self._writing:
            await self.check()
            tables = self._tables.copy()
            transaction = MemoryTransaction(tables, writable=True)
            yield transaction
            self._tables = tables
        if transaction.marked:
            self._changed.set()

    async def wait_for_change(self, *, timeout: float) -> None:
        try:
            async with asyncio.timeout(timeout):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()

    async def check(self) -> None:
        await asyncio.sleep(0)  # a database would let other tasks run here, too
        if not self.available:
            raise errors.DirectoryUnavailable

    async def examine(self) -> DatabaseHealth:
        await self.check()
        return DatabaseHealth(now=datetime.now(UTC), faults=())

    async def close(self) -> None:
        """Do nothing, like a database's close."""
