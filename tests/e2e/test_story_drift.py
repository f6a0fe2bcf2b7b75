"""What somebody changed past the directory is found and mended; what is not ours is left alone."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from kleanxmpp.desired import GATE
from tests.e2e.promises import has_everything
from tests.e2e.service import DOMAIN, ROOMS, Service
from tests.e2e.staff import Staff
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

both_versions = pytest.mark.parametrize("own_service", ["23.01", "24.12"], indirect=True)


@both_versions
async def test_what_was_edited_by_hand_is_mended_by_a_sweep(own_service: Service, staff: Staff) -> None:
    service = own_service
    anna, bernd, stranger = await service.hire_many("Anna", "Bernd", "Mallory")
    team = await service.found("Nord", members=[bernd], moderators=[anna])
    rooms, groups = service.server.rooms, service.server.groups
    contact_group = f"klean-g-{team.slug}"
    for jid, affiliation in ((stranger.jid, "member"), (bernd.jid, "outcast"), (anna.jid, "owner")):
        await rooms.set_affiliation(team.slug, service=ROOMS, jid=jid, affiliation=affiliation)
    for option, value in (("title", "Gekapert"), ("members_only", "false"), ("public", "true")):
        await rooms.set_option(team.slug, service=ROOMS, option=option, value=value)
    await groups.join([(stranger.username, contact_group)], host=DOMAIN)
    await groups.leave([(bernd.username, contact_group)], host=DOMAIN)
    await groups.leave([(anna.username, GATE)], host=DOMAIN)
    await groups.join([("gespenst", GATE)], host=DOMAIN)
    nothing = {bernd.username: "<storage xmlns='storage:bookmarks'/>"}
    await service.server.accounts.set_private(nothing, host=DOMAIN)

    looked = await service.api("POST", "/reconcile", {"dry_run": True}, expect=200)
    assert looked["differing"] >= 3 and looked["strangers"] == ["gespenst"] and looked["repairing"] == 0
    assert (await service.affiliations(team) or {})[stranger.jid] == "member", "a dry run changes nothing"

    await service.api("POST", "/reconcile", {}, expect=202)
    await service.calm()
    assert await service.affiliations(team) == {anna.jid: "admin", bernd.jid: "member"}
    options = await rooms.options(team.slug, service=ROOMS)
    assert options is not None
    assert (options["title"], options["members_only"], options["public"]) == (team.name, "true", "false")
    members = await groups.members(contact_group, host=DOMAIN)
    assert sorted(members) == sorted((anna.jid, bernd.jid))
    assert "gespenst@" + DOMAIN not in await groups.members(GATE, host=DOMAIN)
    for person, other in ((anna, bernd), (bernd, anna)):
        await has_everything(service, staff, person, team, {other.jid})
    again = await service.api("POST", "/reconcile", {"dry_run": True}, expect=200)
    assert (again["differing"], again["strangers"]) == (0, [])


async def test_a_strange_room_is_reported_and_left_alone(own_service: Service) -> None:
    service = own_service
    anna = await service.hire()
    await service.server.rooms.create("betriebsrat", service=ROOMS, host=DOMAIN, options={"persistent": "true"})
    await service.server.rooms.set_affiliation("betriebsrat", service=ROOMS, jid=anna.jid, affiliation="owner")
    await service.api("POST", "/reconcile", {}, expect=202)
    await service.calm()
    status = (await service.api("GET", "/status")).body
    assert status["last_sweep"]["strange_rooms"] == ["betriebsrat"]
    entries = await service.server.rooms.affiliations("betriebsrat", service=ROOMS)
    assert [(entry.jid, entry.affiliation) for entry in entries or ()] == [(anna.jid, "owner")]


async def test_a_lost_room_is_restored_with_its_circle(own_service: Service, staff: Staff) -> None:
    service = own_service
    anna, bernd = await service.hire_many("Anna", "Bernd")
    team = await service.found("Nord", members=[anna], moderators=[bernd])
    await service.server.rooms.destroy(team.slug, service=ROOMS)
    assert await service.affiliations(team) is None
    await service.api("POST", "/reconcile", {}, expect=202)
    await service.calm()
    assert await service.affiliations(team) == {anna.jid: "member", bernd.jid: "admin"}
    await has_everything(service, staff, anna, team, {bernd.jid})


async def test_a_directory_restored_from_an_old_backup_does_not_empty_the_server(
    own_service: Service, staff: Staff
) -> None:
    service, file = own_service, Path(own_service.database.removeprefix("sqlite:///"))
    backup = service.folder / "backup.db"
    with sqlite3.connect(file) as source, sqlite3.connect(backup) as target:
        source.backup(target)
    source.close()
    target.close()
    people = await service.hire_many(*("Anna",) * 15)
    await service.calm()
    await service.process.stop()
    for part in (file, Path(f"{file}-wal"), Path(f"{file}-shm")):
        part.unlink(missing_ok=True)
    shutil.copy(backup, file)

    await service.process.start()
    gate = await service.server.groups.members(GATE, host=DOMAIN)
    assert {person.jid for person in people} <= set(gate)
    held = await service.api("POST", "/reconcile", {}, expect=409)
    assert held.headers["Content-Type"].startswith("application/problem+json")
    assert set(await service.server.groups.members(GATE, host=DOMAIN)) == set(gate)
    assert (await service.api("GET", "/status"))["last_sweep"]["held"]
    assert (await staff.refused_login(people[0].login)).condition == "not-authorized"

    await service.api("POST", "/reconcile", {"force": True}, expect=202)
    await eventually(
        lambda: service.server.groups.members(GATE, host=DOMAIN), lambda found: not found, what="the gate is empty"
    )
