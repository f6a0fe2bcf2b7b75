"""Work on one scope: observe, plan, apply, look again. Success is only what the second look saw.

The directory is read anew for every look, so what is compared is the truth of now, not of when work began.
Taking access away is the work of `kleanxmpp.closing`.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from kleanxmpp import desired, errors
from kleanxmpp.closing import Closing, record_all
from kleanxmpp.desired import Person
from kleanxmpp.due import Aspect, Due, Scope
from kleanxmpp.gathering import Gathered
from kleanxmpp.model import Company
from kleanxmpp.plan import plan_circles
from kleanxmpp.ports import Directory
from kleanxmpp.state import CircleState
from kleanxmpp.steps import LOOKS, Steps, circle_keys


@dataclass(slots=True, kw_only=True)
class Worker:
    """Works on scopes, with everything that takes."""

    steps: Steps
    _people: Gathered[Scope, Person | None] = field(init=False)
    _closed: Gathered[Closing, None] = field(init=False)

    def __post_init__(self) -> None:
        self._people = Gathered(partial(_people, self.directory))
        self._closed = Gathered(partial(record_all, self.directory))

    @property
    def directory(self) -> Directory:
        """Where the truth is."""
        return self.steps.directory

    async def user(self, due: Due) -> None:
        """Make the server right for one person, and prove it."""
        person = await self._person(due)
        if person is None:
            await self._finish(due)
            return
        if not desired.may_chat(person.company, person.user):
            await Closing(steps=self.steps, due=due, person=person, record=self._closed).run()
        elif Aspect.CIRCLES in due.aspects:
            async with self.steps.locks.shared(circle_keys(person)):
                await self._step_in(due, due.aspects)
        else:
            await self._step_in(due, due.aspects, known=person)

    async def group(self, due: Due) -> None:
        """Make the server right for one group: its room and its contact group."""
        async with self.steps.locks.exclusive(due.scope.id):

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
                await tx.forget_departures([due.scope.id])
                await tx.finish_due([due])

    async def company(self, due: Due) -> None:
        """Make the server right for what the company holds as a whole."""
        async with self.steps.locks.exclusive(due.scope.id):

            async def load() -> tuple[Company, CircleState, desired.CircleLook] | None:
                async with self.directory.read() as tx:
                    company = await tx.company(due.scope.id)
                    levels = await tx.access_levels(due.scope.id)
                if company is None:
                    return None
                return company, desired.company_state(company, levels), desired.company_look(company)

            await self._circles(due, load)
            await self._finish(due)

    async def _circles(
        self, due: Due, load: Callable[[], Awaitable[tuple[Company, CircleState, desired.CircleLook] | None]]
    ) -> None:
        for delay in LOOKS:
            await asyncio.sleep(delay)
            loaded = await load()
            if loaded is None:
                return
            company, wanted, look = loaded
            plan = plan_circles(desired=wanted, actual=await self.steps.server.observe_circles(company, look))
            if not plan:
                return
            await self.steps.apply(company, plan, due=due)
        raise errors.Temporary("The server took the changes, but looked at again it still differs.")

    async def _step_in(self, due: Due, aspects: Aspect, *, known: Person | None = None) -> None:
        """Work until a look finds nothing to do. `known` was read a moment ago, without a wait for locks since."""
        for delay in LOOKS:
            await asyncio.sleep(delay)
            current, known = known or await self._person(due), None
            if current is None or not desired.may_chat(current.company, current.user):
                return  # changed meanwhile, and due again for it
            plan = self.steps.plan(current, await self.steps.observe(current, aspects), aspects)
            if not plan:
                await self._finish(due, person=current)
                return
            await self.steps.apply(current.company, plan, due=due)
        raise errors.Temporary("The server took the changes, but looked at again it still differs.")

    async def _person(self, due: Due) -> Person | None:
        return await self._people(due.scope)

    async def _finish(self, due: Due, *, person: Person | None = None) -> None:
        async with self.directory.write() as tx:
            if person is not None and person.left and Aspect.CIRCLES in due.aspects:
                await tx.forget_departures_of({person.user.id: [group.id for group in person.left]})
            await tx.finish_due([due])


async def _people(directory: Directory, scopes: Sequence[Scope]) -> Sequence[Person | None]:
    """Read several people in one transaction."""
    ids: dict[str, set[str]] = defaultdict(set)
    for scope in scopes:
        ids[scope.company_id].add(scope.id)
    async with directory.read() as tx:
        found = {company_id: await tx.people(company_id, some) for company_id, some in ids.items()}
    return [found[scope.company_id].get(scope.id) for scope in scopes]
