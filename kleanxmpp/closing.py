"""An off-boarding at work: doors first, whichever of them resists; then look again; and only then call it closed.

It differs from all other work in that its doors close before anything is looked at, and in that it leaves evidence
behind: also while it does not succeed, so that everybody sees what is still open. Time is measured by the clock that
cannot be set; only how long the request waited before has to be told by the calendar.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from kleanxmpp import changes, desired, errors, events, files, handovers, metrics, offboardings
from kleanxmpp.changes import Change
from kleanxmpp.desired import Access, Person
from kleanxmpp.due import Due
from kleanxmpp.model import AuditEntry, Evidence, Offboarding
from kleanxmpp.plan import Plan, closing_steps, silencing_steps
from kleanxmpp.ports import Directory, Transaction
from kleanxmpp.state import UserState
from kleanxmpp.steps import LOOKS, Steps, circle_keys
from kleanxmpp.website_ports import WebAccess

_ITEM: dict[type[Change], str] = {
    changes.CloseGate: "gate",
    changes.EndSessions: "sessions",
    changes.SetAffiliations: "rooms",
    changes.LeaveSharedGroups: "contact_groups",
    changes.SetBookmarks: "bookmarks",
    changes.MakeReadOnly: "writing",
    changes.ClearLeftovers: "leftovers",
}
_IN_DIRECTORY = {"logins", "uploads", "files", "web_sessions", "links"}
_RECORDING = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between attempts to keep what was found and done: nobody could find it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _InDirectory:
    """What the directory held of somebody. `web`: found, and left when looked at again; None: not looked at."""

    credentials: int = 0
    uploads: int = 0
    web: tuple[WebAccess, WebAccess] | None = None


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
        for line in self._evidence(_InDirectory()):
            if line.closed:
                self._closed_at.setdefault(line.item, now)
            else:
                self._closed_at.pop(line.item, None)

    def _evidence(self, held: _InDirectory) -> tuple[Evidence, ...]:
        done: Counter[str] = Counter()
        for kind, touched in self._done.items():
            if kind in _ITEM:
                done[_ITEM[kind]] += touched
        return offboardings.evidence(
            person=self.person,
            credentials=held.credentials,
            uploads=held.uploads,
            web=held.web,
            files=self._files,
            found=self._found,
            done=done,
            left=self._left,
            wanted=self.steps.wanted(self.person),
        )

    def is_about(self, person: Person | None) -> bool:
        """Whether it closed what is to be closed for the person as the directory sees them now.

        If not, something was given back, or more taken, or erasure asked for, meanwhile; and they are due again for it.
        """
        return (
            person is not None
            and desired.access(person.company, person.user) is self._level
            and person.user.erasing is self.person.user.erasing
        )

    def judged(self, open_one: Offboarding, held: _InDirectory) -> Offboarding:
        """Return the off-boarding with what was found and seen; if nothing resists, that is the proof."""
        recorded = self._recorded(open_one, held)
        if recorded.completed_at is None and self.resisting is None:
            self.resisting = errors.Temporary("A line of the evidence is not closed.")
        return recorded

    def _recorded(self, open_one: Offboarding, held: _InDirectory) -> Offboarding:
        now = time.monotonic()
        timed = tuple(
            replace(
                line,
                milliseconds=round(self._took(open_one, self._closed_at.get(line.item, now)) / _MILLISECOND),
                found=None if self._uncounted(open_one, line) else line.found,
            )
            for line in self._evidence(held)
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
            current = {user_id: one for user_id, one in ended.items() if one.is_about(people.get(user_id))}
            judged = await _judge(tx, company_id, current)
            right = [(people[user_id], one.due) for user_id, one in current.items() if one.resisting is None]
            await _finish(tx, right)
            completed = [one for one in judged.values() if one.completed_at is not None]
            entries = [_entry(people[one.user_id], "offboarding.completed", one) for one in completed]
            erased = [person for person, _ in right if person.user.erasing]
            entries += [_entry(person, "user.erased", judged.get(person.user.id)) for person in erased]
            await tx.add_audit(entries)
            await _tell(tx, [(people[one.user_id], one) for one in completed])
    return [None] * len(closings)


async def _judge(tx: Transaction, company_id: str, ended: Mapping[str, Closing]) -> Mapping[str, Offboarding]:
    """Keep what was found and seen as evidence; return it by user id."""
    opened = {one.user_id: one for one in await tx.open_offboardings(company_id, ended.keys())}
    credentials = await tx.credential_counts(opened)
    uploads = await tx.revoke_grants(opened)
    had = await tx.end_web_access(opened)
    has = await tx.web_access(opened)
    nothing = WebAccess()
    judged = {
        user_id: ended[user_id].judged(
            one,
            _InDirectory(
                credentials=credentials.get(user_id, 0),
                uploads=uploads.get(user_id, 0),
                web=(had.get(user_id, nothing), has.get(user_id, nothing)),
            ),
        )
        for user_id, one in opened.items()
    }
    await tx.save_offboardings(list(judged.values()))
    return judged


async def _finish(tx: Transaction, right: Sequence[tuple[Person, Due]]) -> None:
    """Let nothing be due any more for people about whom the server was proven right; erase who is to be erased."""
    await tx.forget_departures_of({p.user.id: [group.id for group in p.left] for p, _ in right if p.left})
    for person, _ in right:
        if person.user.erasing:
            await tx.delete_user(person.company.id, person.user.id)
    await tx.finish_due([due for person, due in right if not person.user.erasing])


async def _tell(tx: Transaction, completed: Sequence[tuple[Person, Offboarding]]) -> None:
    """Tell of off-boardings of one company that are proven."""
    if completed:
        company, found = completed[0][0].company, [one for _, one in completed]
        await events.offboarded(
            tx,
            company,
            [(person.user, one) for person, one in completed],
            names=lambda: handovers.group_names(tx, company.id, found),
            now=datetime.now(UTC),
        )


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
