"""What the contract cannot see: what people notice on a real server, what it costs, and outages."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from xml.etree.ElementTree import Element

import pytest
import pytest_asyncio

from component.connection import Connection
from component.handlers.presence import PresenceHandler
from component.link import Link
from component.server import EjabberdServer
from kleanxmpp import changes, devices, errors
from kleanxmpp.desired import GATE
from kleanxmpp.model import Company
from kleanxmpp.state import Affiliation, Bookmark, Profile
from tests.contracts.server import Hand, affiliate, look_at
from tests.e2e.component_world import (
    API_PASSWORD,
    API_USER,
    FIRMA,
    ZWEI,
    CountingApi,
    EjabberdWorld,
    LiveServer,
    ejabberd_world,
    live_server,
)
from tests.e2e.raw_client import RawClient, local, texts
from tests.unit.component.fake_server import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

NONE, MEMBER, ADMIN = Affiliation.NONE, Affiliation.MEMBER, Affiliation.ADMIN
SERVICE = "gruppen.firma.test"


class Contacts:
    """A handler list with one presence handler that notes contacts."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str]] = []

    async def note(self, domain: str, username: str, resource: str) -> None:
        self.seen.append((domain, username, resource))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LiveServer]:
    async with live_server(tmp_path_factory.mktemp("component")) as running:
        yield running


@pytest.fixture
def contacts() -> Contacts:
    return Contacts()


@pytest_asyncio.fixture(loop_scope="module")
async def world(live: LiveServer, contacts: Contacts) -> AsyncIterator[EjabberdWorld]:
    async with ejabberd_world(live, handlers=(PresenceHandler(on_contact=contacts.note),)) as made:
        yield made


@pytest.fixture
def hand(world: EjabberdWorld) -> Hand:
    return Hand(world)


async def join(client: RawClient, room: str, nick: str) -> Element:
    """Enter a room and return the answer: one's own presence, or the refusal."""
    address = f"{room}@{SERVICE}/{nick}"
    await client.send(f"<presence to='{address}'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
    return await client.wait(lambda stanza: local(stanza) == "presence" and stanza.get("from") == address)


async def say(client: RawClient, room: str, text: str) -> Element:
    """Say something in a room and return what comes back: the message itself, or an error."""
    await client.send(f"<message to='{room}@{SERVICE}' type='groupchat' id='say'><body>{text}</body></message>")
    return await client.wait(lambda stanza: local(stanza) == "message" and text in texts(stanza, "body"))


# what people notice


async def test_members_enter_and_leave_with_their_affiliation(world: EjabberdWorld, hand: Hand) -> None:
    room, anna, mallory = await hand.new_room(), await world.member(), await world.member()
    inside, outside = await world.client(anna), await world.client(mallory)
    await hand.do(affiliate(room, {hand.jid(anna): MEMBER}))
    assert (await join(inside, room, "Anna")).get("type") is None
    assert (await join(outside, room, "Mallory")).get("type") == "error"
    assert (await say(inside, room, "Hallo")).get("type") == "groupchat"
    await hand.do(affiliate(room, {hand.jid(anna): NONE}))
    await inside.wait(lambda stanza: local(stanza) == "presence" and stanza.get("type") == "unavailable")


@pytest.mark.parametrize("announcement", [False, True])
@pytest.mark.parametrize("shut_out", [NONE, Affiliation.OUTCAST])
async def test_who_was_inside_does_not_come_back_in(
    world: EjabberdWorld, hand: Hand, announcement: bool, shut_out: Affiliation
) -> None:
    """On 23.01 ejabberd lets people back into a moderated room whose role it has stored."""
    room, anna = await hand.new_room(announcement=announcement), await world.member()
    client = await world.client(anna)
    await hand.do(affiliate(room, {hand.jid(anna): MEMBER}))
    await join(client, room, "Anna")
    await hand.do(affiliate(room, {hand.jid(anna): ADMIN}), affiliate(room, {hand.jid(anna): MEMBER}))
    await hand.do(affiliate(room, {hand.jid(anna): shut_out}))
    await client.settle()
    client.inbox.clear()
    assert (await join(client, room, "Anna")).get("type") == "error"


async def test_only_moderators_are_heard_in_an_announcement_room(world: EjabberdWorld, hand: Hand) -> None:
    room, boss, anna = await hand.new_room(announcement=True), await world.member(), await world.member()
    await hand.do(affiliate(room, {hand.jid(boss): ADMIN, hand.jid(anna): MEMBER}))
    speaker, listener = await world.client(boss), await world.client(anna)
    await join(speaker, room, "Boss")
    await join(listener, room, "Anna")
    assert (await say(listener, room, "Darf ich?")).get("type") == "error"
    assert (await say(speaker, room, "Neuer Plan")).get("type") == "groupchat"
    await listener.wait(lambda stanza: "Neuer Plan" in texts(stanza, "body"))


async def test_a_room_changed_by_hand_is_seen_and_repaired(world: EjabberdWorld, hand: Hand) -> None:
    room = await hand.new_room()
    async with CountingApi(world.live.private.api_url, user=API_USER, password=API_PASSWORD) as api:
        await api.rooms.set_option(room, service=SERVICE, option="members_only", value="false")
        spoiled = await hand.room(room)
        assert spoiled is not None and not spoiled.as_promised
        repair = changes.ConfigureRoom(room=room, title="Frühschicht", description="Halle 3 & 4", announcement=False)
        assert await hand.do(repair, repair) == [1, 0]
        repaired = await hand.room(room)
        assert repaired is not None and repaired.as_promised


async def test_a_whole_domain_in_a_rooms_list_is_seen_and_removed(hand: Hand) -> None:
    room = await hand.new_room()
    await hand.do(affiliate(room, {FIRMA.domain: MEMBER}))
    spoiled = await hand.room(room)
    assert spoiled is not None and spoiled.affiliations == {FIRMA.domain: MEMBER}
    await hand.do(affiliate(room, {FIRMA.domain: NONE}))
    repaired = await hand.room(room)
    assert repaired is not None and repaired.affiliations == {}


def roster_items(stanza: Element) -> set[str]:
    return {item.get("jid", "") for item in stanza.iter("{jabber:iq:roster}item")}


async def test_people_who_are_connected_learn_of_a_group_that_was_filled_in_bulk(
    world: EjabberdWorld, hand: Hand
) -> None:
    group, anna, ben = await hand.new_group(), await world.member(), await world.member()
    online, also_online = await world.client(anna), await world.client(ben)
    for client in (online, also_online):
        await client.iq("get", "<query xmlns='jabber:iq:roster'/>", to=client.jid.partition("/")[0])
    usernames = frozenset({anna, ben, *(f"away{number}" for number in range(50))})
    await hand.do(changes.AddToSharedGroup(name=group, label="Früh", displayed=True, usernames=usernames, fresh=True))
    await online.wait(lambda stanza: hand.jid(ben) in roster_items(stanza))
    await also_online.wait(lambda stanza: hand.jid(anna) in roster_items(stanza))
    roster = await online.iq("get", "<query xmlns='jabber:iq:roster'/>", to=hand.jid(anna))
    assert roster_items(roster) == {hand.jid(username) for username in usernames - {anna}}


async def test_two_people_added_at_the_same_time_learn_of_each_other(world: EjabberdWorld, hand: Hand) -> None:
    group, anna, ben = await hand.new_group(), await world.member(), await world.member()
    first, second = await world.client(anna), await world.client(ben)
    steps = [
        changes.AddToSharedGroup(name=group, label="", displayed=True, usernames=frozenset({username}))
        for username in (anna, ben)
    ]
    await asyncio.gather(*(hand.do(step) for step in steps))
    await first.wait(lambda stanza: hand.jid(ben) in roster_items(stanza))
    await second.wait(lambda stanza: hand.jid(anna) in roster_items(stanza))


async def test_bookmarks_of_other_services_survive_and_clients_see_ours(world: EjabberdWorld, hand: Hand) -> None:
    anna = await world.member()
    client = await world.client(anna)
    foreign = "<conference jid='chess@rooms.example' name='Schach'/>"
    stored = f"<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'>{foreign}</storage></query>"
    await client.iq("set", stored, to=hand.jid(anna))
    ours = Bookmark(room=f"frueh@{SERVICE}", name="Früh", nick="Anna")
    assert await hand.do(changes.SetBookmarks(username=anna, bookmarks=frozenset({ours}))) == [1]
    question = "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query>"
    answer = await client.iq("get", question, to=hand.jid(anna))
    found = {room.get("jid"): room.get("autojoin") for room in answer.iter("{storage:bookmarks}conference")}
    assert found == {"chess@rooms.example": None, ours.room: "true"}


async def test_nobody_enters_a_room_under_a_colleagues_nickname(world: EjabberdWorld, hand: Hand) -> None:
    room, anna, mallory = await hand.new_room(), await world.member(), await world.member()
    nickname = world.name("Anna")
    await hand.do(
        changes.SetProfile(username=anna, profile=Profile(full_name="Anna", nickname=nickname)),
        affiliate(room, {hand.jid(anna): MEMBER, hand.jid(mallory): MEMBER}),
    )
    assert (await join(await world.client(mallory), room, nickname)).get("type") == "error"
    assert (await join(await world.client(anna), room, nickname)).get("type") is None


async def test_somebody_dismissed_is_put_out_emptied_and_erased(world: EjabberdWorld, hand: Hand) -> None:
    anna = await world.member()
    client = await world.client(anna)
    profile = Profile(full_name="Anna", nickname=world.name("Anna"))
    bookmark = Bookmark(room=f"frueh@{SERVICE}", name="Früh", nick="Anna")
    await hand.do(
        changes.SetProfile(username=anna, profile=profile),
        changes.SetBookmarks(username=anna, bookmarks=frozenset({bookmark})),
    )
    await world.live.dismiss(anna)
    await hand.do(changes.CloseGate(username=anna), changes.EndSessions(username=anna))
    await client.wait_closed()
    await hand.do(changes.SetBookmarks(username=anna, bookmarks=frozenset()))
    assert (await hand.user(look_at(anna, bookmarks=True))).bookmarks == frozenset()
    await hand.do(changes.EraseAccount(username=anna))
    left = await hand.user(look_at(anna, any_session=True, profile=True, shared_groups=(GATE,)))
    assert (left.profile, left.sessions) == (Profile(full_name="", nickname=""), frozenset())


async def test_a_session_asleep_is_seen_and_ended(world: EjabberdWorld, hand: Hand) -> None:
    anna = await world.member()
    client = await world.client(anna)
    await client.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
    await client.wait(lambda stanza: local(stanza) == "enabled")
    await client.close()
    assert await hand.live(anna) == {"phone"}
    assert await hand.do(changes.EndSessions(username=anna)) == [1]
    assert await hand.live(anna) == frozenset()


# the component among people


@pytest.mark.parametrize("company", [FIRMA, ZWEI], ids=["first", "second"])
async def test_each_company_has_its_bot(world: EjabberdWorld, contacts: Contacts, company: Company) -> None:
    anna = await world.member(company=company)
    client = await world.client(anna, company=company)
    host = f"klean.{company.domain}"
    for payload in (
        "<ping xmlns='urn:xmpp:ping'/>",
        "<query xmlns='jabber:iq:version'/>",
        "<query xmlns='http://jabber.org/protocol/disco#info'/>",
    ):
        for to in (host, f"klean@{host}"):
            answer = await client.iq("get", payload, to=to)
            assert (answer.get("type"), answer.get("from")) == ("result", to)
    await client.send(f"<presence to='klean@{host}'/>")
    await eventually(lambda: (company.domain, anna, "phone") in contacts.seen)


# what it costs


async def count(live: LiveServer, hand: Hand, members: int) -> tuple[dict[str, int], int, dict[str, int], int]:
    """Return the API calls and IQs for one new member, and for their off-boarding, in a circle of this size."""
    room, group = await hand.new_room(), await hand.new_group()
    crowd = frozenset(f"crowd{number}" for number in range(members))
    await hand.do(
        affiliate(room, {hand.jid(username): MEMBER for username in crowd}),
        changes.AddToSharedGroup(name=group, label="Früh", displayed=True, usernames=crowd, fresh=True),
    )
    look = look_at("newcomer", any_session=True, rooms=(room,), shared_groups=(group, GATE), bookmarks=True)
    world = hand.world
    assert isinstance(world, EjabberdWorld)
    async with CountingApi(live.private.api_url, user=API_USER, password=API_PASSWORD) as api:
        server, connection = EjabberdServer(Link(api=api, connection=world.connection)), world.connection
        spent = []
        for steps in (
            (
                changes.OpenGate(username="newcomer"),
                affiliate(room, {hand.jid("newcomer"): MEMBER}),
                changes.JoinSharedGroups(username="newcomer", names=frozenset({group})),
                changes.SetBookmarks(username="newcomer", bookmarks=frozenset()),
            ),
            (
                changes.CloseGate(username="newcomer"),
                changes.EndSessions(username="newcomer"),
                affiliate(room, {hand.jid("newcomer"): NONE}),
                changes.LeaveSharedGroups(username="newcomer", names=frozenset({group})),
                changes.SetBookmarks(username="newcomer", bookmarks=frozenset()),
            ),
        ):
            asked, api.calls = connection.requests, type(api.calls)()
            for step in (*steps, None):
                if step is None:
                    await server.observe_user(hand.company, look)
                else:
                    await server.apply(hand.company, step)
            spent.append((dict(api.calls), connection.requests - asked))
    return (*spent[0], *spent[1])


async def test_one_person_costs_the_same_in_a_small_and_in_a_large_circle(live: LiveServer, hand: Hand) -> None:
    small, large = await count(live, hand, 3), await count(live, hand, 400)
    assert small == large
    joining, joining_iqs, leaving, leaving_iqs = large
    assert (joining_iqs, leaving_iqs) == (1, 1)
    assert joining == {
        "klean_join_shared_groups": 2,
        "klean_set_private": 1,
        "klean_sessions": 1,
        "klean_people": 2,
        "klean_shared_groups": 1,
        "klean_affiliations": 1,
    }
    assert leaving == {
        "klean_leave_shared_groups": 2,
        "klean_kick_users": 1,
        "klean_set_private": 1,
        "klean_sessions": 1,
        "klean_people": 2,
        "klean_shared_groups": 1,
        "klean_affiliations": 1,
    }


async def test_a_look_at_devices_is_one_call_and_finds_the_credential(
    live: LiveServer, world: EjabberdWorld, hand: Hand
) -> None:
    people = [await live.hire("owner") for _ in range(3)]
    for username in people:
        await hand.do(changes.OpenGate(username=username))
        await world.log_in(username, resource="phone")
    async with CountingApi(live.private.api_url, user=API_USER, password=API_PASSWORD) as api:
        server = EjabberdServer(Link(api=api, connection=world.connection))
        await devices.write_down(live.directory, server, FIRMA, taken=(), now=datetime.now(UTC))
        assert api.calls == {"klean_devices_seen": 1}
        async with live.directory.read() as tx:
            for username in people:
                user = await tx.user(FIRMA.id, username)
                assert user is not None
                (known,) = await tx.credentials(user.id)
                assert known.last_seen_at is not None
                (session,) = await devices.live(live.directory, server, FIRMA, user, within=10)
                assert (session.resource, session.credential, session.awake) == ("phone", known, True)


async def test_thousands_of_affiliations_take_one_question_per_thousand(world: EjabberdWorld, hand: Hand) -> None:
    room = await hand.new_room()
    crowd = {hand.jid(f"crowd{number}"): MEMBER for number in range(2500)}
    before = world.connection.requests
    assert await hand.do(affiliate(room, crowd)) == [2500]
    assert world.connection.requests - before == 3
    found = await hand.room(room)
    assert found is not None and found.affiliations == crowd


# outages


async def test_a_restarted_server_is_found_again_and_still_knows_everything(world: EjabberdWorld, hand: Hand) -> None:
    room, group = await hand.new_room(), await hand.new_group()
    await hand.do(affiliate(room, {hand.jid("anna"): MEMBER}))
    attempts = world.connection.attempts
    await world.live.private.stop()
    try:
        await eventually(lambda: not world.connection.ready)
        with pytest.raises(errors.Temporary):
            await hand.server.check()
        with pytest.raises(errors.Temporary):
            await hand.user(look_at("anna", rooms=(room,)))
        with pytest.raises(errors.Temporary):
            await hand.do(affiliate(room, {hand.jid("anna"): NONE}))
    finally:
        await world.live.private.start()
    async with asyncio.timeout(20):
        await world.connection.wait_ready()
    assert world.connection.attempts > attempts
    await hand.server.check()
    assert {room} <= await hand.server.room_names(hand.company)
    assert {group} <= await hand.server.shared_group_names(hand.company)
    assert (await hand.user(look_at("anna", rooms=(room,)))).affiliations == {room: MEMBER}
    await hand.do(affiliate(room, {hand.jid("anna"): NONE}))
    assert (await hand.user(look_at("anna", rooms=(room,)))).affiliations == {room: NONE}


async def test_a_wrong_secret_is_refused_by_the_real_server_without_spinning(world: EjabberdWorld) -> None:
    settings = world.live.settings()
    connection = Connection(
        settings.addresses,
        host=settings.component_host,
        port=settings.component_port,
        secret="wrong",
        patience=replace(settings.patience, first_retry=0.2),
    )
    task = asyncio.create_task(connection.run())
    await eventually(lambda: connection.attempts >= 3)
    assert not connection.ready
    connection.stop()
    await task
    assert world.connection.ready
