"""An off-boarding at work: doors first, whichever of them resists; then look again; and only then call it closed.

It differs from all other work in that its doors close before anything is looked at, and in that it leaves evidence
behind: also while it does not succeed, so that everybody sees what is still open.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from kleanxmpp import changes, desired, errors, files, metrics, offboardings
from kleanxmpp.changes import Change
from kleanxmpp.desired import Access, Person
from kleanxmpp.model import AuditEntry, Due, Evidence, Offboarding
from kleanxmpp.plan import Plan, closing_steps, silencing_steps
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


@dataclass(slots=True, kw_only=True)
class Closing:
    """One attempt to close everything for one person. `run` raises what resists to the end."""

    steps: Steps
    due: Due
    person: Person
    _done: Counter[type[Change]] = field(default_factory=Counter)
    _found: UserState | None = None
    _left: UserState | None = None
    _files: tuple[int, int | None] | None = None
    _closed_at: dict[str, datetime] = field(default_factory=dict)

    async def run(self) -> None:
        """Close, look again, and keep the evidence, complete or not."""
        door, *others = self._doors()
        await self._apply((door,))
        # The streams take a tenth of a second to be gone; the circles are closed meanwhile.
        ending = asyncio.create_task(self._apply(tuple(others)))
        await asyncio.sleep(0)  # the kick is on its way before anything else is asked
        resisting: BaseException | None = None
        try:
            async with self.steps.locks.shared(circle_keys(self.person)):
                try:
                    await self._close(ending)
                except errors.ServerError as error:
                    resisting = error
                await self._record(resisting)
        finally:
            await ending
        if resisting is not None:
            raise resisting

    def _doors(self) -> Plan:
        username = self.person.user.username
        if desired.access(self.person.company, self.person.user) is Access.READ:
            return silencing_steps(username)
        return closing_steps(username)

    async def _close(self, ending: asyncio.Task[BaseException | None]) -> None:
        self._found = await self.steps.observe(self.person)
        await self._apply(self.steps.plan(self.person, replace(self._found, sessions=None)))
        await ending
        resisting: BaseException | None = None
        for delay in LOOKS:
            await asyncio.sleep(delay)
            self._left = None
            self._left = await self.steps.observe(self.person)
            self._note(datetime.now(UTC))
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

    def _note(self, now: datetime) -> None:
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

    async def _record(self, resisting: BaseException | None) -> None:
        """Keep what was found and seen. If nothing resists, that is the proof, and the scope is not due any more."""
        now, company_id = datetime.now(UTC), self.due.scope.company_id
        async with self.steps.directory.write(company_id) as tx:
            person = await tx.person(company_id, self.due.scope.id)
            if person is None or desired.access(person.company, person.user) is not self._level:
                return  # given back, or more taken, meanwhile; and due again for it
            open_one = await tx.open_offboarding(person.user.id)
            if open_one is not None:
                lines = self._evidence(
                    credentials=len(await tx.credentials(person.user.id)),
                    uploads=await tx.revoke_grants(person.user.id),
                )
                recorded = self._recorded(open_one, lines, now=now, proven=resisting is None)
                await tx.save_offboarding(recorded)
                if recorded.completed_at is not None:
                    await tx.add_audit([_entry(person, "offboarding.completed", recorded, now=now)])
            if resisting is not None:
                return
            await tx.forget_departures(user_id=person.user.id, groups=[group.id for group in person.left])
            if person.user.erasing:
                await tx.delete_user(person.company.id, person.user.id)
                await tx.add_audit([_entry(person, "user.erased", open_one, now=now)])
            else:
                await tx.finish_due(self.due)

    def _recorded(self, found: Offboarding, lines: tuple[Evidence, ...], *, now: datetime, proven: bool) -> Offboarding:
        timed = tuple(
            replace(line, milliseconds=_milliseconds(found, self._closed_at.get(line.item, now))) for line in lines
        )
        recorded = offboardings.with_evidence(found, timed, now=now, proven=proven)
        if recorded.completed_at is not None:
            metrics.OFFBOARDING_SECONDS.observe((now - found.requested_at).total_seconds())
        return recorded

    @property
    def _level(self) -> Access:
        return desired.access(self.person.company, self.person.user)


def _entry(person: Person, action: str, proven: Offboarding | None, *, now: datetime) -> AuditEntry:
    return AuditEntry(
        company_id=person.company.id,
        at=now,
        actor=offboardings.SERVICE,
        action=action,
        subject=f"user:{person.user.id}",
        reason=proven.reason if proven else None,
        details={"offboarding": proven.id, "mode": proven.mode} if proven else {},
    )


def _milliseconds(offboarding: Offboarding, moment: datetime) -> int:
    return max(0, round((moment - offboarding.requested_at).total_seconds() * 1000))
