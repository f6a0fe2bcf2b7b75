"""Whatever breaks during an off-boarding: no access from the commit on, and evidence that is complete and true.

All stories share one server; relays stand before it, so that the service can be stopped after any single change.
"""

import asyncio
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from kleanxmpp.desired import GATE
from tests.e2e.relays import NEVER, Lie, Relays, is_change, relays
from tests.e2e.service import DOMAIN, ROOMS, VERSIONS, Circle, Person, Service, running_service
from tests.e2e.staff import Client, Hammering, Staff
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

OWN = {"logins", "uploads", "web_sessions", "links"}
"""What the directory knows by itself, whatever the server says."""
STEPS = 7
"""Changes of an off-boarding here: gate, sessions, leftovers, two rooms, contacts, bookmarks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """A service behind relays, and a circle of people of whom somebody leaves in each story."""

    service: Service
    relays: Relays
    carla: Person
    circles: list[Circle]

    async def newcomer(self) -> Person:
        """Hire somebody into both circles."""
        person = await self.service.hire("Ludwig")
        for circle in self.circles:
            await self.service.api("PUT", f"/groups/{circle.id}/members/{person.id}", {})
        await self.service.calm()
        return person

    async def gate(self, person: Person) -> bool:
        """Whether ejabberd itself would let the person bind a session."""
        return GATE in await self.service.server.groups.of_user(person.username, host=DOMAIN)

    async def leave(self, person: Person) -> None:
        """Ask for the off-boarding; what was answered is committed."""
        await self.service.api("POST", f"/users/{person.id}/deactivate", {}, expect=202)

    async def evidence(self, person: Person) -> dict[str, dict[str, Any]]:
        """Return the newest off-boarding's lines by item, as they are now."""
        found = await self.service.api("GET", f"/users/{person.id}/offboardings")
        return by_item(found["items"][0])

    async def is_out(self, staff: Staff, leaver: Person) -> dict[str, dict[str, Any]]:
        """Assert that the leaver is out and nobody else was touched; return the complete evidence."""
        found = await self.service.proven(leaver)
        await self.service.calm(within=30)
        assert all(line["closed"] is True and line["left"] == 0 for line in found["evidence"]), found
        assert all(0 <= line["milliseconds"] <= found["milliseconds"] for line in found["evidence"]), found
        assert found["milliseconds"] < 60_000
        assert await self.service.sessions(leaver.username) == set()
        assert await self.service.server.groups.of_user(leaver.username, host=DOMAIN) == frozenset()
        assert (await staff.refused_login(leaver.login)).condition == "not-authorized"
        for circle in self.circles:
            affiliations = await self.service.affiliations(circle) or {}
            assert leaver.jid not in affiliations and leaver.jid not in await self.service.occupants(circle)
            assert affiliations[self.carla.jid] == "admin"
        assert await self.gate(self.carla)
        return by_item(found)


def by_item(offboarding: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {line["item"]: line for line in offboarding["evidence"]}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def _office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    folder = tmp_path_factory.mktemp("faults")
    async with (
        running_service(folder, version=VERSIONS[0], start=False) as service,
        relays(service.ejabberd) as between,
    ):
        service.configure(
            component_port=between.component_port, api_url=f"http://127.0.0.1:{between.api_port}/api/v0", api_timeout=1
        )
        config = service.ejabberd.files.config
        config.write_text(config.read_text().replace("preload_rooms: true", "preload_rooms: false"))
        await service.ejabberd.start()
        await service.process.start()
        carla = await service.hire("Carla")
        circles = [await service.found(moderators=[carla], done=False) for _ in range(2)]
        await service.calm()
        yield Office(service=service, relays=between, carla=carla, circles=circles)
        await service.process.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def office(_office: Office) -> AsyncIterator[Office]:
    """The office, with nobody in the way and everything running; each story leaves it so."""
    yield _office
    _office.relays.answer_by(None)
    _office.relays.barrier.drop()


async def with_a_phone(office: Office, staff: Staff, leaver: Person) -> Client:
    """Log the leaver in, in all rooms, with a message that waits for another device."""
    phone = await staff.login(leaver.login)
    for circle in office.circles:
        await phone.join(circle.room, leaver.name)
    await phone.send("<presence><priority>-1</priority></presence>")
    await phone.say(leaver.jid, "später")
    await eventually(
        lambda: office.service.server.accounts.offline_count(leaver.username, host=DOMAIN), what="a message waits"
    )
    return phone


async def test_killed_after_each_single_change_it_goes_on_where_it_was(office: Office, staff: Staff) -> None:
    service, barrier = office.service, office.relays.barrier
    leavers = [await office.newcomer() for _ in range(STEPS)]
    for allowed, leaver in enumerate(leavers):
        phone = await with_a_phone(office, staff, leaver)
        barrier.freeze_after(allowed)
        await office.leave(leaver)
        await asyncio.wait_for(barrier.frozen.wait(), 10)
        await service.process.kill()
        assert len(barrier.passed) == allowed
        assert await office.gate(leaver) is (allowed == 0), "the gate is the first to close"
        assert (await staff.refused_login(leaver.login)).condition == "not-authorized"
        barrier.drop()
        await service.process.start()
        evidence = await office.is_out(staff, leaver)
        await phone.wait_for("closed")
        # what the killed run found nobody knows: that is not the same as nothing
        assert evidence["sessions"]["found"] in ((1,) if allowed < 2 else (None,))
        assert evidence["rooms"]["found"] != 0
        await service.calm()


async def test_that_is_all_an_offboarding_changes(office: Office, staff: Staff) -> None:
    leaver = await office.newcomer()
    await with_a_phone(office, staff, leaver)
    office.relays.barrier.freeze_after(100)
    await office.leave(leaver)
    evidence = await office.is_out(staff, leaver)
    passed = office.relays.barrier.passed
    assert len(passed) == STEPS
    assert passed[:3] == ["klean_leave_shared_groups", "klean_kick_users", "klean_clear_leftovers"]
    assert sorted(passed[3:6]) == ["klean_leave_shared_groups", "muc#admin", "muc#admin"]
    assert passed[6] == "klean_set_private"
    assert {item: evidence[item]["found"] for item in ("sessions", "rooms", "contact_groups", "bookmarks")} == {
        "sessions": 1, "rooms": 2, "contact_groups": 2, "bookmarks": 2,
    }  # fmt: skip
    assert evidence["offline_messages"]["found"] == 1


async def test_stopped_in_the_middle_and_started_with_clients_at_the_door(office: Office, staff: Staff) -> None:
    service, barrier = office.service, office.relays.barrier
    leaver = await office.newcomer()
    asleep = await staff.login(leaver.login, resource="funkloch", stream_management=True)
    loops: list[Hammering] = [await staff.hammer(leaver.login) for _ in range(3)]
    barrier.freeze_after(1)
    await office.leave(leaver)
    committed = time.time()
    await asyncio.wait_for(barrier.frozen.wait(), 10)
    await service.ejabberd.kill()
    barrier.drop()
    status = await eventually(
        lambda: service.api("GET", "/status"), lambda found: not found["server"]["reachable"], what="it is noticed"
    )
    assert status["due"]["count"] >= 1
    assert {item for item, line in (await office.evidence(leaver)).items() if line["closed"]} <= OWN
    await service.ejabberd.start()
    for circle in office.circles:  # ejabberd itself forgets what it learned in the last moments before a kill
        await eventually(
            lambda room=circle: service.affiliations(room),
            lambda found: office.carla.jid in (found or {}),
            what="the sweep has brought back what was lost",
        )
    await office.is_out(staff, leaver)
    assert (await staff.refused_login(leaver.login)).step == "login"
    attempts = [attempt for loop in loops for attempt in await loop.stop()]
    late = {attempt.outcome for attempt in attempts if attempt.began > committed}
    assert late <= {"login: not-authorized", *(o for o in late if o.startswith("connection"))}
    assert "login: not-authorized" in late
    assert asleep.closed


async def test_restored_from_a_snapshot_nobody_gets_in_and_the_sweep_closes_again(office: Office, staff: Staff) -> None:
    service, barrier = office.service, office.relays.barrier
    leaver = await office.newcomer()
    spool, snapshot = service.ejabberd.files.spool, service.folder / "snapshot"
    await service.ejabberd.stop()
    shutil.copytree(spool, snapshot)
    await service.ejabberd.start()
    await service.process.wait_answering("/readyz")
    await office.leave(leaver)
    before = await office.is_out(staff, leaver)
    await service.ejabberd.kill()
    shutil.rmtree(spool)
    shutil.copytree(snapshot, spool)
    barrier.freeze()
    await service.ejabberd.start()
    assert await service.server.call("muc_online_rooms", service=ROOMS) == [], "all rooms are asleep"
    assert await office.gate(leaver), "the snapshot knows nothing of it"
    assert leaver.jid in (await service.affiliations(office.circles[0]) or {})
    assert (await staff.refused_login(leaver.login)).condition == "not-authorized", "the directory decides"
    barrier.drop()
    await eventually(lambda: office.gate(leaver), lambda found: not found, what="the sweep closed it again", within=30)
    await service.calm(within=30)
    assert await office.is_out(staff, leaver) == before, "the evidence of then stays what it was"


async def test_locked_out_of_its_database_it_closes_all_the_same_and_forgets_nothing(
    office: Office, staff: Staff
) -> None:
    service, barrier = office.service, office.relays.barrier
    leaver = await office.newcomer()
    phone = await with_a_phone(office, staff, leaver)
    barrier.freeze_after(1)
    await office.leave(leaver)
    await asyncio.wait_for(barrier.frozen.wait(), 10)
    connection = sqlite3.connect(service.database.removeprefix("sqlite:///"), isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        locked = time.monotonic()
        barrier.go_on()
        await phone.wait_for("closed")
        await eventually(
            lambda: service.server.groups.of_user(leaver.username, host=DOMAIN), lambda g: not g, what="all is closed"
        )
        assert (await staff.refused_login(leaver.login)).condition == "not-authorized"
        await staff.login(office.carla.login)
        await service.api("POST", f"/users/{office.carla.id}/deactivate", {}, expect=503)

        async def locked_for() -> float:
            return time.monotonic() - locked

        await eventually(locked_for, lambda seconds: seconds >= 10, what="ten seconds")
        assert await office.evidence(leaver) == {}
    finally:
        connection.execute("ROLLBACK")
        connection.close()
    evidence = await office.is_out(staff, leaver)
    assert (evidence["sessions"]["found"], evidence["sessions"]["done"], evidence["rooms"]["found"]) == (1, 1, 2)
    on_the_server = [line for item, line in evidence.items() if item not in {"web_sessions", "links"}]
    assert all(line["milliseconds"] < 9_000 for line in on_the_server), "closed long before it could be written"
    assert evidence["links"]["milliseconds"] >= 9_000, "rows of the directory can only go when it can be written"


def one(_: str) -> web.Response:
    return web.json_response(1)


def failing(_: str) -> web.Response:
    return web.Response(status=500, text="Internal Server Error")


def garbage(_: str) -> web.Response:
    return web.Response(text='{"users": [<html>\x00')


def silence(_: str) -> web.Response:
    return web.Response(status=NEVER)


def pretence(command: str) -> web.Response | None:
    """Say that changes were made, and make none."""
    return web.json_response([] if command == "klean_kick_users" else 0) if is_change(command) else None


@pytest.mark.parametrize("lie", [one, failing, garbage, silence, pretence])
async def test_what_ejabberd_says_without_truth_is_never_taken_for_closed(
    office: Office, staff: Staff, lie: Lie
) -> None:
    leaver = await office.newcomer()
    phone = await staff.login(leaver.login)
    office.relays.answer_by(lie)
    await office.leave(leaver)
    assert (await staff.refused_login(leaver.login)).condition == "not-authorized"
    evidence = await eventually(lambda: office.evidence(leaver), what="an attempt has failed", within=30)
    honest = OWN | ({"rooms", "push", "offline_messages", "tokens"} if lie is pretence else set())
    assert {item for item, line in evidence.items() if line["closed"]} <= honest, evidence
    assert evidence["gate"]["closed"] is (False if lie is pretence else None)
    assert await office.gate(leaver) and not phone.closed
    found = await office.service.api("GET", f"/users/{leaver.id}/offboardings")
    assert (found["items"][0]["complete"], found["items"][0]["state"]) == (False, "running")
    office.relays.answer_by(None)
    await office.is_out(staff, leaver)
    await phone.wait_for("closed")


async def test_forty_leave_at_once_and_the_others_stay(office: Office, staff: Staff) -> None:
    service = office.service
    leavers = [person for _ in range(4) for person in await service.hire_many(*("Ludwig",) * 10)]
    stays = await service.hire_many(*("Anna",) * 3)
    team = await service.found(members=[*leavers, *stays])
    phones = [await staff.login(person.login) for person in (*stays, *leavers[:3])]
    answers = await asyncio.gather(
        *(service.api("POST", f"/users/{person.id}/deactivate", {}, wait=30, expect=200) for person in leavers)
    )
    for answer in answers:
        lines = by_item(answer.body)
        assert answer["complete"] is True
        assert all(line["closed"] for line in lines.values())
        assert (lines["rooms"]["found"], lines["contact_groups"]["found"]) == (1, 1)
    assert await service.affiliations(team) == {person.jid: "member" for person in stays}
    gate = await service.server.groups.members(GATE, host=DOMAIN)
    assert {person.jid for person in stays} <= set(gate)
    assert not {person.jid for person in leavers} & set(gate)
    for phone in phones[3:]:
        await phone.wait_for("closed")
    for phone in phones[:3]:
        assert not phone.closed
        await phone.wait_for_contacts({person.jid for person in stays} - {phone.bare})
