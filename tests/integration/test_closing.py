"""An off-boarding's order, its time when the clock is set meanwhile, and many at once, on SQLite and the twin."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import time_machine

from kleanxmpp import changes, companies, credentials, errors, import_rows, importing, users
from kleanxmpp.changes import Change
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.desired import GATE, UserLook
from kleanxmpp.gathering import Gathered
from kleanxmpp.ids import sha256_hex
from kleanxmpp.leaving import Leave, leave_together
from kleanxmpp.model import Company, Offboarding, Role, User
from kleanxmpp.ports import UserFilter
from kleanxmpp.state import Leftovers, UserState
from kleanxmpp.testing_server import MemoryServer
from tests.integration.test_reconcile import Work, until
from tests.sqlite import migrated_database

HOUR = timedelta(hours=1)


class WatchedServer(MemoryServer):
    """Notes what is done and looked at, in order, and at each moment whether the person would get in."""

    def __init__(self, work: Work, leaver: User, secret: str) -> None:
        super().__init__()
        self._companies = work.server._companies
        self.events: list[str] = []
        self.got_in: list[str] = []
        self._work, self._leaver, self._secret = work, leaver, secret

    async def apply(self, company: Company, change: Change) -> int:
        self.events.append(type(change).__name__)
        await self._try_the_door(f"before {type(change).__name__}")
        touched = await super().apply(company, change)
        await self._try_the_door(f"after {type(change).__name__}")
        return touched

    async def observe_user(self, company: Company, look: UserLook) -> UserState:
        self.events.append("look")
        return await super().observe_user(company, look)

    async def _try_the_door(self, moment: str) -> None:
        """Try both keys: the login that the directory answers, and the gate when a session is bound."""
        async with self._work.directory.read() as tx:
            login = await tx.may_log_in(self._work.company.domain, self._leaver.username, sha256_hex(self._secret))
        try:
            self.log_in(self._work.company, self._leaver.username, "again")
        except errors.Permanent:
            bind = False
        else:
            bind = True
            del self.holdings(self._work.company).sessions[self._leaver.username]["again"]
        if login or (bind and moment != "before CloseGate"):
            self.got_in.append(moment)


@pytest.fixture
async def work(tmp_path: Path) -> AsyncIterator[Work]:
    directory = SqlDirectory(await migrated_database(tmp_path / "directory.db"))
    company = await companies.add_company(
        directory, domain="glanz.test", name="Glanz", actor="test", now=datetime.now(UTC)
    )
    yield Work(directory, company)
    await directory.close()


async def proof(work: Work, begun: Offboarding) -> Offboarding:
    async with work.directory.read() as tx:
        found = await tx.offboarding(work.company.id, begun.id)
    assert found is not None
    return found


async def off_boarded(work: Work, leaver: User, *, now: datetime) -> Offboarding:
    return await users.deactivate(work.directory, work.company, leaver.id, actor="test", reason=None, now=now)


async def test_everything_is_closed_in_order_and_both_keys_refuse_between_any_two_steps(work: Work) -> None:
    anna, ben = await work.person("Anna Groß"), await work.person("Ben Öz")
    for name in ("Nord", "Süd"):
        await work.circle(name, anna, ben)
    _, secret = await credentials.issue(
        work.directory, work.company, anna.id, label="Telefon", actor="test", now=work.now
    )
    watched = WatchedServer(work, anna, secret)
    async with work.loop(watched) as reconciler:
        await until(lambda: work.swept(reconciler))
        await work.settled()
        watched.log_in(work.company, "anna.gross", "phone")
        watched.holdings(work.company).leftovers["anna.gross"] = Leftovers(push=1, offline_messages=2, tokens=1)
        watched.events.clear()
        begun = await off_boarded(work, anna, now=work.now)
        watched.got_in.clear()
        await work.settled()
    assert watched.events == [
        "CloseGate", "EndSessions", "look", "ClearLeftovers", "SetAffiliations", "SetAffiliations",
        "LeaveSharedGroups", "SetBookmarks", "look",
    ]  # fmt: skip
    assert watched.got_in == []
    assert (await proof(work, begun)).complete


class ClockSettingServer(MemoryServer):
    """Sets the clock each time something is changed or looked at."""

    def __init__(self, work: Work, clock: time_machine.Traveller, jump: timedelta) -> None:
        super().__init__()
        self._companies = work.server._companies
        self._clock, self._jump = clock, jump

    async def apply(self, company: Company, change: Change) -> int:
        self._clock.shift(self._jump)
        return await super().apply(company, change)

    async def observe_user(self, company: Company, look: UserLook) -> UserState:
        self._clock.shift(self._jump)
        return await super().observe_user(company, look)


@pytest.mark.parametrize("jump", [HOUR, -HOUR, -100 * HOUR])
async def test_a_clock_that_is_set_meanwhile_changes_neither_the_proof_nor_its_time(
    work: Work, jump: timedelta
) -> None:
    anna = await work.person("Anna Groß")
    await work.circle("Nord", anna)
    async with work.loop():
        await work.settled()
    with time_machine.travel(datetime.now(UTC), tick=True) as clock:
        server = ClockSettingServer(work, clock, jump)
        begun = await off_boarded(work, anna, now=work.now)
        async with work.loop(server):
            await work.settled()
    found = await proof(work, begun)
    assert found.complete and found.completed_at is not None
    assert timedelta(0) <= found.completed_at - found.requested_at < timedelta(seconds=10)
    whole = (found.completed_at - found.requested_at) / timedelta(milliseconds=1)
    assert all(0 <= line.milliseconds <= whole + 1 for line in found.evidence)


@pytest.mark.parametrize("ahead", [timedelta(seconds=3), HOUR, 1000 * HOUR])
async def test_a_request_by_a_clock_that_is_ahead_is_worked_on_at_once(work: Work, ahead: timedelta) -> None:
    anna = await work.person("Anna Groß")
    async with work.loop():
        await work.settled()
        begun = await off_boarded(work, anna, now=work.now + ahead)
        async with asyncio.timeout(2):
            await work.settled()
    found = await proof(work, begun)
    assert found.complete and found.completed_at is not None
    assert timedelta(0) <= found.completed_at - found.requested_at < timedelta(seconds=2)


async def test_what_a_killed_run_found_is_not_called_nothing(work: Work) -> None:
    anna = await work.person("Anna Groß")
    team = await work.circle("Nord", anna)
    async with work.loop():
        await work.settled()
    begun = await off_boarded(work, anna, now=work.now)
    # as far as a run came that was killed then
    await work.server.apply(work.company, changes.CloseGate(username="anna.gross"))
    await work.server.apply(work.company, changes.EndSessions(username="anna.gross"))
    async with work.loop():
        await work.settled()
    found = {line.item: line for line in (await proof(work, begun)).evidence}
    assert (found["sessions"].found, found["sessions"].left, found["sessions"].closed) == (None, 0, True)
    assert (found["rooms"].found, found["rooms"].done) == (1, 1)
    assert "anna.gross@glanz.test" not in work.server.holdings(work.company).rooms[team.slug].affiliations


class InterruptingServer(MemoryServer):
    """Does something once, while an off-boarding is at work, before its last look."""

    def __init__(self, work: Work, meanwhile: Callable[[], Awaitable[object]]) -> None:
        super().__init__()
        self._companies = work.server._companies
        self._meanwhile: Callable[[], Awaitable[object]] | None = meanwhile

    async def apply(self, company: Company, change: Change) -> int:
        if isinstance(change, changes.EndSessions) and self._meanwhile is not None:
            meanwhile, self._meanwhile = self._meanwhile, None
            await meanwhile()
        return await super().apply(company, change)


async def test_an_erasure_asked_for_while_the_off_boarding_is_at_work_leaves_nothing_on_the_server(work: Work) -> None:
    anna = await work.person("Anna Groß")
    await work.circle("Nord", anna)
    async with work.loop():
        await work.settled()
    held = work.server.holdings(work.company)
    assert anna.username in held.profiles and anna.username in held.nicknames.values()
    await off_boarded(work, anna, now=work.now)
    erase = partial(users.erase, work.directory, work.company, anna.id, actor="test", reason=None, now=work.now)
    async with work.loop(InterruptingServer(work, erase)):
        await until(work.nothing_due)
    async with work.directory.read() as tx:
        assert await tx.user(work.company.id, anna.id) is None
    assert anna.username not in held.profiles and anna.username not in held.nicknames.values()


async def test_two_hundred_leave_at_once_and_nobody_else_is_touched(work: Work) -> None:
    rows = [import_rows.Row(line=n, display_name=f"Person {n}", groups={"Nord": Role.MEMBER}) for n in range(205)]
    await importing.import_people(work.directory, work.company, rows, actor="test", reason=None, now=work.now)
    async with work.directory.read() as tx:
        leavers = list(await tx.page_users(work.company.id, after=None, limit=999, matching=UserFilter()))
        team = (await tx.groups_by_name(work.company.id, ["Nord"]))["Nord"]
    stays = [leavers.pop() for _ in range(5)]
    async with work.loop():
        await until(work.nothing_due, seconds=60)
        for user in (*leavers, *stays):
            work.server.log_in(work.company, user.username, "phone")
        leave = Gathered(partial(leave_together, work.directory))
        asked = [
            Leave(company=work.company, user_id=user.id, actor="test", reason=None, now=work.now) for user in leavers
        ]
        begun = await asyncio.gather(*(leave(one) for one in asked))
        await until(work.nothing_due, seconds=60)
    staying = {user.username for user in stays}
    held = work.server.holdings(work.company)
    assert held.group_members[GATE] == staying
    assert {name for name, live in held.sessions.items() if live} == staying
    assert set(held.rooms[team.slug].affiliations) == {f"{name}@glanz.test" for name in staying}
    assert {name for name, bookmarks in held.bookmarks.items() if bookmarks} == staying
    for one in begun:
        found = await proof(work, one)
        assert found.complete
        assert {line.item: line.found for line in found.evidence if line.item in ("sessions", "rooms")} == {
            "sessions": 1, "rooms": 1,
        }  # fmt: skip


async def test_one_who_cannot_be_off_boarded_keeps_nobody_else_in(work: Work) -> None:
    anna, ben = await work.person("Anna Groß"), await work.person("Ben Öz")
    leave = Gathered(partial(leave_together, work.directory))

    def ask(user_id: str, actor: str = "test") -> Leave:
        return Leave(company=work.company, user_id=user_id, actor=actor, reason=None, now=work.now)

    asked = [ask(anna.id), ask("nobody"), ask(ben.id, "other"), ask(anna.id)]
    annas, nobodys, bens, again = await asyncio.gather(*(leave(one) for one in asked), return_exceptions=True)
    assert isinstance(nobodys, errors.NotFound)
    assert isinstance(annas, Offboarding) and isinstance(bens, Offboarding) and isinstance(again, Offboarding)
    assert (annas.user_id, annas.actor, again.id) == (anna.id, "test", annas.id)
    assert (bens.user_id, bens.actor) == (ben.id, "other")
    async with work.loop():
        await work.settled()
    assert work.server.holdings(work.company).group_members[GATE] == set()
