"""The loop, the scopes and the sweep, on SQLite and the in-memory server: what is due gets done, and proven."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kleanxmpp import changes, circles, companies, credentials, drafts, errors, groups, users
from kleanxmpp.changes import Change
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.desired import COMPANY_CONTACTS, GATE, contact_group
from kleanxmpp.due import Aspect, Priority
from kleanxmpp.edits import UserPatch
from kleanxmpp.model import Company, ContactVisibility, Group, Offboarding, Role, User
from kleanxmpp.reconcile import Pace, Reconciler, retry_delay
from kleanxmpp.scopes import Worker
from kleanxmpp.state import Affiliation, Leftovers
from kleanxmpp.steps import Steps
from kleanxmpp.sweep import sweep
from kleanxmpp.testing_server import MemoryServer
from tests.sqlite import migrated_database

PACE = Pace(workers=4, sweep_interval=3600.0, retry_min=0.01, retry_max=0.05, probe_interval=0.01)


class Work:
    """A company with its directory, its server and the loop between them."""

    def __init__(self, directory: SqlDirectory, company: Company) -> None:
        self.directory, self.company, self.server = directory, company, MemoryServer()

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def person(self, name: str, **facts: object) -> User:
        new = drafts.NewUser(display_name=name, **facts)
        return await users.add_user(self.directory, self.company, new, actor="test", now=self.now)

    async def circle(self, name: str, *members: User, **options: object) -> Group:
        group = await groups.add_group(self.directory, self.company, name=name, actor="test", now=self.now, **options)
        roles = {user.id: Role.MEMBER for user in members}
        return await circles.replace_circle(self.directory, self.company, group.id, roles, actor="test", now=self.now)

    @asynccontextmanager
    async def loop(self, server: MemoryServer | None = None) -> AsyncIterator[Reconciler]:
        server = server or self.server
        worker = Worker(steps=Steps(directory=self.directory, server=server, rooms_prefix="gruppen"))
        reconciler = Reconciler(directory=self.directory, server=server, worker=worker, pace=PACE)
        task = asyncio.create_task(reconciler.run())
        try:
            yield reconciler
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def settled(self) -> None:
        await until(self.nothing_due)

    async def swept(self, reconciler: Reconciler) -> bool:
        return self.company.id in reconciler.reports

    async def nothing_due(self) -> bool:
        async with self.directory.read() as tx:
            return await tx.count_due(self.company.id) == 0


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.005)


@pytest.fixture
async def work(tmp_path: Path) -> AsyncIterator[Work]:
    directory = SqlDirectory(await migrated_database(tmp_path / "directory.db"))
    company = await companies.add_company(
        directory, domain="glanz.test", name="Glanz & Gloria", actor="test", now=datetime.now(UTC)
    )
    yield Work(directory, company)
    await directory.close()


async def test_people_and_circles_appear_on_the_server_by_themselves(work: Work) -> None:
    anna, ben = await work.person("Anna Groß"), await work.person("Ben Öz")
    team = await work.circle("Objekt 12", anna, ben)
    async with work.loop():
        await work.settled()
    held = work.server.holdings(work.company)
    assert held.group_members[GATE] == {"anna.gross", "ben.oez"}
    assert held.rooms[team.slug].affiliations == {
        "anna.gross@glanz.test": Affiliation.MEMBER, "ben.oez@glanz.test": Affiliation.MEMBER,
    }  # fmt: skip
    assert held.group_members[contact_group(team)] == {"anna.gross", "ben.oez"}
    assert held.group_options[GATE] == ("", False)
    assert {b.room for b in held.bookmarks["anna.gross"]} == {f"{team.slug}@gruppen.glanz.test"}
    assert held.profiles["anna.gross"].full_name == "Anna Groß"


async def test_a_leaver_loses_everything_and_the_evidence_says_so(work: Work) -> None:
    anna, ben = await work.person("Anna Groß"), await work.person("Ben Öz")
    team = await work.circle("Objekt 12", anna, ben)
    async with work.loop():
        await work.settled()
        for device in ("phone", "tablet", "web"):
            work.server.log_in(work.company, "anna.gross", device)
        leftovers = work.server.holdings(work.company).leftovers
        leftovers["anna.gross"] = Leftovers(push=2, offline_messages=5, tokens=1)
        begun = await users.deactivate(work.directory, work.company, anna.id, actor="test", reason="left", now=work.now)
        await work.settled()
    held = work.server.holdings(work.company)
    assert "anna.gross" not in held.sessions
    assert held.group_members[GATE] == {"ben.oez"}
    assert held.group_members[contact_group(team)] == {"ben.oez"}
    assert "anna.gross@glanz.test" not in held.rooms[team.slug].affiliations
    assert held.bookmarks["anna.gross"] == frozenset()
    async with work.directory.read() as tx:
        proven = await tx.offboarding(work.company.id, begun.id)
    assert proven is not None
    assert proven.complete
    assert {line.item: (line.found, line.done, line.left) for line in proven.evidence} == {
        "logins": (0, 0, 0), "gate": (1, 1, 0), "sessions": (3, 3, 0),
        "rooms": (1, 1, 0), "contact_groups": (1, 1, 0), "bookmarks": (1, 1, 0),
        "web_sessions": (0, 0, 0), "links": (0, 0, 0), "uploads": (0, 0, 0),
        "push": (2, 2, 0), "offline_messages": (5, 5, 0), "tokens": (1, 1, 0),
    }  # fmt: skip


async def test_gate_and_sessions_close_before_anything_is_looked_at(work: Work) -> None:
    anna = await work.person("Anna Groß")
    await work.circle("Objekt 12", anna)
    async with work.loop():
        await work.settled()
        work.server.log_in(work.company, "anna.gross", "phone")
        work.server.applied.clear()
        work.server.calls.clear()
        await users.deactivate(work.directory, work.company, anna.id, actor="test", reason=None, now=work.now)
        await work.settled()
    assert work.server.applied[:2] == [
        changes.CloseGate(username="anna.gross"), changes.EndSessions(username="anna.gross"),
    ]  # fmt: skip


async def test_reactivation_restores_because_memberships_stayed(work: Work) -> None:
    anna = await work.person("Anna Groß")
    team = await work.circle("Objekt 12", anna)
    async with work.loop():
        await work.settled()
        before = work.server.snapshot()
        await users.deactivate(work.directory, work.company, anna.id, actor="test", reason=None, now=work.now)
        await work.settled()
        await users.reactivate(work.directory, work.company, anna.id, actor="test", reason=None, now=work.now)
        await work.settled()
    assert team.slug in work.server.holdings(work.company).rooms
    assert work.server.snapshot() == before


async def test_a_reactivation_in_between_leaves_no_half_proof(work: Work) -> None:
    anna = await work.person("Anna Groß")
    async with work.loop():
        await work.settled()
        begun = await users.deactivate(work.directory, work.company, anna.id, actor="test", reason=None, now=work.now)
        await users.reactivate(work.directory, work.company, anna.id, actor="test", reason=None, now=work.now)
        await work.settled()
    async with work.directory.read() as tx:
        cancelled = await tx.offboarding(work.company.id, begun.id)
    assert cancelled is not None
    assert cancelled.cancelled_at is not None
    assert not cancelled.complete
    assert work.server.holdings(work.company).group_members[GATE] == {"anna.gross"}


async def test_erasure_follows_the_proof_and_the_username_stays_retired(work: Work) -> None:
    anna = await work.person("Anna Groß")
    await work.circle("Objekt 12", anna)
    async with work.loop():
        await work.settled()
        begun = await users.erase(work.directory, work.company, anna.id, actor="test", reason="GDPR", now=work.now)
        await work.settled()
        namesake = await work.person("Anna Groß")
        await work.settled()
    async with work.directory.read() as tx:
        assert await tx.user(work.company.id, anna.id) is None
        proven = await tx.offboarding(work.company.id, begun.id)
    assert proven is not None
    assert proven.complete
    assert (namesake.username, namesake.nickname) == ("anna.gross2", "Anna Groß")
    assert "anna.gross" not in work.server.holdings(work.company).profiles


async def test_one_member_more_or_less_touches_only_that_member(work: Work) -> None:
    anna, ben, carl = [await work.person(name) for name in ("Anna", "Ben", "Carl")]
    team = await work.circle("Objekt 12", anna, ben)
    async with work.loop():
        await work.settled()
        work.server.applied.clear()
        work.server.calls.clear()
        await circles.change_circle(
            work.directory, work.company, team.id, put={carl.id: None}, remove=[ben.id], actor="test", now=work.now
        )
        await work.settled()
    touched = {step.username for step in work.server.applied if isinstance(step, changes.SetBookmarks)}
    assert touched == {"ben", "carl"}
    assert work.server.calls["observe_circles"] == 0
    held = work.server.holdings(work.company)
    assert held.group_members[contact_group(team)] == {"anna", "carl"}
    assert held.rooms[team.slug].affiliations.keys() == {"anna@glanz.test", "carl@glanz.test"}


async def test_a_circle_that_outgrows_contacts_max_keeps_its_room_only(work: Work) -> None:
    patch = companies.CompanyPatch(contacts_max=2)
    await companies.update_company(work.directory, work.company, patch, actor="test", reason=None, now=work.now)
    work.company = replace(work.company, contacts_max=2)
    anna, ben, carl = [await work.person(name) for name in ("Anna", "Ben", "Carl")]
    team = await work.circle("Objekt 12", anna, ben)
    held = work.server.holdings(work.company)
    async with work.loop():
        await work.settled()
        assert contact_group(team) in held.group_options
        await circles.change_circle(
            work.directory, work.company, team.id, put={carl.id: None}, actor="test", now=work.now
        )
        await work.settled()
        assert contact_group(team) not in held.group_options
        assert len(held.rooms[team.slug].affiliations) == 3
        await circles.change_circle(
            work.directory, work.company, team.id, put={}, remove=[anna.id], actor="test", now=work.now
        )
        await work.settled()
    assert held.group_members[contact_group(team)] == {"ben", "carl"}


async def test_a_deleted_group_is_gone_from_server_and_bookmarks(work: Work) -> None:
    anna = await work.person("Anna")
    team = await work.circle("Objekt 12", anna)
    async with work.loop():
        await work.settled()
        await groups.delete_group(work.directory, work.company, team.id, actor="test", now=work.now)
        await work.settled()
        again = await work.circle("Objekt 12", anna)
        await work.settled()
    held = work.server.holdings(work.company)
    assert again.slug != team.slug
    assert held.rooms.keys() == {again.slug}
    assert contact_group(team) not in held.group_options
    assert {b.room for b in held.bookmarks["anna"]} == {f"{again.slug}@gruppen.glanz.test"}


async def test_a_renamed_person_and_group_are_renamed_everywhere(work: Work) -> None:
    anna = await work.person("Anna")
    team = await work.circle("Objekt 12", anna)
    async with work.loop():
        await work.settled()
        patch = UserPatch(fields=frozenset({"display_name"}), display_name="Anna Maier")
        await users.update_user(work.directory, work.company, anna.id, patch, actor="test", now=work.now)
        await groups.update_group(
            work.directory, work.company, team.id, groups.GroupPatch(name="Objekt 13"), actor="test", now=work.now
        )
        await work.settled()
    held = work.server.holdings(work.company)
    assert held.profiles["anna"].nickname == "Anna Maier"
    assert held.rooms[team.slug].title == "Objekt 13"
    assert {(b.name, b.nick) for b in held.bookmarks["anna"]} == {("Objekt 13", "Anna Maier")}


async def test_a_revoked_credential_ends_older_sessions_and_spares_newer_ones(work: Work) -> None:
    anna = await work.person("Anna")
    lost, _ = await credentials.issue(work.directory, work.company, anna.id, label="phone", actor="test", now=work.now)
    async with work.loop():
        await work.settled()
        work.server.log_in(work.company, "anna", "phone")
        await credentials.revoke(work.directory, work.company, anna.id, lost.id, actor="test", now=work.now)
        await work.settled()
        assert "anna" not in work.server.holdings(work.company).sessions
        work.server.log_in(work.company, "anna", "tablet")
        await users.update_user(
            work.directory, work.company, anna.id,
            UserPatch(fields=frozenset({"display_name"}), display_name="Anna M"), actor="test", now=work.now,
        )  # fmt: skip
        await work.settled()
    assert work.server.holdings(work.company).sessions["anna"].keys() == {"tablet"}


async def test_a_disabled_company_lets_nobody_in_and_an_enabled_one_everybody_again(work: Work) -> None:
    anna, ben = await work.person("Anna"), await work.person("Ben", chat_permission=False)
    held = work.server.holdings(work.company)
    async with work.loop():
        await work.settled()
        for enabled, expected in ((False, set()), (True, {"anna"})):
            patch = companies.CompanyPatch(enabled=enabled)
            work.company = await companies.update_company(
                work.directory, work.company, patch, actor="test", reason="contract", now=work.now
            )
            await work.settled()
            assert held.group_members[GATE] == expected
    async with work.directory.read() as tx:
        assert [o.complete for o in await tx.page_offboardings(work.company.id, anna.id, limit=9)] == [True]
        assert await tx.page_offboardings(work.company.id, ben.id, limit=9) == []


async def test_a_small_company_shows_everybody_to_everybody(work: Work) -> None:
    await work.person("Anna")
    patch = companies.CompanyPatch(contact_visibility=ContactVisibility.COMPANY)
    held = work.server.holdings(work.company)
    async with work.loop():
        await work.settled()
        await companies.update_company(work.directory, work.company, patch, actor="test", reason=None, now=work.now)
        await work.settled()
        await work.person("Ben")
        await work.settled()
        assert held.group_members[COMPANY_CONTACTS] == {"anna", "ben"}
        back = companies.CompanyPatch(contact_visibility=ContactVisibility.GROUPS)
        await companies.update_company(work.directory, work.company, back, actor="test", reason=None, now=work.now)
        await work.settled()
    assert COMPANY_CONTACTS not in held.group_options


async def test_while_the_server_is_away_work_waits_and_no_attempt_counts(work: Work) -> None:
    work.server.away = True
    anna = await work.person("Anna")
    async with work.loop() as reconciler:
        await until(lambda: _true(work.server.calls["check"] > 3))
        assert reconciler.away is not None
        async with work.directory.read() as tx:
            waiting = await tx.take_due(now=work.now, limit=9)
        assert {due.attempts for due in waiting} == {0}
        work.server.away = False
        await work.settled()
        assert reconciler.away is None
    assert anna.username in work.server.holdings(work.company).group_members[GATE]


async def test_a_server_that_goes_away_in_the_middle_is_asked_again_later(work: Work) -> None:
    async with work.loop():
        await work.settled()
        work.server.away = True
        anna = await work.person("Anna")
        await until(lambda: _true(work.server.calls["check"] > 5))
        work.server.away = False
        await work.settled()
    assert anna.username in work.server.holdings(work.company).group_members[GATE]


class LyingServer(MemoryServer):
    """Says yes to closing the gate so often, and does nothing (a 200 that is not a success)."""

    def __init__(self, lies: int) -> None:
        super().__init__()
        self.lies = lies

    async def apply(self, company: Company, change: Change) -> int:
        if isinstance(change, changes.CloseGate) and self.lies:
            self.lies -= 1
            return 1
        return await super().apply(company, change)


async def test_success_is_only_what_was_looked_up_again(work: Work) -> None:
    anna = await work.person("Anna")
    server = LyingServer(lies=3)
    work.server = server
    async with work.loop():
        await work.settled()
        begun = await users.deactivate(work.directory, work.company, anna.id, actor="test", reason=None, now=work.now)
        await work.settled()
    assert server.lies == 0
    assert server.holdings(work.company).group_members[GATE] == set()
    async with work.directory.read() as tx:
        proven = await tx.offboarding(work.company.id, begun.id)
    assert proven is not None
    assert proven.complete


class StubbornServer(MemoryServer):
    """Refuses to end sessions; everything else works."""

    async def apply(self, company: Company, change: Change) -> int:
        if isinstance(change, changes.EndSessions):
            raise errors.Permanent("kick_user is not permitted")
        return await super().apply(company, change)


async def test_one_failing_step_of_an_offboarding_keeps_no_other_door_open(work: Work) -> None:
    anna = await work.person("Anna")
    team = await work.circle("Objekt 12", anna)
    work.server = server = StubbornServer()
    async with work.loop():
        await work.settled()
        server.log_in(work.company, "anna", "phone")
        begun = await users.deactivate(work.directory, work.company, anna.id, actor="test", reason=None, now=work.now)
        await until(lambda: _true(server.holdings(work.company).group_members[GATE] == set()))
        await until(lambda: _true(not server.holdings(work.company).rooms[team.slug].affiliations))
        await until(lambda: _failed(work))
    async with work.directory.read() as tx:
        waiting = await tx.page_due(work.company.id, limit=9)
        running = await tx.offboarding(work.company.id, begun.id)
    assert [due.last_error for due in waiting] == ["kick_user is not permitted"]
    assert running is not None
    assert not running.complete


async def test_drift_is_found_and_repaired_and_strange_rooms_are_only_reported(work: Work) -> None:
    anna, ben = await work.person("Anna"), await work.person("Ben")
    team = await work.circle("Objekt 12", anna)
    held = work.server.holdings(work.company)
    async with work.loop() as reconciler:
        await until(lambda: work.swept(reconciler))  # the sweep at the start would repair part of what follows
        await work.settled()
        right = work.server.snapshot()
        work.server.tamper_affiliation(work.company, team.slug, "mallory@glanz.test", Affiliation.OWNER)
        work.server.tamper_options(work.company, team.slug)
        work.server.add_group_members(work.company, contact_group(team), {ben.username, "mallory"})
        work.server.add_group_members(work.company, GATE, {"mallory"})
        held.group_members[GATE].discard(anna.username)
        held.bookmarks[anna.username] = frozenset()
        held.profiles[ben.username] = replace(held.profiles[ben.username], nickname="Chef")
        dry = await reconciler.sweep_now(work.company, dry_run=True)
        assert dry.differing == 4
        assert held.profiles[ben.username].nickname == "Chef"
        work.server.add_room(work.company, "party")
        report = await reconciler.sweep_now(work.company)
        await work.settled()
    assert (report.strange_rooms, report.strangers) == (("party",), ("mallory",))
    work.server.remove_room(work.company, "party")
    assert work.server.snapshot() == right


async def test_a_lost_server_is_filled_again(work: Work) -> None:
    anna, ben = await work.person("Anna"), await work.person("Ben")
    await work.circle("Objekt 12", anna, ben)
    async with work.loop() as reconciler:
        await work.settled()
        right = work.server.snapshot()
        work.server.restore({})
        await reconciler.sweep_now(work.company)
        await work.settled()
        assert work.server.snapshot() == right


async def test_a_leaver_that_a_restored_backup_brought_back_is_closed_out_again(work: Work) -> None:
    anna = await work.person("Anna")
    team = await work.circle("Objekt 12", anna)
    async with work.loop() as reconciler:
        await work.settled()
        backup = work.server.snapshot()
        await users.deactivate(work.directory, work.company, anna.id, actor="test", reason=None, now=work.now)
        await work.settled()
        work.server.restore(backup)
        await reconciler.sweep_now(work.company)
        await work.settled()
    held = work.server.holdings(work.company)
    assert held.group_members[GATE] == set()
    assert held.rooms[team.slug].affiliations == {}


async def test_a_sweep_that_would_remove_too_much_waits_for_force_and_explicit_leaving_does_not(work: Work) -> None:
    people = [await work.person(f"Person {n}") for n in range(30)]
    await work.circle("Alle", *people)
    held = work.server.holdings(work.company)
    async with work.loop() as reconciler:
        await work.settled()
        async with work.directory.write(work.company.id) as tx:  # as if an old backup had been put back
            await tx.save_users([replace(user, active=False, version=2) for user in people])
        report = await reconciler.sweep_now(work.company)
        assert report.held is not None
        assert report.removing >= 30
        await users.deactivate(work.directory, work.company, people[0].id, actor="test", reason=None, now=work.now)
        await work.settled()
        assert len(held.group_members[GATE]) == 29
        await reconciler.sweep_now(work.company, force=True)
        await work.settled()
    assert held.group_members[GATE] == set()


async def test_offboardings_go_before_everything_else(work: Work) -> None:
    people = [await work.person(f"Person {n}") for n in range(5)]
    async with work.directory.write(work.company.id) as tx:
        await tx.mark_users_due(work.company.id, aspects=Aspect.ALL, priority=Priority.BACKGROUND, at=work.now)
    await users.deactivate(work.directory, work.company, people[4].id, actor="test", reason=None, now=work.now)
    async with work.directory.read() as tx:
        first = (await tx.take_due(now=work.now, limit=1))[0]
    assert first.scope.id == people[4].id


class StuckServer(MemoryServer):
    """Names of people are never written: whoever is at it waits for ever."""

    async def apply(self, company: Company, change: Change) -> int:
        if isinstance(change, changes.SetProfile):
            await asyncio.Event().wait()
        return await super().apply(company, change)


async def test_an_offboarding_does_not_wait_for_a_free_worker(work: Work) -> None:
    anna = await work.person("Anna")
    async with work.loop():
        await work.settled()
    stuck = StuckServer()
    stuck.restore(work.server.snapshot())
    async with work.loop(stuck) as reconciler:
        await until(lambda: work.swept(reconciler))
        for number in range(2 * PACE.workers):
            await work.person(f"Person {number}")
        begun = await users.deactivate(work.directory, work.company, anna.id, actor="test", reason=None, now=work.now)
        await until(lambda: _is_complete(work, begun))
        async with work.directory.read() as tx:
            assert await tx.count_due(work.company.id) == 2 * PACE.workers


async def _is_complete(work: Work, begun: Offboarding) -> bool:
    async with work.directory.read() as tx:
        found = await tx.offboarding(work.company.id, begun.id)
    return found is not None and found.complete


async def test_a_sweep_with_nothing_to_do_changes_nothing(work: Work) -> None:
    await work.circle("Objekt 12", *[await work.person(f"Person {n}") for n in range(7)])
    async with work.loop():
        await work.settled()
    work.server.applied.clear()
    report = await sweep(work.directory, work.server, work.company, rooms_prefix="gruppen", pace=(0.2, 10))
    assert (report.differing, report.people, report.groups, report.held) == (0, 7, 1, None)
    assert work.server.applied == []


@pytest.mark.parametrize(("attempts", "low", "high"), [(0, 0.75, 1.0), (3, 6.0, 8.0), (60, 225.0, 300.0)])
def test_retries_grow_and_are_capped(attempts: int, low: float, high: float) -> None:
    pace = Pace()
    assert retry_delay(attempts, pace=pace, jitter=0.0) == low
    assert retry_delay(attempts, pace=pace, jitter=1.0) == high


async def _true(fact: bool) -> bool:
    return fact


async def _failed(work: Work) -> bool:
    async with work.directory.read() as tx:
        return any(due.attempts for due in await tx.page_due(work.company.id, limit=9))
