"""An admin changes circles over HTTP while people are online, and everybody's devices follow at once."""

import asyncio

import pytest

from tests.e2e.made_up import new_name
from tests.e2e.service import ROOMS, Circle, Person, Service
from tests.e2e.shown import RoomMark
from tests.e2e.staff import Client, Refused, Staff
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

only_installed = pytest.mark.parametrize("service", ["23.01"], indirect=True)
_BOOKMARKS = ("storage:bookmarks", "urn:xmpp:bookmarks:1")


async def told_of_bookmarks(client: Client) -> None:
    """Wait until the server has told the device, unasked, that its bookmarks changed."""
    await client.wait_for("notification", node=lambda node: node in _BOOKMARKS)


async def wait_for_affiliations(service: Service, circle: Circle, expected: dict[str, str] | None) -> None:
    await eventually(
        lambda: service.affiliations(circle), lambda found: found == expected, what=f"{circle.name}: {expected}"
    )


async def wait_for_bookmarks(client: Client, expected: dict[str, RoomMark]) -> None:
    """Wait until the device reads these bookmarks, in the old way and in the new one."""
    for read in (client.stored_bookmarks, client.published_bookmarks):
        await eventually(read, lambda found: found == expected, what=f"{read.__name__} is {expected}")


def mark(circle: Circle, person: Person, *, name: str | None = None) -> dict[str, RoomMark]:
    return {circle.room: RoomMark(room=circle.room, name=name or circle.name, autojoin=True, nick=person.name)}


async def test_who_is_added_gets_contacts_and_bookmark_live_and_joins_at_once(service: Service, staff: Staff) -> None:
    anna, bernd, newcomer = await service.hire_many("Anna", "Bernd", "Neele")
    team = await service.found("Nord", members=[anna, bernd])
    member, phone = await staff.login(anna.login), await staff.login(newcomer.login)
    await member.join(team.room, anna.name)
    assert phone.contacts == {}
    member.forget()

    await service.api("PUT", f"/groups/{team.id}/members/{newcomer.id}", {})
    contacts = await phone.wait_for_contacts({anna.jid, bernd.jid})
    assert {(c.name, c.groups, c.subscription) for c in contacts.values()} == {
        (anna.name, (team.name,), "both"), (bernd.name, (team.name,), "both"),
    }  # fmt: skip
    await told_of_bookmarks(phone)
    await wait_for_bookmarks(phone, mark(team, newcomer))
    await phone.join(team.room, newcomer.name)
    await member.wait_for("presence", type="available", **{"from": f"{team.room}/{newcomer.name}"})
    await member.wait_for("contact", jid=newcomer.jid, name=newcomer.name, groups=(team.name,))
    await wait_for_affiliations(service, team, dict.fromkeys((anna.jid, bernd.jid, newcomer.jid), "member"))


async def test_who_is_removed_is_thrown_out_and_does_not_come_back(service: Service, staff: Staff) -> None:
    anna, bernd = await service.hire_many("Anna", "Bernd")
    team = await service.found("Nord", members=[anna, bernd])
    member, phone = await staff.login(anna.login), await staff.login(bernd.login)
    await member.join(team.room, anna.name)
    await phone.join(team.room, bernd.name)
    phone.forget()

    await service.api("DELETE", f"/groups/{team.id}/members/{bernd.id}")
    out = await phone.wait_for("presence", type="unavailable", **{"from": f"{team.room}/{bernd.name}"})
    assert out.facts["codes"] in ((110, 321), (321, 110), (321,))
    await member.wait_for("presence", type="unavailable", **{"from": f"{team.room}/{bernd.name}"})
    with pytest.raises(Refused, match="registration-required"):
        await phone.join(team.room, bernd.name)
    await phone.wait_for_contacts(set())
    await member.wait_for_contacts(set())
    await told_of_bookmarks(phone)
    await wait_for_bookmarks(phone, {})
    await wait_for_affiliations(service, team, {anna.jid: "member"})
    with pytest.raises(Refused):
        await phone.archive(of=team.room)


async def test_a_whole_circle_is_replaced_in_one_go(service: Service, staff: Staff) -> None:
    people = await service.hire_many("Anna", "Bernd", "Carla", "Dora", "Emil")
    anna, bernd, carla, dora, emil = people
    team = await service.found("Nord", members=[anna, bernd, carla])
    phones = {person.jid: await staff.login(person.login) for person in people}
    for person in (anna, bernd, carla):
        await phones[person.jid].join(team.room, person.name)

    after = [{"user_id": carla.id, "role": "moderator"}, {"user_id": dora.id}, {"user_id": emil.id}]
    await service.api("PUT", f"/groups/{team.id}/members", {"members": after})
    await wait_for_affiliations(service, team, {carla.jid: "admin", dora.jid: "member", emil.jid: "member"})
    for person in (anna, bernd):
        await phones[person.jid].wait_for("presence", type="unavailable", **{"from": f"{team.room}/{person.name}"})
        await phones[person.jid].wait_for_contacts(set())
    for person in (carla, dora, emil):
        others = {other.jid for other in (carla, dora, emil)} - {person.jid}
        await phones[person.jid].wait_for_contacts(others)
    await asyncio.gather(*(phones[person.jid].join(team.room, person.name) for person in (dora, emil)))
    assert await service.occupants(team) == {carla.jid, dora.jid, emil.jid}


async def test_a_renamed_group_has_its_new_name_everywhere(service: Service, staff: Staff) -> None:
    anna, bernd = await service.hire_many("Anna", "Bernd")
    team = await service.found("Nord", members=[anna, bernd])
    phone = await staff.login(anna.login)
    await phone.join(team.room, anna.name)
    name = new_name("Süd", personal=False)
    await service.api("PATCH", f"/groups/{team.id}", {"name": name, "description": "Ab Montag"})

    await phone.wait_for("contact", jid=bernd.jid, groups=(name,))
    await wait_for_bookmarks(phone, mark(team, anna, name=name))
    assert (await phone.fetch_contacts())[bernd.jid].groups == (name,)
    options = await service.server.rooms.options(team.slug, service=ROOMS)
    assert options is not None
    assert (options["title"], options["description"]) == (name, "Ab Montag")
    assert await service.occupants(team) == {anna.jid}, "a new name throws nobody out"


async def test_a_deleted_group_is_gone_for_everybody(service: Service, staff: Staff) -> None:
    anna, bernd = await service.hire_many("Anna", "Bernd")
    team = await service.found("Nord", members=[anna], moderators=[bernd])
    phone = await staff.login(anna.login)
    await phone.join(team.room, anna.name)
    phone.forget()

    await service.api("DELETE", f"/groups/{team.id}", expect=204)
    await service.api("GET", f"/groups/{team.id}", expect=404)
    await phone.wait_for("presence", type="unavailable", **{"from": f"{team.room}/{anna.name}"})
    await phone.wait_for_contacts(set())
    await wait_for_bookmarks(phone, {})
    await wait_for_affiliations(service, team, None)
    with pytest.raises(Refused):
        await phone.join(team.room, anna.name)
    other = await staff.login(bernd.login)
    assert (other.contacts, await other.stored_bookmarks()) == ({}, {})


async def test_an_archived_group_goes_from_everybody_and_comes_back_with_what_was_said(
    service: Service, staff: Staff
) -> None:
    people = anna, bernd = await service.hire_many("Anna", "Bernd")
    over, team = await service.found("Objekt", members=[bernd], moderators=[anna]), await service.found(members=people)
    phone, other = await staff.login(anna.login), await staff.login(bernd.login)
    await asyncio.gather(phone.join(over.room, anna.name), other.join(over.room, bernd.name))
    body = new_name("Schlüssel liegt bei")
    await phone.say_in(over.room, body)
    await other.wait_for("message", type="groupchat", body=body)

    await service.api("POST", f"/groups/{over.id}/archive")
    for client, person in ((phone, anna), (other, bernd)):
        out = await client.wait_for("presence", type="unavailable", **{"from": f"{over.room}/{person.name}"})
        assert 321 in out.facts["codes"]
        await wait_for_bookmarks(client, mark(team, person))
        with pytest.raises(Refused, match="registration-required"):
            await client.join(over.room, person.name)
        with pytest.raises(Refused):
            await client.archive(of=over.room)
        await client.say_in(over.room, "Noch da?")
        await client.wait_for("message", type="error", **{"from": over.room})
    await service.calm()
    assert (await service.affiliations(over), await service.occupants(over)) == ({}, set()), "the room itself stays"
    for client, colleague in ((phone, bernd), (other, anna)):
        kept = await client.wait_for_contacts({colleague.jid})
        assert kept[colleague.jid].groups == (team.name,), "they are colleagues by the other group"
    tablet = await staff.login(bernd.login, resource="tablet")
    assert await tablet.stored_bookmarks() == mark(team, bernd)

    await service.api("POST", f"/groups/{over.id}/restore")
    await wait_for_affiliations(service, over, {anna.jid: "admin", bernd.jid: "member"})
    await wait_for_bookmarks(other, mark(over, bernd) | mark(team, bernd))
    joined = await other.join(over.room, bernd.name)
    assert body in joined.history
    assert await other.archive(of=over.room) == [body], "and nothing that was written meanwhile"
    await service.calm()
    both = await staff.login(anna.login, resource="tablet")
    assert set(both.contacts[bernd.jid].groups) == {over.name, team.name}


async def test_a_group_founded_again_under_the_same_name_is_another_room(service: Service, staff: Staff) -> None:
    anna = await service.hire()
    before = await service.found("Nord", members=[anna])
    phone = await staff.login(anna.login)
    await phone.join(before.room, anna.name)
    body = new_name("Früher")
    await phone.say_in(before.room, body)
    await phone.wait_for("message", body=body)
    await service.api("DELETE", f"/groups/{before.id}")
    after = await service.found(name=before.name, members=[anna])
    assert after.room != before.room
    assert body not in (await phone.join(after.room, anna.name)).history
    assert body not in await phone.archive(of=after.room)


async def test_a_member_becomes_moderator_and_member_again(service: Service, staff: Staff) -> None:
    anna, bernd = await service.hire_many("Anna", "Bernd")
    team = await service.found("Nord", members=[anna, bernd])
    phone = await staff.login(anna.login)
    await phone.join(team.room, anna.name)
    await service.api("PUT", f"/groups/{team.id}/members/{anna.id}", {"role": "moderator"})
    await phone.wait_for("presence", affiliation="admin", **{"from": f"{team.room}/{anna.name}"})
    phone.forget()
    await service.api("PUT", f"/groups/{team.id}/members/{anna.id}", {"role": "member"})
    await phone.wait_for("presence", affiliation="member", **{"from": f"{team.room}/{anna.name}"})
    assert await service.occupants(team) == {anna.jid}


async def test_who_joined_and_left_many_times_has_what_was_said_last(service: Service, staff: Staff) -> None:
    anna, bernd = await service.hire_many("Anna", "Bernd")
    team = await service.found("Nord", members=[anna])
    path = f"/groups/{team.id}/members/{bernd.id}"
    for _ in range(5):
        await service.api("PUT", path, {})
        await service.api("DELETE", path)
    await service.calm()
    assert await service.affiliations(team) == {anna.jid: "member"}
    phone = await staff.login(bernd.login)
    assert (phone.contacts, await phone.stored_bookmarks()) == ({}, {})
    await service.api("DELETE", path)
    await service.api("PUT", path, {})
    await service.calm()
    assert await service.affiliations(team) == {anna.jid: "member", bernd.jid: "member"}
    await phone.wait_for_contacts({anna.jid})


@only_installed
async def test_a_circle_over_contacts_max_has_a_room_but_no_contacts(service: Service, staff: Staff) -> None:
    people = await service.hire_many("Anna", "Bernd", "Carla", "Dora")
    before = (await service.api("GET", "/company"))["contacts_max"]
    team = await service.found("Nord", members=people[:3])
    phone = await staff.login(people[0].login)
    assert len(phone.contacts) == 2
    try:
        await service.api("PATCH", "/company", {"contacts_max": 3})
        await service.api("PUT", f"/groups/{team.id}/members/{people[3].id}", {})
        await phone.wait_for_contacts(set())
        assert (await phone.join(team.room, people[0].name)).nick == people[0].name
        await wait_for_affiliations(service, team, dict.fromkeys((person.jid for person in people), "member"))
        await service.calm()
        late = await staff.login(people[3].login)
        assert late.contacts == {}
        assert await late.stored_bookmarks() == mark(team, people[3])
        await service.api("DELETE", f"/groups/{team.id}/members/{people[3].id}")
        await phone.wait_for_contacts({people[1].jid, people[2].jid})
    finally:
        await service.api("PATCH", "/company", {"contacts_max": before})
        await service.calm()


@only_installed
async def test_a_large_circle_is_put_in_one_request(service: Service, staff: Staff) -> None:
    people = [person for _ in range(6) for person in await service.hire_many(*("Anna",) * 10)]
    phone = await staff.login(people[0].login)
    team = await service.found("Nord", members=people)
    await phone.wait_for_contacts({person.jid for person in people[1:]})
    assert await service.affiliations(team) == dict.fromkeys((person.jid for person in people), "member")
    last = await staff.login(people[-1].login)
    assert set(last.contacts) == {person.jid for person in people[:-1]}
    assert await last.stored_bookmarks() == mark(team, people[-1])


async def test_a_renamed_person_is_shown_under_the_new_name(service: Service, staff: Staff) -> None:
    anna, bernd = await service.hire_many("Anna", "Bernd")
    team = await service.found("Nord", members=[anna, bernd])
    name = new_name("Anna")
    await service.api("PATCH", f"/users/{anna.id}", {"display_name": name})
    await service.calm()
    phone, other = await staff.login(anna.login), await staff.login(bernd.login)
    assert other.contacts[anna.jid].name == name
    assert (await phone.stored_bookmarks())[team.room].nick == name
    assert (await phone.join(team.room, name)).nick == name


async def test_who_leaves_one_of_two_common_groups_stays_a_contact_of_the_other(service: Service, staff: Staff) -> None:
    anna, bernd, carla = await service.hire_many("Anna", "Bernd", "Carla")
    north = await service.found("Nord", members=[anna, bernd])
    south = await service.found("Süd", members=[anna, carla])
    phone, other = await staff.login(anna.login), await staff.login(bernd.login)
    await service.api("PUT", f"/groups/{south.id}/members/{bernd.id}", {})
    await other.wait_for_contacts({anna.jid, carla.jid})
    await service.api("DELETE", f"/groups/{south.id}/members/{bernd.id}")
    await service.calm()
    await other.wait_for_contacts({anna.jid})
    await phone.wait_for_contacts({bernd.jid, carla.jid})
    assert (phone.contacts[bernd.jid].groups, other.contacts[anna.jid].groups) == ((north.name,), (north.name,))


async def test_new_contacts_see_at_once_who_is_there_and_former_ones_do_not(service: Service, staff: Staff) -> None:
    anna, bernd = await service.hire_many("Anna", "Bernd")
    team = await service.found("Nord", members=[anna])
    phone, other = await staff.login(anna.login), await staff.login(bernd.login)
    await service.api("PUT", f"/groups/{team.id}/members/{bernd.id}", {})
    await phone.wait_for("presence", type="available", **{"from": other.jid})
    await other.wait_for("presence", type="available", **{"from": phone.jid})
    await service.api("DELETE", f"/groups/{team.id}/members/{bernd.id}")
    await other.wait_for_contacts(set())
    await service.calm()
    phone.forget()
    await other.send("<presence><show>away</show></presence>")
    await other.ping()
    await phone.has_nothing("presence", **{"from": other.jid})
