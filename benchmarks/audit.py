"""An audit log of 100,000 entries verified from its first one on, on SQLite: as the program does it, and one by one.

The plain way makes a value of every entry and checks it, as is done from the first problem of a damaged log on. Both
hash everything. Needs no ejabberd.
"""

import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime

from benchmarks import people
from benchmarks.figures import Figure, compared
from benchmarks.world import Bench
from kleanxmpp import audit, chains
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.db.migrate import upgrade_database
from kleanxmpp.model import AuditEntry, Company
from kleanxmpp.ports import Transaction

_AT_ONCE = 5_000
_Verify = Callable[[Transaction, str], Coroutine[None, None, int]]


async def measure(bench: Bench) -> list[Figure]:
    """Verify the log both ways in each round, one right after the other."""
    count, rounds = bench.pick(100_000, 10_000), bench.pick(5, 2)
    url = f"sqlite:///{bench.folder / 'audit.db'}"
    await upgrade_database(url)
    directory = SqlDirectory(url)
    try:
        company = people.company("firma.test")
        bench.say(f"{count} entries are written")
        await _fill(directory, company, count)
        seconds: dict[_Verify, list[float]] = {_verified: [], _one_by_one: []}
        for number in range(rounds):
            for way, taken in seconds.items():
                bench.say(f"{count} entries, round {number + 1} of {rounds}")
                async with directory.read() as tx:
                    began = time.process_time()
                    entries = await way(tx, company.id)
                    taken.append(time.process_time() - began)
                if entries != count:
                    raise RuntimeError(f"{entries} entries are intact instead of {count}")
        return [
            compared(
                f"verifying {count} entries of the audit log, beside one by one: processor time",
                seconds[_verified],
                seconds[_one_by_one],
                unit="s",
                at_most=0.5,
            )
        ]
    finally:
        await directory.close()


async def _fill(directory: SqlDirectory, company: Company, count: int) -> None:
    async with directory.write(company.id) as tx:
        await tx.save_company(company)
    now = datetime.now(UTC)
    for first in range(0, count, _AT_ONCE):
        entries = [
            AuditEntry(
                company_id=company.id, at=now, actor="hook:hr", action="user.changed", subject=f"user:{number}",
                reason="Vertrag" if number % 3 == 0 else None, details={"fields": ["email", "attributes"], "n": number},
            )
            for number in range(first, min(first + _AT_ONCE, count))
        ]  # fmt: skip
        async with directory.write(company.id) as tx:
            await tx.add_audit(entries)


async def _verified(tx: Transaction, company_id: str) -> int:
    found = await chains.verify(tx, company_id)
    return found.entries if found.intact else 0


async def _one_by_one(tx: Transaction, company_id: str) -> int:
    seen = audit.Checked()
    async for entry in chains.entries(tx, company_id):
        seen, problem = audit.check(seen, entry)
        if problem is not None:
            return 0
    return seen.entries
