"""What all work on scopes is made of: looking at a person, planning, and applying changes to the server."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby

from kleanxmpp import changes, desired, metrics
from kleanxmpp.changes import Change
from kleanxmpp.desired import Person
from kleanxmpp.due import Aspect, Due
from kleanxmpp.file_ports import FileStore
from kleanxmpp.locks import Locks
from kleanxmpp.model import Company
from kleanxmpp.plan import Plan, plan_user
from kleanxmpp.ports import Directory, Server
from kleanxmpp.state import UserState

log = logging.getLogger(__name__)

LOOKS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds before each further look: a kicked stream takes about 110 ms to be gone (ejabberd 23.01, 24.12)."""


@dataclass(slots=True, kw_only=True)
class Steps:
    """The two borders, and what is done at them in every kind of work.

    `files` None: nobody keeps files here. `since`: when this run of the program began.
    """

    directory: Directory
    server: Server
    rooms_prefix: str
    files: FileStore | None = None
    locks: Locks = field(default_factory=Locks)
    since: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def observe(self, person: Person, aspects: Aspect = Aspect.ALL, *, sessions: bool = True) -> UserState:
        """Look at what the server has about the person; `sessions` False: but not at those."""
        look = desired.user_look(person, aspects=aspects)
        return await self.server.observe_user(person.company, replace(look, sessions=look.sessions and sessions))

    def wanted(self, person: Person, aspects: Aspect = Aspect.ALL) -> UserState:
        """Say what the server should have about the person."""
        return desired.user_state(person, rooms_domain=f"{self.rooms_prefix}.{person.company.domain}", aspects=aspects)

    def plan(self, person: Person, actual: UserState, aspects: Aspect = Aspect.ALL) -> Plan:
        """Return what makes the server right about the person."""
        username = person.user.username
        jid = f"{username}@{person.company.domain}"
        return plan_user(username, jid=jid, desired=self.wanted(person, aspects), actual=actual)

    async def apply(self, company: Company, plan: Plan, *, due: Due) -> None:
        """Apply in order, equal ranks at once; stop after a rank in which something failed."""
        for _, steps in groupby(plan, key=changes.rank):
            failed = await self.apply_all(company, tuple(steps), due=due)
            if failed is not None:
                raise failed

    async def apply_all(
        self, company: Company, plan: Plan, *, due: Due, done: Counter[type[Change]] | None = None
    ) -> BaseException | None:
        """Apply in order, equal ranks at once, whatever fails; return the first failure.

        `done` counts by kind of change what was touched.
        """
        failed: list[BaseException] = []
        for _, steps in groupby(plan, key=changes.rank):
            plan_of_rank = tuple(steps)
            applied = (self._apply_one(company, step, due=due, done=done) for step in plan_of_rank)
            results = await asyncio.gather(*applied, return_exceptions=True)
            for step, result in zip(plan_of_rank, results, strict=True):
                if isinstance(result, BaseException):
                    kind, reason = type(step).__name__, type(result).__name__
                    log.warning("change failed", extra={"change": kind, "id": due.scope.id, "reason": reason})
                    failed.append(result)
        return failed[0] if failed else None

    async def _apply_one(self, company: Company, step: Change, *, due: Due, done: Counter[type[Change]] | None) -> None:
        if isinstance(step, changes.SetPhoto):
            step = await self._with_photo(company, step, due=due)
        touched = await self.server.apply(company, step)
        kind = type(step).__name__
        metrics.CHANGES.labels(change=kind).inc()
        log.info("change applied", extra={"change": kind, "scope": due.scope.kind.value, "id": due.scope.id})
        if done is not None:
            done[type(step)] += touched

    async def _with_photo(self, company: Company, step: changes.SetPhoto, *, due: Due) -> changes.SetPhoto:
        """Put the picture in. If it is another one by now, that is what is set: the person is due again for it."""
        async with self.directory.read() as tx:
            photo = await tx.photo(company.id, due.scope.id)
        return replace(step, sha1=photo.sha1 if photo else "", photo=photo)


def circle_keys(person: Person) -> Sequence[str]:
    """Return the locks that work on the person's circles takes."""
    return [person.company.id, *(c.group.id for c in person.circles), *(group.id for group in person.left)]
