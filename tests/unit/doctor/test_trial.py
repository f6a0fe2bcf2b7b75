"""What the synthetic user tries, with the loop at work on the in-memory server; and how runs are shared."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kleanxmpp import companies, credentials, drafts, errors, groups, users
from kleanxmpp.desired import GATE
from kleanxmpp.doctor import trial
from kleanxmpp.doctor.facts import NotChecked, Trial
from kleanxmpp.doctor.findings import Level
from kleanxmpp.doctor.run import Doctor, Surroundings
from kleanxmpp.model import Company, User
from kleanxmpp.ports import UserFilter
from kleanxmpp.reconcile import Pace, Reconciler
from kleanxmpp.scopes import Worker
from kleanxmpp.steps import Steps
from kleanxmpp.testing import MemoryDirectory, MemoryServer
from kleanxmpp.testing_doctor import MemoryCheckup
from tests.contracts.checkup import CheckupContract

PACE = Pace(workers=4, sweep_interval=3600.0, retry_min=0.01, retry_max=0.05, probe_interval=0.01)
PATIENCE = trial.Patience(look_every=0.005)


class Practice:
    """A company with its directory, its server and a doctor."""

    def __init__(self, company: Company, directory: MemoryDirectory) -> None:
        self.company, self.directory, self.server = company, directory, MemoryServer()
        self.checkup = MemoryCheckup(directory, self.server)
        around = Surroundings(rooms_prefix="gruppen", component_prefix="klean", patience=PATIENCE)
        self.doctor = Doctor(directory=directory, checkup=self.checkup, surroundings=around)

    @asynccontextmanager
    async def loop(self) -> AsyncIterator[None]:
        worker = Worker(steps=Steps(directory=self.directory, server=self.server, rooms_prefix="gruppen"))
        reconciler = Reconciler(directory=self.directory, server=self.server, worker=worker, pace=PACE)
        task = asyncio.create_task(reconciler.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def attempt(self, patience: trial.Patience = PATIENCE) -> Trial | NotChecked:
        addresses = self.doctor.surroundings.addresses(self.company)
        return await trial.attempt(self.directory, self.checkup, self.company, addresses, patience=patience)

    async def synthetic(self) -> list[User]:
        async with self.directory.read() as tx:
            everybody = await tx.page_users(self.company.id, after=None, limit=100, matching=UserFilter())
        return [user for user in everybody if user.username.startswith(trial.PREFIX)]

    async def left_behind(self, *, age: timedelta) -> User:
        new = drafts.NewUser(display_name="KleanXMPP Doctor", username=trial.PREFIX + "0815", synthetic=True)
        return await users.add_user(self.directory, self.company, new, actor="doctor", now=datetime.now(UTC) - age)


@pytest.fixture
async def practice() -> Practice:
    directory = MemoryDirectory()
    company = await companies.add_company(
        directory, domain="firma.test", name="Firma", actor="test", now=datetime.now(UTC)
    )
    await groups.add_group(directory, company, name="Team", actor="test", now=datetime.now(UTC))
    return Practice(company, directory)


async def test_a_trial_goes_through_all_steps_and_leaves_nobody(practice: Practice) -> None:
    async with practice.loop():
        found = await practice.attempt()
    assert isinstance(found, Trial)
    assert found.login.inside and found.ended_after is not None and found.removed is True
    assert (found.room_creation, found.foreign_room, found.outside) == (False, False, "service-unavailable")
    assert (found.without_gate.refused_at, found.comeback.refused_at) == ("bind", "login")
    assert await practice.synthetic() == []
    held = practice.server.holdings(practice.company)
    assert not any(name.startswith(trial.PREFIX) for members in held.group_members.values() for name in members)
    assert not any(name.startswith(trial.PREFIX) for name in (*held.sessions, *held.profiles, *held.bookmarks))


async def test_without_a_running_service_nothing_is_checked_and_the_user_is_on_the_way_out(practice: Practice) -> None:
    assert isinstance(await practice.attempt(trial.Patience(gate=0.05, look_every=0.005)), NotChecked)
    assert [user.erasing for user in await practice.synthetic()] == [True]


async def test_in_a_company_that_is_disabled_nobody_is_made(practice: Practice) -> None:
    practice.company = replace(practice.company, enabled=False)
    assert isinstance(await practice.attempt(), NotChecked)
    assert await practice.synthetic() == []


async def test_a_company_without_groups_says_that_no_foreign_room_could_be_tried() -> None:
    directory = MemoryDirectory()
    company = await companies.add_company(
        directory, domain="leer.test", name="Leer", actor="test", now=datetime.now(UTC)
    )
    practice = Practice(company, directory)
    async with practice.loop():
        found = await practice.attempt()
    assert isinstance(found, Trial) and isinstance(found.foreign_room, NotChecked)


async def test_the_next_trial_removes_what_an_interrupted_one_left(practice: Practice) -> None:
    await practice.left_behind(age=timedelta(minutes=6))
    practice.server.add_room(practice.company, trial.PREFIX + "0815")
    async with practice.loop():
        await practice.attempt()
        async with asyncio.timeout(5):
            while await practice.synthetic():
                await asyncio.sleep(0.005)
    assert trial.PREFIX + "0815" not in practice.server.holdings(practice.company).rooms


async def test_a_trial_of_another_process_is_left_alone(practice: Practice) -> None:
    other = await practice.left_behind(age=timedelta(minutes=1))
    removed = await trial.remove_leftovers(
        practice.directory, practice.checkup, practice.company, now=datetime.now(UTC)
    )
    assert removed == 0
    assert [user.id for user in await practice.synthetic() if not user.erasing] == [other.id]


async def test_an_interrupted_trial_cleans_up_at_once(practice: Practice) -> None:
    running = asyncio.create_task(practice.attempt())
    async with asyncio.timeout(5):
        while not await practice.synthetic():
            await asyncio.sleep(0.005)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert [user.erasing for user in await practice.synthetic()] == [True]


async def test_a_server_that_breaks_away_in_the_middle_leaves_the_steps_before_it(practice: Practice) -> None:
    class Breaking(MemoryCheckup):
        async def close_gate(self, company: Company, username: str) -> None:
            raise errors.Temporary("The server is away.")

    practice.checkup = Breaking(practice.directory, practice.server)
    async with practice.loop():
        found = await practice.attempt()
    assert isinstance(found, Trial)
    assert found.room_creation is False and isinstance(found.without_gate, NotChecked)
    assert found.ended_after is not None


async def test_all_who_ask_at_once_share_one_run_and_a_fresh_result_is_given_again(practice: Practice) -> None:
    async with practice.loop():
        reports = await asyncio.gather(*(practice.doctor.latest(practice.company) for _ in range(3)))
        again = await practice.doctor.latest(practice.company)
    assert all(report is again for report in reports)
    assert practice.checkup.logins == 3


async def test_a_healthy_practice_is_green_but_for_its_backups(practice: Practice, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    around = Surroundings(rooms_prefix="gruppen", component_prefix="klean", patience=PATIENCE, folders=(tmp_path,))
    doctor = Doctor(directory=practice.directory, checkup=practice.checkup, surroundings=around)
    async with practice.loop():
        async with asyncio.timeout(5):
            while not await practice.checkup.gate_exists(practice.company):
                await asyncio.sleep(0.005)
        report = await doctor.examine(practice.company, progress=lambda done, total: told.append((done, total)))
    assert {one.id for one in report.findings if one.level is not Level.GREEN} == {"backups"}
    assert told[-1] == (12, 12)


async def test_what_is_away_is_not_checked_and_a_broken_directory_is_red(practice: Practice) -> None:
    practice.server.away, practice.directory.available = True, False
    report = await practice.doctor.examine(practice.company)
    assert {one.id for one in report.findings if one.level is Level.RED} == {"database"}
    assert report.count(Level.GREEN) == 0


class MemoryCheckupWorld:
    room = "team@gruppen.firma.test"

    def __init__(self, practice: Practice) -> None:
        self.checkup, self.company, self._practice = practice.checkup, practice.company, practice

    async def person(self) -> tuple[str, str]:
        directory, company, now = self._practice.directory, self.company, datetime.now(UTC)
        user = await users.add_user(directory, company, drafts.NewUser(display_name="Anna"), actor="test", now=now)
        _, secret = await credentials.issue(directory, company, user.id, label="x", actor="test", now=now)
        self._practice.server.add_group_members(company, GATE, [user.username])
        return user.username, secret

    async def make_room(self, name: str) -> None:
        self._practice.server.add_room(self.company, name)

    async def rooms(self) -> set[str]:
        return set(self._practice.server.holdings(self.company).rooms)


class TestMemoryCheckup(CheckupContract):
    @pytest.fixture
    async def world(self, practice: Practice) -> MemoryCheckupWorld:
        practice.server.holdings(practice.company).group_options[GATE] = ("", False)
        practice.server.add_room(practice.company, "team")
        return MemoryCheckupWorld(practice)
