"""A group is there by itself for its members, and for nobody else."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest

from tests.e2e.made_up import new_name
from tests.e2e.service import DOMAIN, ROOMS, Circle, Person, Service
from tests.e2e.shown import Contact, RoomMark
from tests.e2e.staff import Client, Refused, Staff
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

only_installed = pytest.mark.parametrize("service", ["23.01"], indirect=True)


async def a_team(service: Service, *firsts: str) -> tuple[Circle, list[Person]]:
    """Return a group with its members; the first one moderates."""
    people = await service.hire_many(*firsts)
    return await service.found("Nord", moderators=people[:1], members=people[1:]), people


async def inside(staff: Staff, person: Person, circle: Circle) -> Client:
    """Return a device of the person that has joined the room."""
    client = await staff.login(person.login)
    await client.join(circle.room, person.name)
    return client


async def test_at_login_the_contacts_are_there_with_real_names_under_the_groups_name(
    service: Service, staff: Staff
) -> None:
    team, (anna, bernd, carla) = await a_team(service, "Anna", "Bernd", "Carla")
    phone = await staff.login(bernd.login)
    assert phone.contacts == {
        colleague.jid: Contact(jid=colleague.jid, name=colleague.name, subscription="both", groups=(team.name,))
        for colleague in (anna, carla)
    }


async def test_at_login_the_room_is_bookmarked_to_be_joined_under_the_own_name(service: Service, staff: Staff) -> None:
    team, (anna, bernd) = await a_team(service, "Anna", "Bernd")
    for person in (anna, bernd):
        phone = await staff.login(person.login)
        mark = RoomMark(room=team.room, name=team.name, autojoin=True, nick=person.name)
        assert await phone.stored_bookmarks() == {team.room: mark}
        assert await phone.published_bookmarks() == {team.room: mark}


async def test_members_join_see_who_is_there_and_chat(service: Service, staff: Staff) -> None:
    team, people = await a_team(service, "Anna", "Bernd", "Carla")
    anna, bernd, carla = people
    phones = [await inside(staff, person, team) for person in people]
    again = await (await staff.login(carla.login, resource="tablet")).join(team.room, carla.name)
    assert {(o.jid, o.affiliation) for o in again.occupants.values()} == {
        (anna.jid, "admin"), (bernd.jid, "member"), (carla.jid, "member"),
    }  # fmt: skip
    body = new_name("Schlüssel liegt bei")
    await phones[1].say_in(team.room, body)
    for phone in phones:
        await phone.wait_for("message", type="groupchat", body=body, **{"from": f"{team.room}/{bernd.name}"})


async def test_who_comes_later_finds_the_history_in_the_rooms_archive(service: Service, staff: Staff) -> None:
    team, (anna, bernd) = await a_team(service, "Anna", "Bernd")
    phone = await inside(staff, anna, team)
    body = new_name("Treffpunkt")
    await phone.say_in(team.room, body)
    await phone.wait_for("message", type="groupchat", body=body)
    late = await inside(staff, bernd, team)
    assert body in await late.archive(of=team.room)


async def test_colleagues_write_to_each_other_and_both_archives_have_it(service: Service, staff: Staff) -> None:
    anna, bernd = await service.hire_many("Anna", "Bernd")
    phone, other = await staff.login(anna.login), await staff.login(bernd.login)
    await other.is_there()
    body = new_name("Kannst du")
    await phone.say(bernd.jid, body)
    await other.wait_for("message", type="chat", body=body, **{"from": phone.jid})
    assert body in await other.archive()
    assert body in await phone.archive()


async def test_a_message_waits_for_who_is_not_online(service: Service, staff: Staff) -> None:
    anna, bernd = await service.hire_many("Anna", "Bernd")
    phone = await staff.login(anna.login)
    body = new_name("Guten Morgen")
    await phone.say(bernd.jid, body)
    await phone.ping()
    other = await staff.login(bernd.login)
    await other.wait_for("message", body=body, delayed=True)


async def test_contacts_see_each_other_come_and_go(service: Service, staff: Staff) -> None:
    _, (anna, bernd) = await a_team(service, "Anna", "Bernd")
    phone = await staff.login(anna.login)
    other = await staff.login(bernd.login)
    await phone.wait_for("presence", type="available", **{"from": other.jid})
    await other.wait_for("presence", type="available", **{"from": phone.jid})
    await other.logout()
    await phone.wait_for("presence", type="unavailable", **{"from": other.jid})


async def test_who_is_not_a_member_finds_nothing_of_the_group(service: Service, staff: Staff) -> None:
    team, (anna, _) = await a_team(service, "Anna", "Bernd")
    member = await inside(staff, anna, team)
    body = new_name("Nur für uns")
    await member.say_in(team.room, body)
    await member.wait_for("message", type="groupchat", body=body)

    stranger = await staff.login((await service.hire("Mallory")).login)
    assert stranger.contacts == {}
    assert await stranger.stored_bookmarks() == {}
    with pytest.raises(Refused, match="registration-required"):
        await stranger.join(team.room, "Mallory")
    rooms = await stranger.iq("get", "<query xmlns='http://jabber.org/protocol/disco#items'/>", to=ROOMS)
    assert list(rooms) == []
    with pytest.raises(Refused, match="item-not-found"):
        await stranger.iq("get", "<query xmlns='http://jabber.org/protocol/disco#items'/>", to=team.room)
    with pytest.raises(Refused):
        await stranger.archive(of=team.room)
    await stranger.say_in(team.room, "Hallo?")
    refusal = await stranger.wait_for("message", type="error", **{"from": team.room})
    assert refusal.facts["error"] in ("not-acceptable", "forbidden")
    await member.has_nothing("message", body="Hallo?")
    assert stranger.jid.partition("/")[0] not in await service.occupants(team)


async def test_who_guesses_a_rooms_address_learns_neither_its_name_nor_its_size(service: Service, staff: Staff) -> None:
    team, _ = await a_team(service, "Anna", "Bernd")
    stranger = await staff.login((await service.hire("Mallory")).login)
    for what in ("info", "items"):
        with pytest.raises(Refused, match="item-not-found"):
            await stranger.iq("get", f"<query xmlns='http://jabber.org/protocol/disco#{what}'/>", to=team.room)


async def test_nobody_makes_a_room_of_their_own(service: Service, staff: Staff) -> None:
    phone = await staff.login((await service.hire()).login)
    with pytest.raises(Refused, match=r"not-allowed|forbidden"):
        await phone.join(f"privat{new_name('').strip().lower()}@{ROOMS}", "Ich")


async def test_nobody_registers_an_account_or_changes_the_own_password(service: Service, staff: Staff) -> None:
    anna = await service.hire()
    phone = await staff.login(anna.login)
    register = "<query xmlns='jabber:iq:register'><username>{}</username><password>neu</password></query>"
    for username in ("fremd", anna.username):
        with pytest.raises(Refused):
            await phone.iq("set", register.format(username), to=DOMAIN)
    with pytest.raises(Refused):
        await phone.iq("set", "<query xmlns='jabber:iq:register'><remove/></query>", to=DOMAIN)
    await staff.login(anna.login, resource="tablet")


async def test_members_let_nobody_in_and_change_nothing_about_the_room(service: Service, staff: Staff) -> None:
    anna, bernd, stranger = await service.hire_many("Anna", "Bernd", "Mallory")
    team = await service.found("Nord", members=[anna, bernd])
    phone, outside = await inside(staff, anna, team), await staff.login(stranger.login)
    await phone.send(invitation(team, stranger))
    await phone.wait_for("message", type="error", **{"from": team.room})
    await outside.has_nothing("message")
    for kind, payload in (*by_hand(anna, bernd, stranger), *OWNERS_FORMS):
        with pytest.raises(Refused):
            await phone.iq(kind, payload, to=team.room)
    with pytest.raises(Refused, match="registration-required"):
        await outside.join(team.room, "Mallory")
    assert await service.affiliations(team) == {anna.jid: "member", bernd.jid: "member"}


async def test_moderators_let_nobody_in_and_throw_nobody_out_past_the_directory(service: Service, staff: Staff) -> None:
    anna, bernd, stranger = await service.hire_many("Anna", "Bernd", "Mallory")
    team = await service.found("Nord", moderators=[anna], members=[bernd])
    phone, outside = await inside(staff, anna, team), await staff.login(stranger.login)
    await phone.send(invitation(team, stranger))
    await phone.ping()
    assert await service.affiliations(team) == {anna.jid: "admin", bernd.jid: "member"}
    with pytest.raises(Refused, match="registration-required"):
        await outside.join(team.room, "Mallory")
    for kind, payload in (*by_hand(anna, bernd, stranger), *OWNERS_FORMS):
        with suppress(Refused):
            await phone.iq(kind, payload, to=team.room)
        assert await service.affiliations(team) == {anna.jid: "admin", bernd.jid: "member"}, payload


OWNERS_FORMS = [
    ("get", "<query xmlns='http://jabber.org/protocol/muc#owner'/>"),
    ("set", "<query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query>"),
    ("set", "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query>"),
]


def invitation(team: Circle, stranger: Person) -> str:
    user = "http://jabber.org/protocol/muc#user"
    return f"<message to='{team.room}'><x xmlns='{user}'><invite to='{stranger.jid}'/></x></message>"


def by_hand(anna: Person, bernd: Person, stranger: Person) -> list[tuple[str, str]]:
    """Attempts of Anna to change the circle in the room."""
    items = (
        f"<item affiliation='member' jid='{stranger.jid}'/>",
        f"<item affiliation='owner' jid='{anna.jid}'/>",
        f"<item affiliation='admin' jid='{bernd.jid}'/>",
        f"<item affiliation='none' jid='{bernd.jid}'/>",
        f"<item affiliation='outcast' jid='{bernd.jid}'/>",
    )
    return [("set", f"<query xmlns='http://jabber.org/protocol/muc#admin'>{item}</query>") for item in items]


async def test_nobody_subscribes_to_a_room_past_the_membership(service: Service, staff: Staff) -> None:
    team, (anna, _) = await a_team(service, "Anna", "Bernd")
    stranger = await service.hire("Mallory")
    subscribe = (
        "<subscribe xmlns='urn:xmpp:mucsub:0' nick='x'><event node='urn:xmpp:mucsub:nodes:messages'/></subscribe>"
    )
    for person in (anna, stranger):
        phone = await staff.login(person.login)
        with pytest.raises(Refused):
            await phone.iq("set", subscribe, to=team.room)


async def test_nobody_changes_the_subject(service: Service, staff: Staff) -> None:
    team, (_, bernd) = await a_team(service, "Anna", "Bernd")
    phone = await inside(staff, bernd, team)
    await phone.send(f"<message to='{team.room}' type='groupchat'><subject>Meins</subject></message>")
    refusal = await phone.wait_for("message", type="error", **{"from": team.room})
    assert refusal.facts["error"] == "forbidden"
    again = await (await staff.login(bernd.login, resource="tablet")).join(team.room, bernd.name)
    assert not again.subject


async def test_nobody_edits_the_own_contact_list(service: Service, staff: Staff) -> None:
    stranger, anna = await service.hire_many("Mallory", "Anna")
    phone = await staff.login(stranger.login)
    with pytest.raises(Refused):
        await phone.iq("set", f"<query xmlns='jabber:iq:roster'><item jid='{anna.jid}'/></query>")


@only_installed
async def test_what_is_written_in_one_group_stays_in_it(service: Service, staff: Staff) -> None:
    people = await service.hire_many("Anna", "Bernd", "Carla")
    north = await service.found("Nord", members=people[:2])
    south = await service.found("Süd", members=people[1:])
    phone, both, other = [await staff.login(person.login) for person in people]
    await asyncio.gather(phone.join(north.room, people[0].name), both.join(north.room, people[1].name))
    await asyncio.gather(both.join(south.room, people[1].name), other.join(south.room, people[2].name))
    body = new_name("Nur Norden")
    await phone.say_in(north.room, body)
    await both.wait_for("message", body=body)
    await other.has_nothing("message", body=body)
    assert body not in await other.archive(of=south.room)
    assert both.contacts[people[0].jid] == replace(both.contacts[people[0].jid], groups=(north.name,))


@only_installed
async def test_a_contact_shared_by_two_groups_stands_in_both(service: Service, staff: Staff) -> None:
    people = await service.hire_many("Anna", "Bernd")
    north, south = [await service.found(word, members=people) for word in ("Nord", "Süd")]
    phone = await staff.login(people[0].login)
    assert phone.contacts[people[1].jid].groups == tuple(sorted((north.name, south.name)))


@only_installed
async def test_a_group_of_a_thousand_characters_of_markup_is_just_a_name(service: Service, staff: Staff) -> None:
    anna = await service.hire(name=new_name("Zoë <b>&amp;'\" 李"))
    name = new_name("R&D <script> 'ä' \"ß\" 漢")
    team = await service.found(name=name, members=[anna])
    phone = await staff.login(anna.login)
    assert await phone.stored_bookmarks() == {
        team.room: RoomMark(room=team.room, name=name, autojoin=True, nick=anna.name)
    }
    info = await phone.iq("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", to=team.room)
    identity = info.find("{http://jabber.org/protocol/disco#info}identity")
    assert identity is not None and identity.get("name") == name
    assert (await phone.join(team.room, anna.name)).nick == anna.name


async def test_the_server_has_what_the_directory_says(service: Service) -> None:
    team, (anna, bernd) = await a_team(service, "Anna", "Bernd")
    assert await service.affiliations(team) == {anna.jid: "admin", bernd.jid: "member"}
    options = await service.server.rooms.options(team.slug, service=ROOMS)
    assert options is not None
    promised = {
        "members_only": "true", "persistent": "true", "public": "false", "public_list": "false", "anonymous": "false",
        "mam": "true", "allow_user_invites": "false", "allow_subscription": "false", "allow_change_subj": "false",
    }  # fmt: skip
    assert {name: options[name] for name in promised} == promised
    await eventually(lambda: service.sessions(anna.username), lambda found: not found, what="nobody is online")
