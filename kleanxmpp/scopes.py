"""Work on one scope: observe, plan, apply, look again. Success is only what the second look saw.

The directory is read anew for every look, so what is compared is the truth of now, not of when work began.
An off-boarding differs in one thing: its doors close before anything is looked at.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby

from kleanxmpp import changes, desired, errors, metrics, offboardings
from kleanxmpp.changes import Change
from kleanxmpp.desired import Person
from kleanxmpp.locks import Locks
from kleanxmpp.model import Aspect, Company, Due
from kleanxmpp.plan import Plan, closing_steps, plan_circles, plan_user
from kleanxmpp.ports import Directory, Server
from kleanxmpp.state import CircleState, UserState

log = logging.getLogger(__name__)

_LOOKS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds before each further look: a kicked stream takes about 110 ms to be gone (ejabberd 23.01, 24.12)."""
_EVIDENCE_ITEM: dict[type, str] = {
    changes.CloseGate: "gate",
    changes.EndSessions: "sessions",
    changes.SetAffiliations: "rooms",
    changes.LeaveSharedGroups: "contact_groups",
    changes.SetBookmarks: "bookmarks",
}


@dataclass(slots=True, kw_only=True)
class Worker:
    """Works on scopes, with everything that takes."""

    directory: Directory
    server: Server
    rooms_prefix: str
    locks: Locks = field(default_factory=Locks)

    async def user(self, due: Due) -> None:
        """Make the server right for one person, and prove it."""
        person = await self._person(due)
        if person is None:
            await self._finish(due)
            return
        allowed = desired.may_chat(person.company, person.user)
        if not allowed:
            await self._offboard(due, person)
        elif Aspect.CIRCLES in due.aspects:
            async with self.locks.shared(_circle_keys(person)):
                await self._step_in(due, due.aspects)
        else:
            await self._step_in(due, due.aspects)

    async def group(self, due: Due) -> None:
        """Make the server right for one group: its room and its contact group."""
        async with self.locks.exclusive(due.scope.id):

            async def load() -> tuple[Company, CircleState, desired.CircleLook] | None:
                async with self.directory.read() as tx:
                    circle = await tx.group_circle(due.scope.company_id, due.scope.id)
                if circle is None:
                    return None
                return circle.company, desired.group_state(circle), desired.group_look(circle.group)

            await self._circles(due, load)
            async with self.directory.write(due.scope.company_id) as tx:
                group = await tx.group(due.scope.company_id, due.scope.id)
                if group is not None and group.deleted:
                    await tx.remove_members(group.id, list(await tx.roles(group.id)))
                await tx.forget_departures(groups=[due.scope.id])
                await tx.finish_due(due)

    async def company(self, due: Due) -> None:
        """Make the server right for what the company holds as a whole."""
        async with self.locks.exclusive(due.scope.id):

            async def load() -> tuple[Company, CircleState, desired.CircleLook] | None:
                async with self.directory.read() as tx:
                    company = await tx.company(due.scope.id)
                    everybody = await tx.usernames_who_may_chat(due.scope.id)
                if company is None:
                    return None
                return company, desired.company_state(company, everybody), desired.company_look(company)

            await self._circles(due, load)
            await self._finish(due)

    async def _circles(
        self, due: Due, load: Callable[[], Awaitable[tuple[Company, CircleState, desired.CircleLook] | None]]
    ) -> None:
        for delay in _LOOKS:
            await asyncio.sleep(delay)
            loaded = await load()
            if loaded is None:
                return
            company, wanted, look = loaded
            plan = plan_circles(desired=wanted, actual=await self.server.observe_circles(company, look))
            if not plan:
                return
            await self._apply(company, plan, due=due)
        raise errors.Temporary("The server took the changes, but looked at again it still differs.")

    async def _step_in(self, due: Due, aspects: Aspect) -> None:
        for delay in _LOOKS:
            await asyncio.sleep(delay)
            current = await self._person(due)
            if current is None or not desired.may_chat(current.company, current.user):
                return  # changed meanwhile, and due again for it
            plan = self._plan(current, await self._observe(current, aspects), aspects)
            if not plan:
                await self._finish(due, person=current)
                return
            await self._apply(current.company, plan, due=due)
        raise errors.Temporary("The server took the changes, but looked at again it still differs.")

    async def _offboard(self, due: Due, person: Person) -> None:
        """Close every door, whichever of them resists; then look again, and only then call it done."""
        company, done = person.company, Counter[str]()
        gate, sessions = closing_steps(person.user.username)
        await self._apply_all(company, (gate,), due=due, done=done)
        # The streams take a tenth of a second to be gone; the circles are closed meanwhile.
        ending = asyncio.create_task(self._apply_all(company, (sessions,), due=due, done=done))
        await asyncio.sleep(0)  # the kick is on its way before anything else is asked
        try:
            async with self.locks.shared(_circle_keys(person)):
                found = await self._observe(person, Aspect.ALL)
                await self._apply_all(company, self._plan(person, replace(found, sessions=None)), due=due, done=done)
                await ending
                left = await self._close_what_is_left(due, person, done=done)
                if person.user.erasing:
                    await self.server.apply(company, changes.EraseAccount(username=person.user.username))
                await self._prove(due, found=found, left=left, done=done)
        finally:
            await ending

    async def _close_what_is_left(self, due: Due, person: Person, *, done: Counter[str]) -> UserState:
        """Look again until nothing is open, and return what was seen then. Raises what resists to the end."""
        resisting: BaseException | None = None
        for delay in _LOOKS:
            await asyncio.sleep(delay)
            state = await self._observe(person, Aspect.ALL)
            plan = self._plan(person, state)
            if not plan:
                return state
            resisting = await self._apply_all(person.company, plan, due=due, done=done)
        raise resisting or errors.Temporary("Looked at again, something is still open.")

    async def _prove(self, due: Due, *, found: UserState, left: UserState, done: Counter[str]) -> None:
        now = datetime.now(UTC)
        async with self.directory.write(due.scope.company_id) as tx:
            person = await tx.person(due.scope.company_id, due.scope.id)
            if person is None or desired.may_chat(person.company, person.user):
                return  # given back meanwhile, and due again for it
            if open_one := await tx.open_offboarding(person.user.id):
                milliseconds = round((now - open_one.requested_at).total_seconds() * 1000)
                lines = offboardings.evidence(
                    person=person,
                    credentials=len(await tx.credentials(person.user.id)),
                    found=found,
                    done=done,
                    left=left,
                    milliseconds=milliseconds,
                )
                await tx.save_offboarding(offboardings.completed(open_one, lines, now=now))
                metrics.OFFBOARDING_SECONDS.observe(milliseconds / 1000)
            await tx.forget_departures(user_id=person.user.id, groups=[group.id for group in person.left])
            if person.user.erasing:
                await tx.delete_user(person.company.id, person.user.id)
            else:
                await tx.finish_due(due)

    async def _apply(self, company: Company, plan: Plan, *, due: Due) -> None:
        """Apply in order, equal ranks at once; stop after a rank in which something failed."""
        for _, steps in groupby(plan, key=changes.rank):
            failed = await self._apply_all(company, tuple(steps), due=due, done=None)
            if failed is not None:
                raise failed

    async def _apply_all(
        self, company: Company, plan: Plan, *, due: Due, done: Counter[str] | None
    ) -> BaseException | None:
        """Apply in order, equal ranks at once, whatever fails; return the first failure."""
        failed: list[BaseException] = []
        for _, steps in groupby(plan, key=changes.rank):
            applied = (self._apply_one(company, step, due=due, done=done) for step in steps)
            results = await asyncio.gather(*applied, return_exceptions=True)
            failed += [result for result in results if isinstance(result, BaseException)]
        return failed[0] if failed else None

    async def _apply_one(self, company: Company, step: Change, *, due: Due, done: Counter[str] | None) -> None:
        touched = await self.server.apply(company, step)
        kind = type(step).__name__
        metrics.CHANGES.labels(change=kind).inc()
        log.info("change applied", extra={"change": kind, "scope": due.scope.kind.value, "id": due.scope.id})
        if done is not None and (item := _EVIDENCE_ITEM.get(type(step))):
            done[item] += touched

    async def _person(self, due: Due) -> Person | None:
        async with self.directory.read() as tx:
            return await tx.person(due.scope.company_id, due.scope.id)

    async def _observe(self, person: Person, aspects: Aspect) -> UserState:
        return await self.server.observe_user(person.company, desired.user_look(person, aspects=aspects))

    def _plan(self, person: Person, actual: UserState, aspects: Aspect = Aspect.ALL) -> Plan:
        username, domain = person.user.username, person.company.domain
        wanted = desired.user_state(person, rooms_domain=f"{self.rooms_prefix}.{domain}", aspects=aspects)
        return plan_user(username, jid=f"{username}@{domain}", desired=wanted, actual=actual)

    async def _finish(self, due: Due, *, person: Person | None = None) -> None:
        async with self.directory.write() as tx:
            if person is not None and person.left and Aspect.CIRCLES in due.aspects:
                await tx.forget_departures(user_id=person.user.id, groups=[group.id for group in person.left])
            await tx.finish_due(due)


def _circle_keys(person: Person) -> Sequence[str]:
    return [person.company.id, *(c.group.id for c in person.circles), *(group.id for group in person.left)]
