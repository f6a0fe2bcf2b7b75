"""Reading the audit log's chains from the directory, a page at a time: verifying one, and exporting it.

Both stay flat in memory. All of one chain is read in one transaction, so what is appended meanwhile disturbs nothing.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from kleanxmpp import audit, errors
from kleanxmpp.audit import Checked, Damage, Problem
from kleanxmpp.model import AuditEntry, ChainHead
from kleanxmpp.ports import Transaction

_PAGE = 500
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
    problems: list[Problem] = []
    seen, found_noted, readable = Checked(), noted == audit.EMPTY, True
    try:
        async for entry in entries(tx, company_id, after=_BELOW_ALL):
            seen, problem = audit.check(seen, entry)
            if problem is not None and len(problems) < _TOLD:
                problems.append(problem)
            if noted is not None and entry.number == noted.number:
                found_noted = entry.hash == noted.hash
    except errors.Damaged:
        problems.append(_unreadable(seen))
        readable = False
    head = await tx.chain_head(company_id)
    if readable:
        ends = (audit.check_end(seen, head), _began(company_id, seen, head), _as_noted(noted, found=found_noted))
        problems += [problem for problem in ends if problem is not None]
    return Verification(
        chain=audit.chain_of(company_id), entries=seen.entries, head=head or audit.EMPTY, problems=problems
    )


async def entries(tx: Transaction, company_id: str | None, *, after: int = 0) -> AsyncIterator[AuditEntry]:
    """Yield the entries of a chain with numbers greater than `after`. Raises Damaged at one that cannot be read."""
    last, limit = after_number(after), _PAGE
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
        last = (page[-1].number, page[-1].id)


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
