"""Reading the audit log's chains from the directory, a page at a time: verifying one, and exporting it.

Both stay flat in memory. All of one chain is read in one transaction, so what is appended meanwhile disturbs nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from kleanxmpp import audit, errors
from kleanxmpp.audit import Checked, Damage, Problem
from kleanxmpp.model import AuditEntry, ChainHead
from kleanxmpp.ports import Transaction
from kleanxmpp.record_ports import WrittenEntry

_PAGE, _VALUES = 2000, 500
"""Entries read at once, as plain columns and as values."""
_TOLD = 100
_GREATEST_ID = 2**63 - 1
_BELOW_ALL = -(2**63)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What verifying a chain found. `problems` holds the first hundred in the order of the entries."""

    chain: str
    entries: int
    head: ChainHead
    problems: Sequence[Problem]

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


async def verify(tx: Transaction, company_id: str | None, *, noted: ChainHead | None = None) -> Verification:
    """Check a whole chain, and that it still holds the head that somebody `noted` earlier."""
    going = _Verifying(tx=tx, company_id=company_id, noted=noted, found_noted=noted == audit.EMPTY)
    readable = True
    try:
        await going.through()
    except errors.Damaged:
        going.problems.append(_unreadable(going.seen))
        readable = False
    head, seen = await tx.chain_head(company_id), going.seen
    if readable:
        as_noted = _as_noted(noted, found=going.found_noted)
        ends = (audit.check_end(seen, head), _began(company_id, seen, head), as_noted)
        going.problems += [problem for problem in ends if problem is not None]
    return Verification(
        chain=audit.chain_of(company_id), entries=seen.entries, head=head or audit.EMPTY, problems=going.problems
    )


@dataclass(slots=True, kw_only=True)
class _Verifying:
    """A chain on its way to be verified: what is intact is hashed in a thread, the rest is looked at one by one."""

    tx: Transaction
    company_id: str | None
    noted: ChainHead | None
    found_noted: bool
    seen: Checked = field(default_factory=Checked)
    problems: list[Problem] = field(default_factory=list)

    async def through(self) -> None:
        """Go through the chain. Raises Damaged at an entry that cannot be read."""
        chain, last = audit.chain_of(self.company_id), after_number(_BELOW_ALL)
        while page := await self.tx.page_written(self.company_id, after=last, limit=_PAGE):
            followed = await asyncio.to_thread(audit.follow, self.seen, page, chain=chain)
            intact = followed.entries - self.seen.entries
            self.seen = followed
            for entry in page[:intact] if self.noted is not None else ():
                self._compare(entry.number, entry.hash)
            if intact < len(page):
                await self._closely(_place(page[intact - 1]) if intact else last, count=len(page) - intact)
            last = _place(page[-1])

    async def _closely(self, after: tuple[int, int], *, count: int) -> None:
        async with aclosing(_behind(self.tx, self.company_id, after)) as following:
            async for entry in following:
                self.seen, problem = audit.check(self.seen, entry)
                if problem is not None and len(self.problems) < _TOLD:
                    self.problems.append(problem)
                self._compare(entry.number, entry.hash)
                count -= 1
                if not count:
                    return

    def _compare(self, number: int, hash: str) -> None:
        if self.noted is not None and number == self.noted.number:
            self.found_noted = hash == self.noted.hash


async def entries(tx: Transaction, company_id: str | None, *, after: int = 0) -> AsyncIterator[AuditEntry]:
    """Yield the entries of a chain with numbers greater than `after`. Raises Damaged at one that cannot be read."""
    async for entry in _behind(tx, company_id, after_number(after)):
        yield entry


async def _behind(tx: Transaction, company_id: str | None, last: tuple[int, int]) -> AsyncGenerator[AuditEntry, None]:
    limit = _VALUES
    while True:
        try:
            page = await tx.page_chain(company_id, after=last, limit=limit)
        except errors.Damaged:
            if limit == 1:
                raise
            limit = 1  # whatever stands before it is read first, one by one
            continue
        for entry in page:
            yield entry
        if not page:
            return
        last = _place(page[-1])


def _place(entry: AuditEntry | WrittenEntry) -> tuple[int, int]:
    return entry.number, entry.id


def after_number(number: int) -> tuple[int, int]:
    """Return the place behind every entry with this number, from where `page_chain` goes on."""
    return number, _GREATEST_ID


def line_of(entry: AuditEntry) -> str:
    """Return the line of an export: what the hash covers, the hash, and the database's id."""
    return audit.canonical(audit.facts(entry) | {"hash": entry.hash, "id": entry.id}).decode()


def _unreadable(seen: Checked) -> Problem:
    message = (
        f"What stands after entry {seen.number} cannot be read: it was changed past the program. "
        "Nothing from there on was checked."
    )
    return Problem(kind=Damage.UNREADABLE, number=seen.number + 1, message=message)


def _began(company_id: str | None, seen: Checked, head: ChainHead | None) -> Problem | None:
    """Find a company's chain that is gone altogether: it began with the company."""
    if company_id is None or seen.entries or head is not None:
        return None
    return Problem(kind=Damage.REMOVED, number=1, message="The company has no entries and no head: all were removed.")


def _as_noted(noted: ChainHead | None, *, found: bool) -> Problem | None:
    if noted is None or found:
        return None
    message = f"Entry {noted.number} does not have the hash that was noted: the log was cut off or written anew."
    return Problem(kind=Damage.REWRITTEN, number=noted.number, message=message)
