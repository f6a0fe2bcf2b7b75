"""What users can and cannot do with rooms, whatever client they use."""

import itertools

import pytest

from ejabberd.config import GATE_GROUP
from tests.e2e.ejabberd.ejabberd_world import COMPONENT, DOMAIN, ROOMS, World
from tests.e2e.ejabberd.xmpp_wire import Client, Element, condition_of, is_stanza, local

pytestmark = pytest.mark.e2e

ADMIN = "http://jabber.org/protocol/muc#admin"
ANNOUNCEMENT = {"moderated": "true", "members_by_default": "false"}

_ids = itertools.count(1)


async def a_room(world: World, *, options: dict[str, str] | None = None, **affiliations: str) -> str:
    """Create a room with these affiliations (username=affiliation) as the reconciler does; return its address."""
    name = world.new_name("room")
    await world.api.rooms.create(name, service=ROOMS, host=DOMAIN, options=options or {})
    room = f"{name}@{ROOMS}"
    items = "".join(
        f"<item jid='{username}@{DOMAIN}' affiliation='{affiliation}'/>"
        for username, affiliation in affiliations.items()
    )
    component = await world.component()
    answer = await component.iq("set", f"<query xmlns='{ADMIN}'>{items}</query>", to=room, sender=COMPONENT)
    assert answer.get("type") == "result", condition_of(answer)
    await component.close()
    return room


async def join(client: Client, room: str, *, nick: str | None = None) -> Element:
    """Send presence to a room and return the answer: own presence, or an error."""
    nick = nick or client.jid.partition("@")[0]
    await client.send(f"<presence to='{room}/{nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>")

    def own(element: Element) -> bool:
        codes = {status.get("code") for status in element.iter("{http://jabber.org/protocol/muc#user}status")}
        from_room = (element.get("from") or "").startswith(room)
        return is_stanza(element, "presence") and from_room and (element.get("type") == "error" or "110" in codes)

    return await client.wait(own)


async def say(client: Client, room: str, content: str = "<body>hello</body>") -> Element:
    """Send to a room and return what comes back: the message itself, or an error."""
    identifier = f"m{next(_ids)}"
    await client.send(f"<message type='groupchat' id='{identifier}' to='{room}'>{content}</message>")
    return await client.wait(lambda element: is_stanza(element, "message") and element.get("id") == identifier)


async def test_users_cannot_create_rooms(world: World) -> None:
    client = await world.login(await world.person())
    assert condition_of(await join(client, f"{world.new_name('own')}@{ROOMS}")) in ("forbidden", "not-allowed")


async def test_the_defaults_of_a_room_keep_the_promises(world: World) -> None:
    room = await a_room(world, **{await world.person(): "member"})
    options = await world.api.rooms.options(room.partition("@")[0], service=ROOMS)
    assert options is not None
    assert {
        "members_only": "true",
        "persistent": "true",
        "public": "false",
        "public_list": "false",
        "mam": "true",
        "anonymous": "false",
        "allow_user_invites": "false",
        "allow_change_subj": "false",
        "allow_subscription": "false",
    }.items() <= options.items()


async def test_members_come_in_and_strangers_do_not(world: World) -> None:
    alice, mallory = await world.person(), await world.person()
    room = await a_room(world, **{alice: "member"})
    assert condition_of(await join(await world.login(alice), room)) is None
    assert condition_of(await join(await world.login(mallory), room)) == "registration-required"


async def test_members_see_real_addresses(world: World) -> None:
    alice, bob = await world.person(), await world.person()
    room = await a_room(world, **{alice: "member", bob: "member"})
    first, second = await world.login(alice), await world.login(bob)
    await join(first, room)
    await join(second, room)
    arrived = await first.wait(lambda element: element.get("from") == f"{room}/{bob}")
    (item,) = arrived.iter("{http://jabber.org/protocol/muc#user}item")
    assert item.get("jid") == second.jid


async def test_rooms_are_listed_for_their_members_only(world: World) -> None:
    alice, mallory = await world.person(), await world.person()
    room = await a_room(world, **{alice: "member"})
    assert room in await listed_rooms(await world.login(alice))
    assert room not in await listed_rooms(await world.login(mallory))


async def test_the_gate_stops_the_next_message_of_somebody_inside(world: World) -> None:
    alice = await world.person()
    room = await a_room(world, **{alice: "member"})
    client = await world.login(alice)
    await join(client, room)
    assert condition_of(await say(client, room)) is None
    await world.api.groups.leave([(alice, GATE_GROUP)], host=DOMAIN)
    assert condition_of(await say(client, room)) == "forbidden"


async def test_members_cannot_invite_configure_rename_or_subscribe(world: World) -> None:
    alice, mallory = await world.person(), await world.person()
    room = await a_room(world, **{alice: "member"})
    client = await world.login(alice)
    await join(client, room)
    user = "http://jabber.org/protocol/muc#user"
    await client.send(
        f"<message to='{room}' id='invite'><x xmlns='{user}'><invite to='{mallory}@{DOMAIN}'/></x></message>"
    )
    assert condition_of(await client.wait(lambda element: element.get("id") == "invite")) is not None
    assert condition_of(await say(client, room, "<subject>mine</subject>")) == "forbidden"
    for payload in (
        f"<query xmlns='{ADMIN}'><item jid='{mallory}@{DOMAIN}' affiliation='member'/></query>",
        "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query>",
        "<query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query>",
        "<subscribe xmlns='urn:xmpp:mucsub:0' nick='x'><event node='urn:xmpp:mucsub:nodes:messages'/></subscribe>",
    ):
        assert condition_of(await client.iq("set", payload, to=room)) is not None, payload
    name = room.partition("@")[0]
    found = await world.api.rooms.affiliations_of(f"{mallory}@{DOMAIN}", service=ROOMS, rooms=[name])
    assert found == {name: "none"}


async def test_nobody_subscribes_to_a_room_even_where_somebody_allowed_it(world: World) -> None:
    """Before 25.08 a subscription outlives the membership: whoever left would go on reading."""
    alice, boss = await world.person(), await world.person()
    room = await a_room(world, options={"allow_subscription": "true"}, **{alice: "member", boss: "admin"})
    for username in (alice, boss):
        client = await world.login(username)
        await join(client, room)
        events = "<event node='urn:xmpp:mucsub:nodes:messages'/>"
        answer = await client.iq("set", f"<subscribe xmlns='urn:xmpp:mucsub:0' nick='x'>{events}</subscribe>", to=room)
        assert condition_of(answer) == "forbidden"


async def test_users_cannot_register_nicknames(world: World) -> None:
    alice = await world.person()
    room = await a_room(world, **{alice: "member"})
    client = await world.login(alice)
    form = (
        "<query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='submit'>"
        "<field var='nick'><value>The Boss</value></field></x></query>"
    )
    for service in (ROOMS, room):
        assert condition_of(await client.iq("set", form, to=service)) is not None


async def test_a_registered_nickname_is_that_persons_only(world: World) -> None:
    alice, mallory = await world.person(), await world.person()
    room = await a_room(world, **{alice: "member", mallory: "member"})
    nick = world.new_name("Nick")
    await world.api.rooms.register_nick(nick, jid=f"{alice}@{DOMAIN}", service=ROOMS)
    assert condition_of(await join(await world.login(mallory), room, nick=nick)) == "conflict"
    assert condition_of(await join(await world.login(alice), room, nick=nick)) is None


@pytest.mark.parametrize(
    "content",
    [
        "<body>hello</body>",
        "<received xmlns='urn:xmpp:receipts' id='1'/>",
        "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>",
        "<reactions xmlns='urn:xmpp:reactions:0' id='1'><reaction>x</reaction></reactions>",
        "<composing xmlns='http://jabber.org/protocol/chatstates'/>",
    ],
)
async def test_listeners_of_an_announcement_room_reach_nobody(world: World, content: str) -> None:
    listener, moderator = await world.person(), await world.person()
    room = await a_room(world, options=ANNOUNCEMENT, **{listener: "member", moderator: "admin"})
    quiet, speaker = await world.login(listener), await world.login(moderator)
    await join(quiet, room)
    await join(speaker, room)
    assert condition_of(await say(quiet, room, content)) == "forbidden"
    assert condition_of(await say(speaker, room)) is None
    arrived = await quiet.wait(lambda element: is_stanza(element, "message") and element.get("type") == "groupchat")
    assert condition_of(arrived) is None
    assert not await speaker.seen(
        lambda element: element.get("from") == f"{room}/{listener}" and is_stanza(element, "message")
    )
    assert await archived_bodies(speaker, room) == ["hello"]


async def test_in_a_team_room_everybody_writes(world: World) -> None:
    alice, bob = await world.person(), await world.person()
    room = await a_room(world, **{alice: "member", bob: "member"})
    first, second = await world.login(alice), await world.login(bob)
    await join(first, room)
    await join(second, room)
    assert condition_of(await say(first, room)) is None
    await second.wait(lambda element: is_stanza(element, "message") and element.get("from") == f"{room}/{alice}")


async def test_a_listener_gets_the_subject_that_a_former_moderator_wrote(world: World) -> None:
    """The subject is sent on joining in its author's name: silencing must not swallow it."""
    listener, moderator = await world.person(), await world.person()
    room = await a_room(world, options=ANNOUNCEMENT, **{listener: "member", moderator: "admin"})
    speaker = await world.login(moderator)
    await join(speaker, room)
    assert condition_of(await say(speaker, room, "<subject>news</subject>")) is None
    name = room.partition("@")[0]
    await world.api.rooms.set_affiliation(name, service=ROOMS, jid=f"{moderator}@{DOMAIN}", affiliation="none")
    quiet = await world.login(listener)
    await join(quiet, room)
    await quiet.wait(lambda element: any(local(child) == "subject" for child in element))


async def test_thousands_of_affiliations_are_not_throttled(world: World) -> None:
    name = world.new_name("room")
    await world.api.rooms.create(name, service=ROOMS, host=DOMAIN, options={})
    items = "".join(f"<item jid='many{number}@{DOMAIN}' affiliation='member'/>" for number in range(5000))
    component = await world.component()
    answer = await component.iq(
        "set", f"<query xmlns='{ADMIN}'>{items}</query>", to=f"{name}@{ROOMS}", sender=COMPONENT
    )
    assert answer.get("type") == "result"
    affiliations = await world.api.rooms.affiliations(name, service=ROOMS)
    assert affiliations is not None
    assert len(affiliations) == 5000


async def listed_rooms(client: Client) -> set[str | None]:
    answer = await client.iq("get", "<query xmlns='http://jabber.org/protocol/disco#items'/>", to=ROOMS)
    return {item.get("jid") for item in answer.iter("{http://jabber.org/protocol/disco#items}item")}


async def archived_bodies(client: Client, room: str) -> list[str]:
    """The texts in a room's archive."""
    bodies: list[str] = []

    def collect(element: Element) -> bool:
        bodies.extend(body.text or "" for body in element.iter("{jabber:client}body"))
        return is_stanza(element, "iq") and element.get("id") == "archive"

    await client.barrier()
    await client.send(f"<iq type='set' id='archive' to='{room}'><query xmlns='urn:xmpp:mam:2'/></iq>")
    bodies.clear()
    answer = await client.wait(collect)
    assert condition_of(answer) is None
    return bodies


async def test_who_is_thrown_out_of_the_server_stands_in_no_room_any_more(world: World) -> None:
    """The gate is closed first, and mod_muc hears nobody who is not in it: not even that they have left."""
    alice, leaver = await world.person(), await world.person()
    room = await a_room(world, **{alice: "member", leaver: "member"})
    colleague, client = await world.login(alice), await world.login(leaver)
    await join(colleague, room)
    await join(client, room)
    await world.api.groups.leave([(leaver, GATE_GROUP)], host=DOMAIN)
    await world.api.sessions.kick_users([leaver], host=DOMAIN)
    await colleague.wait(lambda e: e.get("from") == f"{room}/{leaver}" and e.get("type") == "unavailable")
    found = await world.api.rooms.occupants(room.partition("@")[0], service=ROOMS) or ()
    assert {occupant.nick for occupant in found} == {alice}
