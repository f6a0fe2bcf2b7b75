"""The loop: takes due scopes, off-boardings first, and has each worked on; one worker per scope, parallel across.

Nothing is claimed in the database: one process reconciles, and a scope stays due until it was proven right, so a
crash loses nothing. While the server is away nothing is tried and no attempt counts: work waits, and is done
when the server is back, followed by a sweep, because nobody knows what happened meanwhile.
"""

import asyncio
import logging
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from kleanxmpp import errors, metrics, on_schedule, returns
from kleanxmpp.due import Due, Priority, Scope, ScopeKind
from kleanxmpp.due_ports import LONGEST_PAUSE
from kleanxmpp.guard import Limits
from kleanxmpp.model import Company
from kleanxmpp.ports import Directory, Server
from kleanxmpp.scopes import Worker
from kleanxmpp.sweep import sweep
from kleanxmpp.sweep_report import SweepReport

log = logging.getLogger(__name__)

_BURST = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast the loop works. Times are seconds; `share` and `floor` are the safety valve of sweeps.

    `workers` scopes are worked on at the same time, and beside them `closings` off-boardings: those wait behind
    nothing else, and many at once share calls and transactions.
    """

    workers: int = 16
    closings: int = 200
    sweep_interval: float = 900.0
    retry_min: float = 1.0
    retry_max: float = 300.0
    probe_interval: float = 0.5
    share: float = 0.2
    floor: int = 10


def retry_delay(attempts: int, *, pace: Pace, jitter: float) -> float:
    """Return the seconds until the next attempt: doubling, capped, spread by up to a quarter (`jitter` in 0..1)."""
    longest = min(pace.retry_max, LONGEST_PAUSE.total_seconds())
    return min(pace.retry_min * 2.0 ** min(attempts, 20), longest) * (0.75 + jitter / 4)


@dataclass(slots=True, kw_only=True)
class Reconciler:
    """Keeps the server equal to the directory until it is cancelled. `away` says why nothing is tried right now.

    `limits`: how many people plans of a door may off-board.
    """

    directory: Directory
    server: Server
    worker: Worker
    pace: Pace = field(default_factory=Pace)
    limits: Limits = field(default_factory=Limits)
    away: str | None = "The XMPP server was not reached yet."
    away_since: datetime | None = field(default_factory=lambda: datetime.now(UTC))
    reports: dict[str, SweepReport] = field(default_factory=dict)
    _active: dict[Scope, asyncio.Task[None]] = field(default_factory=dict)
    _closing: set[Scope] = field(default_factory=set)
    _freed: asyncio.Event = field(default_factory=asyncio.Event)
    _sweep_wanted: asyncio.Event = field(default_factory=asyncio.Event)
    _watching: dict[Scope, set[asyncio.Event]] = field(default_factory=lambda: defaultdict(set))
    _changed: tuple[asyncio.Event, asyncio.Event] = field(default_factory=lambda: (asyncio.Event(), asyncio.Event()))

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sweep_forever())
            ends, plans = self._changed  # one each: who waits clears it
            group.create_task(returns.end_on_time(self.directory, changed=ends))
            group.create_task(on_schedule.run_on_time(self.directory, limits=self.limits, changed=plans))
            while True:
                try:
                    self._freed.clear()
                    if self.away is not None and not await self._probe():
                        self._tell_of_change()
                        await asyncio.sleep(self.pace.probe_interval)
                        continue
                    started = await self._start_due(group)
                    if not started:
                        await self._rest()
                except errors.DirectoryUnavailable:
                    log.warning("directory unavailable, trying again")
                    await asyncio.sleep(self.pace.probe_interval)

    def look_around(self) -> None:
        """Sweep as soon as possible: the server came back, or somebody asked."""
        self._sweep_wanted.set()

    async def sweep_now(
        self, company: Company, *, force: bool = False, dry_run: bool = False, actor: str | None = None
    ) -> SweepReport:
        """Compare everything of one company once, mark what differs as due (not on a dry run), and report."""
        report = await sweep(
            self.directory,
            self.server,
            company,
            pace=(self.pace.share, self.pace.floor),
            rooms_prefix=self.worker.steps.rooms_prefix,
            force=force,
            dry_run=dry_run,
            actor=actor,
        )
        if not dry_run:
            self.reports[company.id] = report
        return report

    @contextmanager
    def watched(self, scope: Scope) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever work on the scope has ended here, well or not."""
        ended = asyncio.Event()
        self._watching[scope].add(ended)
        try:
            yield ended
        finally:
            self._watching[scope].discard(ended)
            if not self._watching[scope]:
                del self._watching[scope]

    async def _probe(self) -> bool:
        try:
            await self.server.check()
        except errors.ServerError as error:
            self._set_away(str(error))
            return False
        if self.away is not None:
            log.info("server reachable")
        self.away, self.away_since = None, None
        metrics.SERVER_REACHABLE.set(1)
        self.look_around()
        return True

    def _set_away(self, why: str) -> None:
        if self.away is None:
            log.warning("server away, work waits")
            self.away_since = datetime.now(UTC)
        self.away = why
        metrics.SERVER_REACHABLE.set(0)

    async def _start_due(self, group: asyncio.TaskGroup) -> bool:
        """Start work on what is due; return whether there was anything to start."""
        now = datetime.now(UTC)
        busy = set(self._active)  # before the read: what ends while it lasts may be in it, but is not due any more
        free, closings = self._free(), self.pace.closings - len(self._closing)
        async with self.directory.read() as tx:
            few = max(free, 1)
            found = await tx.take_due(now=now, limit=few, besides=busy)
            if len(found) == few and found[-1].priority is Priority.OFFBOARDING:
                found = await tx.take_due(now=now, limit=max(free, 0) + max(closings, 0), besides=busy)
        first = [due for due in found if due.priority is Priority.OFFBOARDING][: max(closings, 0)]
        others = [due for due in found if due.priority is not Priority.OFFBOARDING][: max(free, 0)]
        self._closing.update(due.scope for due in first)
        for due in (*first, *others):
            self._active[due.scope] = group.create_task(self._work(due))
        return bool(first or others)

    def _tell_of_change(self) -> None:
        for event in self._changed:
            event.set()

    def _free(self) -> int:
        """Return how many workers have nothing to do."""
        return self.pace.workers - (len(self._active) - len(self._closing))

    async def _rest(self) -> None:
        """Wait until a worker is free again, something was marked due, or the next attempt is due."""
        async with self.directory.read() as tx:
            moment = await tx.next_attempt_at(besides=set(self._active))
        timeout = 5.0
        if moment is not None and self._free() > 0:
            timeout = min(timeout, max((moment - datetime.now(UTC)).total_seconds(), 0.05))
        waits: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(self._freed.wait()),
            asyncio.ensure_future(self.directory.wait_for_change(timeout=timeout)),
        ]
        try:
            await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if waits[-1].done():
                self._tell_of_change()
            if self._closing:
                await asyncio.sleep(_BURST)  # many end in one moment, and what is due is read once for all of them
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _work(self, due: Due) -> None:
        work: Callable[[Due], Awaitable[None]] = {
            ScopeKind.USER: self.worker.user,
            ScopeKind.GROUP: self.worker.group,
            ScopeKind.COMPANY: self.worker.company,
        }[due.scope.kind]
        kind = due.scope.kind.value
        try:
            await work(due)
            metrics.SCOPES.labels(kind=kind, outcome="right").inc()
        except errors.DirectoryUnavailable:
            metrics.SCOPES.labels(kind=kind, outcome="directory unavailable").inc()
            await asyncio.sleep(self.pace.probe_interval)
        except errors.KleanError as error:
            metrics.SCOPES.labels(kind=kind, outcome="failed").inc()
            await self._failed(due, error)
        except Exception as error:  # the outermost border of a scope: a defect in one must not stop all others
            metrics.SCOPES.labels(kind=kind, outcome="defect").inc()
            log.exception("defect while working on a scope", extra={"scope": kind, "id": due.scope.id})
            await self._failed(due, errors.Permanent(f"A defect in the program: {type(error).__name__}."))
        finally:
            self._active.pop(due.scope, None)
            self._closing.discard(due.scope)
            self._freed.set()
            for ended in self._watching.get(due.scope, ()):
                ended.set()

    async def _failed(self, due: Due, error: errors.KleanError) -> None:
        if isinstance(error, errors.Temporary) and not await self._still_there():
            return
        delay = retry_delay(due.attempts, pace=self.pace, jitter=random.random())
        log.warning("scope failed", extra={"scope": due.scope.kind.value, "id": due.scope.id, "error": str(error)})
        try:
            async with self.directory.write() as tx:
                at = datetime.now(UTC) + timedelta(seconds=delay)
                await tx.fail_due(due, error=str(error), next_attempt_at=at)
        except errors.DirectoryUnavailable:
            log.warning("directory unavailable, the failed attempt is not recorded; the scope stays due")

    async def _still_there(self) -> bool:
        try:
            await self.server.check()
        except errors.ServerError as error:
            self._set_away(str(error))
            return False
        return True

    async def _sweep_forever(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self.pace.sweep_interval):
                    await self._sweep_wanted.wait()
            except TimeoutError:
                pass  # the interval is over: sweep now
            self._sweep_wanted.clear()
            if self.away is None:
                await self._sweep_all()

    async def _sweep_all(self) -> None:
        try:
            async with self.directory.read() as tx:
                companies = await tx.companies()
            for company in companies:
                if (await self.sweep_now(company)).held is not None:
                    log.error("sweep held back: it would remove too much", extra={"company": company.id})
        except errors.ServerError as error:
            log.warning("sweep broken off", extra={"error": str(error)})
            if not await self._still_there():
                return
        except errors.DirectoryUnavailable:
            log.warning("sweep broken off: directory unavailable")
