"""An off-boarding at work: doors first, whichever of them resists; then look again; and only then call it closed.

It differs from all other work in that its doors close before anything is looked at, and in that it leaves evidence
behind: also while it does not succeed, so that everybody sees what is still open. Time is measured by the clock that
cannot be set; only how long the request waited before has to be told by the calendar.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from kleanxmpp import changes, desired, errors, files, metrics, offboardings
from kleanxmpp.changes import Change
from kleanxmpp.desired import Access, Person
from kleanxmpp.model import AuditEntry, Due, Evidence, Offboarding
from kleanxmpp.plan import Plan, closing_steps, silencing_steps
from kleanxmpp.ports import Directory, Transaction
from kleanxmpp.state import UserState
from kleanxmpp.steps import LOOKS, Steps, circle_keys

_ITEM: dict[type[Change], str] = {
    changes.CloseGate: "gate",
    changes.EndSessions: "sessions",
    changes.SetAffiliations: "rooms",
    changes.LeaveSharedGroups: "contact_groups",
    changes.SetBookmarks: "bookmarks",
    changes.MakeReadOnly: "writing",
    changes.ClearLeftovers: "leftovers",
}
_IN_DIRECTORY = {"logins", "uploads", "files"}
_RECORDING = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between attempts to keep what was found and done: nobody could find it again."""


@dataclass(slots=True, kw_only=True)
class Closing:
    """One attempt to close everything for one person. `run` raises what resists to the end.

    `record` keeps what it saw: `record_all`, for several at once.
    """

    steps: Steps
    due: Due
    person: Person
    record: Callable[["Closing"], Awaitable[None]]
    resisting: BaseException | None = None
    _began: tuple[datetime, float] = field(default_factory=lambda: (datetime.now(UTC), time.monotonic()))
    _done: Counter[type[Change]] = field(default_factory=Counter)
    _found: UserState | None = None
    _left: UserState | None = None
    _files: tuple[int, int | None] | None = None
    _closed_at: dict[str, float] = field(default_factory=dict)

    async def run(self) -> None:
        """Close, look again, and keep the evidence, complete or not."""
        door, *others = self._doors()
        await self._apply((door,))
        # The streams take a tenth of a second to be gone; the circles are closed meanwhile.
        ending = asyncio.create_task(self._apply(tuple(others)))
        for _ in ("the task begins", "its step begins"):  # the kick is on its way before anything else is asked
            await asyncio.sleep(0)
        try:
            async with self.steps.locks.shared(circle_keys(self.person)):
                try:
                    await self._close(ending)
                except errors.ServerError as error:
                    self.resisting = error
                await self._keep()
        finally:
            await ending
        if self.resisting is not None:
            raise self.resisting

    def _doors(self) -> Plan:
        username = self.person.user.username
        if self._level is Access.READ:
            return silencing_steps(username)
        return closing_steps(username)

    async def _close(self, ending: asyncio.Task[BaseException | None]) -> None:
        self._found = await self.steps.observe(self.person, sessions=False)  # they end anyhow, and ending counts them
        await self._apply(self.steps.plan(self.person, self._found))
        await ending
        resisting: BaseException | None = None
        for delay in LOOKS:
            await asyncio.sleep(delay)
            self._left = None
            self._left = await self.steps.observe(self.person)
            self._note(time.monotonic())
            plan = self.steps.plan(self.person, self._left)
            if not plan:
                break
            resisting = await self._apply(plan)
        else:
            raise resisting or errors.Temporary("Looked at again, something is still open.")
        if self.person.user.erasing:
            self._files = await files.erase_files_of(self.steps.directory, self.steps.files, self.person.user)
            if self._files[1] != 0:
                raise errors.Temporary("Files of the person are still there, or nobody could look.")
            step = changes.EraseAccount(username=self.person.user.username)
            await self.steps.server.apply(self.person.company, step)

    async def _apply(self, plan: Plan) -> BaseException | None:
        return await self.steps.apply_all(self.person.company, plan, due=self.due, done=self._done)

    async def _keep(self) -> None:
        """Have it recorded. A directory that is locked or away for a moment is waited for."""
        for pause in _RECORDING:
            try:
                await self.record(self)
            except errors.DirectoryUnavailable:
                await asyncio.sleep(pause)
            else:
                return
        await self.record(self)

    def _note(self, now: float) -> None:
        """Remember which items this look saw closed for the first time."""
        for line in self._evidence(credentials=0, uploads=0):
            if line.closed:
                self._closed_at.setdefault(line.item, now)
            else:
                self._closed_at.pop(line.item, None)

    def _evidence(self, *, credentials: int, uploads: int) -> tuple[Evidence, ...]:
        done: Counter[str] = Counter()
        for kind, touched in self._done.items():
            if kind in _ITEM:
                done[_ITEM[kind]] += touched
        return offboardings.evidence(
            person=self.person,
            credentials=credentials,
            uploads=uploads,
            files=self._files,
            found=self._found,
            done=done,
            left=self._left,
            wanted=self.steps.wanted(self.person),
        )

    async def settle(
        self, tx: Transaction, *, person: Person | None, open_one: Offboarding | None, credentials: int
    ) -> list[AuditEntry]:
        """Keep what was found and seen; return what the audit log shall say.

        If nothing resists, that is the proof, and the scope is not due any more. `person` is how the directory sees
        them now.
        """
        if person is None or desired.access(person.company, person.user) is not self._level:
            return []  # given back, or more taken, meanwhile; and due again for it
        entries = []
        if open_one is not None:
            uploads = await tx.revoke_grants(person.user.id)
            recorded = self._recorded(open_one, credentials=credentials, uploads=uploads)
            await tx.save_offboarding(recorded)
            if recorded.completed_at is not None:
                entries.append(_entry(person, "offboarding.completed", recorded))
            elif self.resisting is None:
                self.resisting = errors.Temporary("A line of the evidence is not closed.")
        if self.resisting is not None:
            return entries
        if person.left:
            await tx.forget_departures(user_id=person.user.id, groups=[group.id for group in person.left])
        if person.user.erasing:
            await tx.delete_user(person.company.id, person.user.id)
            entries.append(_entry(person, "user.erased", open_one))
        else:
            await tx.finish_due(self.due)
        return entries

    def _recorded(self, open_one: Offboarding, *, credentials: int, uploads: int) -> Offboarding:
        now = time.monotonic()
        timed = tuple(
            replace(
                line,
                milliseconds=round(self._took(open_one, self._closed_at.get(line.item, now)) / _MILLISECOND),
                found=None if self._uncounted(open_one, line) else line.found,
            )
            for line in self._evidence(credentials=credentials, uploads=uploads)
        )
        took = self._took(open_one, now)
        recorded = offboardings.with_evidence(
            open_one, timed, now=open_one.requested_at + took, proven=self.resisting is None
        )
        if recorded.completed_at is not None:
            metrics.OFFBOARDING_SECONDS.observe(took.total_seconds())
        return recorded

    def _took(self, open_one: Offboarding, moment: float) -> timedelta:
        """Return the time from the request to `moment` (monotonic): never negative, and no clock is set in between."""
        began, clock = self._began
        waited = max(began - open_one.requested_at, timedelta(0))
        return waited + timedelta(seconds=moment - clock)

    def _uncounted(self, open_one: Offboarding, line: Evidence) -> bool:
        """Whether work may have begun in a run of the program that was cut short: what that one found nobody knows."""
        return line.found == 0 and line.item not in _IN_DIRECTORY and open_one.requested_at < self.steps.since

    @property
    def _level(self) -> Access:
        return desired.access(self.person.company, self.person.user)


async def record_all(directory: Directory, closings: Sequence[Closing]) -> Sequence[None]:
    """Keep what several attempts saw, in one transaction for each company."""
    by_company: dict[str, dict[str, Closing]] = defaultdict(dict)
    for closing in closings:
        by_company[closing.due.scope.company_id][closing.due.scope.id] = closing
    for company_id, ended in by_company.items():
        async with directory.write(company_id) as tx:
            people = await tx.people(company_id, ended.keys())
            opened = {one.user_id: one for one in await tx.open_offboardings(company_id, ended.keys())}
            credentials = await tx.credential_counts(ended.keys())
            entries: list[AuditEntry] = []
            for user_id, closing in ended.items():
                entries += await closing.settle(
                    tx,
                    person=people.get(user_id),
                    open_one=opened.get(user_id),
                    credentials=credentials.get(user_id, 0),
                )
            await tx.add_audit(entries)
    return [None] * len(closings)


def _entry(person: Person, action: str, proven: Offboarding | None) -> AuditEntry:
    return AuditEntry(
        company_id=person.company.id,
        at=datetime.now(UTC),
        actor=offboardings.SERVICE,
        action=action,
        subject=f"user:{person.user.id}",
        reason=proven.reason if proven else None,
        details={"offboarding": proven.id, "mode": proven.mode} if proven else {},
    )


_MILLISECOND = timedelta(milliseconds=1)
