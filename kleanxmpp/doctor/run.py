"""Running all checks: at the same time, each with its own limit, and sharing one run among all who ask at once.

A check that fails is `not checked` with the reason. Nothing is green because nobody could look.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from kleanxmpp import alarms, chains, errors, metrics
from kleanxmpp.doctor import local, trial
from kleanxmpp.doctor.facts import Addresses, Backup, Disk, Examination, Facts, Inside, NotChecked, Trial, Unavailable
from kleanxmpp.doctor.findings import Level, Report, Words, uncheckable
from kleanxmpp.doctor.lines import judge
from kleanxmpp.doctor.ports import Checkup
from kleanxmpp.model import Company
from kleanxmpp.ports import Directory
from kleanxmpp.source_ports import Source

T = TypeVar("T")

Progress = Callable[[int, int], None]

_LEFT_OUT = NotChecked(why=Words(de="Auf Wunsch nicht ausprobiert.", en="Not tried, as asked for."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the doctor has to know about the installation."""

    rooms_prefix: str
    component_prefix: str
    folders: tuple[Path, ...] = ()
    """Folders of ours whose disk must not be full."""
    backup_path: Path | None = None
    seconds: float = 15.0
    """For each check; the trial has limits of its own."""
    patience: trial.Patience = field(default_factory=trial.Patience)

    def addresses(self, company: Company) -> Addresses:
        """Return what belongs to the company."""
        domain = company.domain
        return Addresses(
            domain=domain, rooms=f"{self.rooms_prefix}.{domain}", component=f"{self.component_prefix}.{domain}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Doctor:
    """Checks companies one run at a time each. `fresh_for`: how long a result is good enough for `latest`."""

    directory: Directory
    checkup: Checkup
    surroundings: Surroundings
    fresh_for: timedelta = timedelta(seconds=60)
    _running: dict[str, asyncio.Lock] = field(default_factory=dict)
    _reports: dict[str, Report] = field(default_factory=dict)

    async def latest(self, company: Company) -> Report:
        """Return the last result if it is fresh, else run. Who asks meanwhile waits for the same run."""
        async with self._running.setdefault(company.id, asyncio.Lock()):
            known = self._reports.get(company.id)
            if known is not None and datetime.now(UTC) - known.at < self.fresh_for:
                return known
            self._reports[company.id] = await self.examine(company)
            return self._reports[company.id]

    def known(self, company: Company) -> Report | None:
        """Return the last result of `latest`, however old it is."""
        return self._reports.get(company.id)

    async def examine(self, company: Company, *, try_out: bool = True, progress: Progress | None = None) -> Report:
        """Run all checks now. Without `try_out` no synthetic user is made."""
        began = time.monotonic()
        facts = await self._facts(company, try_out=try_out, progress=progress or _silent)
        report = Report(
            domain=company.domain,
            at=datetime.now(UTC),
            seconds=time.monotonic() - began,
            findings=judge(facts),
        )
        for level in Level:
            metrics.DOCTOR_LINES.labels(company=company.domain, level=level.value).set(report.count(level))
        await alarms.note_report(self.directory, company, report)
        return report

    async def _facts(self, company: Company, *, try_out: bool, progress: Progress) -> Facts:
        around, checkup = self.surroundings, self.checkup
        counting = _Counting(progress)
        async with asyncio.TaskGroup() as tasks:

            def start(check: Awaitable[T]) -> asyncio.Task[T | NotChecked]:
                return tasks.create_task(counting.counted(_known(check, seconds=around.seconds)))

            release = start(checkup.release())
            inside = start(checkup.inside(company))
            stream = start(checkup.stream(company))
            certificates = start(checkup.certificates(company))
            commands = start(checkup.open_commands(company))
            gate = start(checkup.gate_exists(company))
            database = start(self._database())
            disks = start(self._disks(inside))
            audit = start(self._audit(company))
            sources = start(self._sources(company))
            backup = start(self._backup())
            tried = tasks.create_task(counting.counted(self._trial(company, try_out=try_out)))
        return Facts(
            now=datetime.now(UTC),
            addresses=around.addresses(company),
            release=release.result(),
            inside=inside.result(),
            stream=stream.result(),
            certificates=certificates.result(),
            open_commands=commands.result(),
            gate_exists=gate.result(),
            database=database.result(),
            disks=disks.result(),
            backup=backup.result(),
            audit=audit.result(),
            sources=sources.result(),
            trial=tried.result(),
        )

    async def _trial(self, company: Company, *, try_out: bool) -> Trial | NotChecked:
        if not try_out:
            return _LEFT_OUT
        around = self.surroundings
        trying = trial.attempt(
            self.directory, self.checkup, company, around.addresses(company), patience=around.patience
        )
        return await _known(trying, seconds=around.patience.whole)

    async def _database(self) -> Examination | Unavailable:
        try:
            health = await self.directory.examine()
        except errors.DirectoryUnavailable as error:
            return Unavailable(why=str(error))
        return Examination(clock_off=datetime.now(UTC) - health.now, faults=health.faults)

    async def _audit(self, company: Company) -> chains.Verification:
        async with self.directory.read() as tx:
            return await chains.verify(tx, company.id)

    async def _sources(self, company: Company) -> tuple[Source, ...]:
        async with self.directory.read() as tx:
            return tuple(await tx.sources(company.id))

    async def _disks(self, inside: asyncio.Task[Inside | NotChecked]) -> tuple[Disk, ...]:
        known = await asyncio.shield(inside)
        spool = (Path(known.spool),) if isinstance(known, Inside) else ()
        found = await asyncio.to_thread(local.disks, (*self.surroundings.folders, *spool))
        if not found:
            raise errors.Temporary("None of the folders is on this machine.")
        return found

    async def _backup(self) -> Backup | None:
        place = self.surroundings.backup_path
        return None if place is None else await asyncio.to_thread(local.newest_backup, place)


def without_directory(domain: str, *, why: str) -> Report:
    """Return the result where the directory cannot be opened: nobody knows the company, so nothing else is checked."""
    unknown, now = (
        NotChecked(why=Words(de="Ohne Verzeichnis nicht prüfbar.", en="Cannot be checked without a directory.")),
        datetime.now(UTC),
    )
    facts = Facts(
        now=now,
        addresses=Addresses(domain=domain, rooms="", component=""),
        release=unknown,
        inside=unknown,
        stream=unknown,
        certificates=unknown,
        open_commands=unknown,
        gate_exists=unknown,
        database=Unavailable(why=why),
        disks=unknown,
        backup=unknown,
        audit=unknown,
        sources=unknown,
        trial=unknown,
    )
    return Report(domain=domain, at=now, seconds=0.0, findings=judge(facts))


@dataclass(slots=True)
class _Counting:
    progress: Progress
    started: int = 0
    done: int = 0

    async def counted(self, check: Awaitable[T]) -> T:
        self.started += 1
        found = await check
        self.done += 1
        self.progress(self.done, self.started)
        return found


async def _known(check: Awaitable[T], *, seconds: float) -> T | NotChecked:
    """Return what a check saw, or why it saw nothing."""
    try:
        async with asyncio.timeout(seconds):
            return await check
    except TimeoutError:
        return NotChecked(
            why=Words(de=f"Keine Antwort in {seconds:.0f} Sekunden.", en=f"No answer within {seconds:.0f} seconds.")
        )
    except errors.KleanError as error:
        return NotChecked(why=uncheckable(error))
    except OSError as error:
        return NotChecked(why=uncheckable(f"{error.strerror or type(error).__name__}."))


def _silent(_done: int, _total: int) -> None:
    """Tell nobody."""
