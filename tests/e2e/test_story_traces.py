"""A sweep finds every trace of people who may not chat, wherever it is, and takes it away."""

import sqlite3

import pytest

from kleanxmpp.desired import GATE
from tests.e2e.made_up import new_name
from tests.e2e.service import DOMAIN, ROOMS, Person, Service
from tests.e2e.staff import Staff

pytestmark = pytest.mark.asyncio(loop_scope="session")


def gone_unnoticed(service: Service, *people: Person) -> None:
    """Write into the directory, past the program, that these people left: nothing is due for them."""
    with sqlite3.connect(service.database.removeprefix("sqlite:///")) as directory:
        for person in people:
            directory.execute("UPDATE users SET active = 0 WHERE id = ?", (person.id,))
    directory.close()


async def test_one_sweep_finds_mends_and_reports_everything_that_is_left_of_leavers(
    service: Service, staff: Staff
) -> None:
    stays, leaver, online, long_gone = await service.hire_many("Carla", "Ludwig", "Otto", "Lena")
    team = await service.found("Nord", members=[leaver], moderators=[stays])
    await service.api("POST", f"/users/{long_gone.id}/deactivate", {}, wait=20, expect=200)
    await service.api("POST", "/reconcile", {}, expect=202)
    await service.calm()

    rooms, accounts = service.server.rooms, service.server.accounts
    await rooms.create("raucherecke", service=ROOMS, host=DOMAIN, options={"persistent": "true"})
    for room in ("raucherecke", team.slug):
        await rooms.set_affiliation(room, service=ROOMS, jid=long_gone.jid, affiliation="member")
    await service.server.groups.join([(long_gone.username, GATE)], host=DOMAIN)
    colleague, device = await staff.login(stays.login), await staff.login(online.login)
    await colleague.say(leaver.jid, new_name("Bis morgen"))
    await colleague.ping()
    assert await accounts.offline_count(leaver.username, host=DOMAIN) == 1
    gone_unnoticed(service, leaver, online)

    swept = await service.api("POST", "/reconcile", {}, expect=202)
    assert swept["leftovers"] == {
        "gate": 3,
        "sessions": 1,
        "rooms": 2,
        "strange_rooms": 1,
        "contact_groups": 1,
        "bookmarks": 1,
        "offline_messages": 1,
    }
    assert swept["traces"] == [{"room": "raucherecke", "people": [long_gone.jid]}]
    await service.calm()
    await device.wait_for("closed")
    assert await service.affiliations(team) == {stays.jid: "admin"}
    assert not await rooms.affiliations("raucherecke", service=ROOMS)
    gate = await service.server.groups.members(GATE, host=DOMAIN)
    assert not {leaver.jid, online.jid, long_gone.jid} & set(gate)
    assert await accounts.offline_count(leaver.username, host=DOMAIN) == 0
    again = await service.api("POST", "/reconcile", {}, expect=202)
    assert (again["leftovers"], again["traces"], again["differing"]) == ({}, [], 0)
    await rooms.destroy("raucherecke", service=ROOMS)
