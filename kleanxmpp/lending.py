"""One open transaction lent to use cases that would each open their own: all of them happen, or none does.

A use case asks a `Directory` for a transaction. `Lent` gives every one of them the same, so that they run unchanged
inside a bulk request or a dry run (`kleanxmpp.rehearsal`), and only who lends it decides whether it is committed.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from kleanxmpp.due import Due
from kleanxmpp.model import AuditEntry
from kleanxmpp.ports import DatabaseHealth, Directory, Transaction


class Lent:
    """A directory whose transactions are all the one that is lent. One task at a time, as long as it is open."""

    def __init__(self, directory: Directory, transaction: Transaction) -> None:
        self._directory = directory
        self._transaction = transaction

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """Lend it: what was written before is seen."""
        yield self._transaction

    @asynccontextmanager
    async def write(self, company_id: str | None = None) -> AsyncIterator[Transaction]:
        """Lend it: nothing is committed at the end of the block."""
        yield self._transaction

    async def wait_for_change(self, *, timeout: float) -> None:
        """Wait as the directory does."""
        await self._directory.wait_for_change(timeout=timeout)

    async def check(self) -> None:
        """Check the directory."""
        await self._directory.check()

    async def examine(self) -> DatabaseHealth:
        """Examine the directory."""
        return await self._directory.examine()


@asynccontextmanager
async def together(directory: Directory, company_id: str) -> AsyncIterator[Lent]:
    """Lend one transaction to many use cases. It is committed when the block ends well; else nothing happened."""
    async with directory.write(company_id) as tx:
        writing = _WritingLater(tx)
        yield Lent(directory, cast(Transaction, writing))  # all else is the transaction's own: `__getattr__`
        await writing.write()


class _WritingLater:
    """A transaction that keeps audit entries and marks to the end: no use case reads them, and many cost like one."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._entries: list[AuditEntry] = []
        self._marks: list[Due] = []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the transaction has
        return getattr(self._transaction, name)

    async def add_audit(self, entries: Sequence[AuditEntry]) -> None:
        self._entries += entries

    async def mark_due(self, marks: Sequence[Due]) -> None:
        self._marks += marks

    async def write(self) -> None:
        """Write what was kept."""
        await self._transaction.mark_due(self._marks)
        await self._transaction.add_audit(self._entries)
