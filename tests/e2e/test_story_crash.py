"""The service is killed, or its database locked, at the worst moment: what was answered is done afterwards."""

import asyncio
import os
import random
import signal
import sqlite3

import pytest

from kleanxmpp.desired import GATE
from tests.e2e.made_up import new_name
from tests.e2e.service import DOMAIN, Service
from tests.e2e.staff import Staff

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_offboarding_that_a_kill_interrupts_is_done_after_the_restart(
    own_service: Service, staff: Staff
) -> None:
    service = own_service
    anna, leaver = await service.hire_many("Anna", "Ludwig")
    team = await service.found("Nord", members=[anna, leaver])
    phone = await staff.login(leaver.login)
    await phone.join(team.room, leaver.name)
    freeze(service, signal.SIGSTOP)
    try:
        await service.api("POST", f"/users/{leaver.id}/deactivate", {}, expect=202)
        await service.process.kill()
    finally:
        freeze(service, signal.SIGCONT)
    assert await service.sessions(leaver.username) == {"handy"}, "the kill came before anything was done"
    assert (await staff.refused_login(leaver.login)).condition == "not-authorized"

    await service.process.start()
    await service.proven(leaver)
    await phone.wait_for("closed")
    assert await service.sessions(leaver.username) == set()
    assert await service.affiliations(team) == {anna.jid: "member"}


def freeze(service: Service, number: signal.Signals) -> None:
    """Stop ejabberd's machine in its tracks, or let it go on."""
    process = service.ejabberd._process
    assert process is not None
    os.killpg(process.pid, number)


async def test_killed_at_any_moment_everything_due_is_done_after_the_restart(
    own_service: Service, staff: Staff
) -> None:
    service, chance = own_service, random.Random(7)
    people = await service.hire_many("Anna", "Bernd", "Carla", "Dora", "Emil", "Frieda")
    circles = [await service.found("Team", members=people[n::2]) for n in range(3)]
    active, inside = {person.id: True for person in people}, [set(), set(), set()]
    for _ in range(5):
        changes = []
        for number, circle in enumerate(circles):
            inside[number] = set(chance.sample(range(6), chance.randint(1, 5)))
            members = [{"user_id": people[member].id} for member in sorted(inside[number])]
            changes.append(("PUT", f"/groups/{circle.id}/members", {"members": members}))
        for person in chance.sample(people, 2):
            active[person.id] = not active[person.id]
            what = "reactivate" if active[person.id] else "deactivate"
            changes.append(("POST", f"/users/{person.id}/{what}", {}))
        await asyncio.gather(*(service.api(*change) for change in changes))
        await asyncio.sleep(chance.random() * 0.15)  # the moment of the kill is what varies here
        await service.process.kill()
        await service.process.start()
    await service.calm(within=30)
    for number, circle in enumerate(circles):
        effective = {people[member].jid for member in inside[number] if active[people[member].id]}
        assert await service.affiliations(circle) == dict.fromkeys(effective, "member")
    for person in people:
        gate = await service.server.groups.of_user(person.username, host=DOMAIN) & {GATE}
        assert (GATE in gate) is active[person.id]
        if active[person.id]:
            shared = [n for n in range(3) if person in [people[m] for m in inside[n]]]
            phone = await staff.login(person.login)
            assert set(await phone.stored_bookmarks()) == {circles[n].room for n in shared}
        else:
            await staff.refused_login(person.login)


async def test_the_service_ends_in_order_when_asked(own_service: Service) -> None:
    await own_service.hire()
    assert await own_service.process.stop() == 0
    assert "Traceback" not in own_service.process.last_words()


async def test_with_a_locked_database_nothing_is_half_done_and_people_chat_on(
    own_service: Service, staff: Staff
) -> None:
    service = own_service
    anna = await service.hire()
    phone = await staff.login(anna.login)
    connection = sqlite3.connect(service.database.removeprefix("sqlite:///"), isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        name = new_name("Neele")
        refused = await service.api("POST", "/users", {"display_name": name}, expect=503)
        assert refused.headers["Content-Type"].startswith("application/problem+json")
        await service.api("POST", f"/users/{anna.id}/deactivate", {}, expect=503)
        await service.api("GET", f"/users/{anna.id}", expect=200)
        await phone.ping()
        await staff.login(anna.login, resource="tablet")
    finally:
        connection.execute("ROLLBACK")
        connection.close()
    found = await service.api("GET", f"/users?q={name.replace(' ', '%20')}")
    assert found["items"] == []
    assert (await service.api("GET", f"/users/{anna.id}"))["active"] is True
    await service.hire("Neele")
