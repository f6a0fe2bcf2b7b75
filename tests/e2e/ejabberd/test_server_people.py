"""Names, contacts, bookmarks and direct messages: what comes from the directory, and what users cannot change."""

import base64
import hashlib

import pytest

from ejabberd.config import GATE_GROUP
from tests.e2e.ejabberd.ejabberd_world import DOMAIN, World
from tests.e2e.ejabberd.xmpp_wire import Client, Element, condition_of, is_stanza
from tests.photos import a_photo

pytestmark = pytest.mark.e2e

PUBSUB = "http://jabber.org/protocol/pubsub"
AVATAR, DATA = "urn:xmpp:avatar:metadata", "urn:xmpp:avatar:data"
PIXEL = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
    )
).decode()


async def vcard_of(client: Client, username: str) -> dict[str, str]:
    """The vCard as a flat mapping of element name to text."""
    answer = await client.iq("get", "<vCard xmlns='vcard-temp'/>", to=f"{username}@{DOMAIN}")
    return {
        element.tag.partition("}")[2]: (element.text or "").replace("\n", "")
        for element in answer.iter()
        if element.tag.startswith("{vcard-temp}") and not len(element)
    }


def presence_hash(element: Element, *, of: str) -> str | None:
    """The picture's hash in a presence (XEP-0153); None: it is no presence of this person, or says nothing."""
    if element.tag != "{jabber:client}presence" or not (element.get("from") or "").startswith(f"{of}@"):
        return None
    return element.findtext("{vcard-temp:x:update}x/{vcard-temp:x:update}photo")


def announced(element: Element) -> list[str | None]:
    """The pictures that an event tells of (XEP-0084)."""
    return [info.get("id") for info in element.iter(f"{{{AVATAR}}}info")]


async def set_vcard(client: Client, content: str) -> str | None:
    return condition_of(await client.iq("set", f"<vCard xmlns='vcard-temp'>{content}</vCard>"))


async def test_names_that_a_client_writes_are_put_back_and_the_picture_is_kept(world: World) -> None:
    alice = await world.person()
    await world.api.accounts.set_names(alice, host=DOMAIN, full_name="Alice Müller", nickname="Alice Müller")
    client = await world.login(alice)
    forged = (
        "<FN>The Boss</FN><N><FAMILY>Boss</FAMILY></N><NICKNAME>Boss</NICKNAME><TITLE>Foreman</TITLE>"
        f"<PHOTO><TYPE>image/png</TYPE><BINVAL>{PIXEL}</BINVAL></PHOTO>"
    )
    assert await set_vcard(client, forged) is None
    stored = await vcard_of(client, alice)
    assert (stored["FN"], stored["NICKNAME"]) == ("Alice Müller", "Alice Müller")
    assert "FAMILY" not in stored
    assert (stored["TITLE"], stored["BINVAL"]) == ("Foreman", PIXEL)


async def test_without_a_name_from_the_directory_there_is_none(world: World) -> None:
    mallory = await world.person()
    client = await world.login(mallory)
    assert await set_vcard(client, "<FN>Alice</FN><NICKNAME>Alice</NICKNAME><DESC>x</DESC>") is None
    stored = await vcard_of(client, mallory)
    assert "FN" not in stored
    assert "NICKNAME" not in stored


async def test_the_api_changes_names_and_keeps_the_picture(world: World) -> None:
    alice = await world.person()
    client = await world.login(alice)
    await set_vcard(client, f"<PHOTO><TYPE>image/png</TYPE><BINVAL>{PIXEL}</BINVAL></PHOTO>")
    await world.api.accounts.set_names(alice, host=DOMAIN, full_name="Alice Schmidt", nickname="Alice S.")
    stored = await vcard_of(client, alice)
    assert (stored["FN"], stored["NICKNAME"], stored["BINVAL"]) == ("Alice Schmidt", "Alice S.", PIXEL)
    names = await world.api.accounts.names(alice, host=DOMAIN)
    assert (names.full_name, names.nickname) == ("Alice Schmidt", "Alice S.")


async def test_somebody_elses_vcard_cannot_be_written(world: World) -> None:
    alice, mallory = await world.person(), await world.person()
    await world.api.accounts.set_names(alice, host=DOMAIN, full_name="Alice", nickname="Alice")
    client = await world.login(mallory)
    await client.iq("set", "<vCard xmlns='vcard-temp'><FN>Mallory</FN></vCard>", to=f"{alice}@{DOMAIN}")
    assert (await vcard_of(client, alice))["FN"] == "Alice"


@pytest.mark.parametrize(
    ("node", "payload"),
    [
        ("http://jabber.org/protocol/nick", "<nick xmlns='http://jabber.org/protocol/nick'>The Boss</nick>"),
        ("urn:xmpp:vcard4", "<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><fn><text>Boss</text></fn></vcard>"),
    ],
)
async def test_names_published_by_eventing_are_seen_by_nobody(world: World, node: str, payload: str) -> None:
    """Not even by contacts, and not after the publisher tried to open the node."""
    mallory, colleague = await world.person(), await world.person()
    await world.contacts(mallory, colleague)
    client, reader = await world.login(mallory), await world.login(colleague)
    await announce_interest(reader, f"{node}+notify")
    await client.send("<presence/>")
    field = "<field var='pubsub#access_model'><value>open</value></field>"
    options = f"<x xmlns='jabber:x:data' type='submit'>{field}</x>"
    publish = f"<publish node='{node}'><item>{payload}</item></publish>"
    for request in (
        f"<pubsub xmlns='{PUBSUB}'>{publish}<publish-options>{options}</publish-options></pubsub>",
        f"<pubsub xmlns='{PUBSUB}'>{publish}</pubsub>",
        f"<pubsub xmlns='{PUBSUB}#owner'><configure node='{node}'>{options}</configure></pubsub>",
        f"<pubsub xmlns='{PUBSUB}'>{publish}</pubsub>",
    ):
        await client.iq("set", request)
    items = f"<pubsub xmlns='{PUBSUB}'><items node='{node}'/></pubsub>"
    assert condition_of(await reader.iq("get", items, to=f"{mallory}@{DOMAIN}")) is not None
    assert not await reader.seen(lambda element: element.find(f"{{{PUBSUB}#event}}event") is not None)


async def test_contacts_do_see_each_others_pictures(world: World) -> None:
    """Guards the test above: eventing itself works between contacts."""
    alice, colleague = await world.person(), await world.person()
    await world.contacts(alice, colleague)
    client, reader = await world.login(alice), await world.login(colleague)
    await announce_interest(reader, "urn:xmpp:avatar:metadata+notify")
    await client.send("<presence/>")
    await set_vcard(client, f"<PHOTO><TYPE>image/png</TYPE><BINVAL>{PIXEL}</BINVAL></PHOTO>")
    await reader.wait(lambda element: element.find(f"{{{PUBSUB}#event}}event") is not None)


async def test_the_directorys_photo_is_vcard_avatar_and_presence_and_no_client_changes_it(world: World) -> None:
    alice, colleague = await world.person(), await world.person()
    await world.contacts(alice, colleague)
    await world.api.accounts.set_names(alice, host=DOMAIN, full_name="Alice", nickname="Alice")
    client, reader = await world.login(alice), await world.login(colleague)
    await announce_interest(reader, f"{AVATAR}+notify")
    await client.send("<presence/>")
    await reader.wait(lambda element: presence_hash(element, of=alice) == "")
    photo = a_photo()
    await world.api.accounts.set_photo(alice, host=DOMAIN, media_type=photo.media_type, content=photo.content)
    await reader.wait(lambda element: presence_hash(element, of=alice) == photo.sha1)
    await reader.wait(lambda element: announced(element) == [photo.sha1])

    forged = f"<PHOTO><TYPE>image/png</TYPE><BINVAL>{PIXEL}</BINVAL></PHOTO><TITLE>Chefin</TITLE>"
    assert await set_vcard(client, forged) is None
    avatar = f"<publish node='{AVATAR}'><item id='x'><metadata xmlns='{AVATAR}'/></item></publish>"
    data = f"<publish node='{DATA}'><item id='x'><data xmlns='{DATA}'>{PIXEL}</data></item></publish>"
    delete = f"<pubsub xmlns='{PUBSUB}#owner'><delete node='{AVATAR}'/></pubsub>"
    for request in (*(f"<pubsub xmlns='{PUBSUB}'>{one}</pubsub>" for one in (avatar, data)), delete):
        assert condition_of(await client.iq("set", request)) == "forbidden"
    await client.send("<presence><x xmlns='vcard-temp:x:update'><photo/></x><status>da</status></presence>")
    told = await reader.wait(lambda element: element.find("{jabber:client}status") is not None)
    assert presence_hash(told, of=alice) == photo.sha1

    stored = await vcard_of(reader, alice)
    assert (base64.b64decode(stored["BINVAL"]), stored["TITLE"]) == (photo.content, "Chefin")
    items = f"<pubsub xmlns='{PUBSUB}'><items node='{DATA}'/></pubsub>"
    answer = await reader.iq("get", items, to=f"{alice}@{DOMAIN}")
    (element,) = answer.iter(f"{{{DATA}}}data")
    assert base64.b64decode(element.text or "") == photo.content


async def test_without_a_photo_of_the_directory_ones_own_picture_stays_and_can_be_changed(world: World) -> None:
    alice, photo = await world.person(), a_photo()
    client = await world.login(alice)
    await set_vcard(client, f"<PHOTO><TYPE>image/png</TYPE><BINVAL>{PIXEL}</BINVAL></PHOTO>")
    no_photo = {"media_type": "", "content": b""}
    await world.api.accounts.set_photo(alice, host=DOMAIN, **no_photo)
    assert (await vcard_of(client, alice))["BINVAL"] == PIXEL
    (kept,) = await world.api.accounts.belongings([alice], host=DOMAIN)
    assert kept.photo == ""
    await world.api.accounts.set_photo(alice, host=DOMAIN, media_type=photo.media_type, content=photo.content)
    await world.api.accounts.set_names(alice, host=DOMAIN, full_name="Alice", nickname="Alice")
    (kept,) = await world.api.accounts.belongings([alice], host=DOMAIN)
    assert (kept.photo, kept.full_name) == (photo.sha1, "Alice")
    await world.api.accounts.set_photo(alice, host=DOMAIN, **no_photo)
    assert "BINVAL" not in await vcard_of(client, alice)
    assert await set_vcard(client, f"<PHOTO><TYPE>image/png</TYPE><BINVAL>{PIXEL}</BINVAL></PHOTO>") is None
    stored = await vcard_of(client, alice)
    assert (stored["BINVAL"], stored["FN"]) == (PIXEL, "Alice")


async def test_a_photo_that_was_lost_behind_our_back_is_noticed_and_goes_with_the_account(world: World) -> None:
    alice, photo = await world.person(), a_photo()
    await world.api.accounts.set_photo(alice, host=DOMAIN, media_type=photo.media_type, content=photo.content)
    await world.api.call("set_nickname", user=alice, host=DOMAIN, nickname="Alice")
    (kept,) = await world.api.accounts.belongings([alice], host=DOMAIN)
    assert kept.photo not in {"", photo.sha1}
    await world.api.accounts.unregister(alice, host=DOMAIN)
    (kept,) = await world.api.accounts.belongings([alice], host=DOMAIN)
    assert kept.photo == ""


async def test_users_make_no_nodes_outside_of_their_account(world: World) -> None:
    client = await world.login(await world.person())
    request = f"<pubsub xmlns='{PUBSUB}'><create node='shared'/></pubsub>"
    assert condition_of(await client.iq("set", request, to=f"pubsub.{DOMAIN}")) is not None


async def test_users_cannot_edit_their_contact_list(world: World) -> None:
    alice, bob = await world.person(), await world.person()
    client = await world.login(alice)
    item = f"<query xmlns='jabber:iq:roster'><item jid='{bob}@{DOMAIN}' name='My friend'/></query>"
    assert condition_of(await client.iq("set", item)) is not None
    await client.send(f"<presence type='subscribe' id='s' to='{bob}@{DOMAIN}'/>")
    assert condition_of(await client.wait(lambda element: element.get("id") == "s")) == "forbidden"
    assert await contacts_of(client) == {}


async def test_contacts_from_a_shared_group_are_pushed_to_who_is_online(world: World) -> None:
    alice, bob = await world.person(), await world.person()
    group = world.new_name("klean-g-")
    await world.api.groups.create(group, host=DOMAIN, label="Team Süd", display=[group])
    await world.api.groups.join([(alice, group)], host=DOMAIN)
    client = await world.login(alice)
    assert await contacts_of(client) == {}
    await client.send("<presence/>")
    await world.api.groups.join([(bob, group)], host=DOMAIN)
    push = await client.wait(lambda element: f"{bob}@{DOMAIN}" in roster_items(element))
    assert push.get("type") == "set"
    assert await contacts_of(client) == {f"{bob}@{DOMAIN}": ("both", "Team Süd")}
    await world.api.groups.leave([(bob, group)], host=DOMAIN)
    await client.wait(lambda element: roster_items(element).get(f"{bob}@{DOMAIN}", ("", ""))[0] == "remove")
    assert await contacts_of(client) == {}


async def test_people_who_leave_a_group_in_one_call_vanish_from_all_lists_and_from_each_others(world: World) -> None:
    staying, first, second, thrown_out = [await world.person() for _ in range(4)]
    group = world.new_name("klean-g-")
    await world.api.groups.create(group, host=DOMAIN, label="Team Süd", display=[group])
    people = (staying, first, second, thrown_out)
    await world.api.groups.join([(username, group) for username in people], host=DOMAIN)
    clients = {username: await world.login(username) for username in people}
    for client in clients.values():
        await contacts_of(client)
        await client.send("<presence/>")
    await world.api.groups.leave([(thrown_out, GATE_GROUP)], host=DOMAIN)
    await world.api.groups.leave([(username, group) for username in (first, second, thrown_out)], host=DOMAIN)
    for username, gone in {staying: (first, second, thrown_out), first: (second, staying)}.items():
        for other in gone:
            await clients[username].wait(lambda e, jid=f"{other}@{DOMAIN}": removed(e) == {jid})
    assert await contacts_of(clients[staying]) == await contacts_of(clients[first]) == {}
    assert not await clients[thrown_out].seen(lambda element: bool(removed(element))), "nobody is told on the way out"


async def test_people_write_to_each_other_without_being_contacts(world: World) -> None:
    alice, bob = await world.person(), await world.person()
    first, second = await world.login(alice), await world.login(bob)
    await second.send("<presence/>")
    await first.send(f"<message type='chat' to='{bob}@{DOMAIN}'><body>hello</body></message>")
    await second.wait(lambda element: is_stanza(element, "message") and element.get("from") == first.jid)


async def test_who_writes_to_somebody_who_left_gets_an_error(world: World) -> None:
    alice, leaver = await world.person(), await world.person()
    world.directory.deactivate(leaver)
    client = await world.login(alice)
    await client.send(f"<message type='chat' id='m' to='{leaver}@{DOMAIN}'><body>hello</body></message>")
    assert condition_of(await client.wait(lambda element: element.get("id") == "m")) == "service-unavailable"
    assert await world.api.accounts.offline_count(leaver, host=DOMAIN) == 0


async def test_messages_wait_for_somebody_who_is_away(world: World) -> None:
    alice, bob = await world.person(), await world.person()
    client = await world.login(alice)
    await client.send(f"<message type='chat' to='{bob}@{DOMAIN}'><body>hello</body></message>")
    await client.barrier()
    assert await world.api.accounts.offline_count(bob, host=DOMAIN) == 1


async def test_nothing_goes_to_the_outside_world(world: World) -> None:
    client = await world.login(await world.person())
    await client.send("<message type='chat' id='m' to='somebody@elsewhere.example'><body>hello</body></message>")
    assert condition_of(await client.wait(lambda element: element.get("id") == "m")) is not None


async def test_bookmarks_written_by_the_api_reach_a_client_that_is_online(world: World) -> None:
    alice = await world.person()
    client = await world.login(alice)
    node = "storage:bookmarks"
    await announce_interest(client, f"{node}+notify")
    room = f"room@gruppen.{DOMAIN}"
    xml = f"<storage xmlns='{node}'><conference jid='{room}' autojoin='true' name='Räume'/></storage>"
    await world.api.accounts.set_private({alice: xml}, host=DOMAIN)
    event = await client.wait(lambda element: any(True for _ in element.iter("{storage:bookmarks}conference")))
    (conference,) = event.iter("{storage:bookmarks}conference")
    assert conference.get("jid") == room
    stored = await world.api.accounts.private(alice, host=DOMAIN, element="storage", namespace=node)
    assert room in stored


def removed(element: Element) -> set[str]:
    """Contacts that vanish with this roster push."""
    return {jid for jid, (subscription, _) in roster_items(element).items() if subscription == "remove"}


def roster_items(element: Element) -> dict[str, tuple[str, str]]:
    """Subscription and first heading of each contact in a roster stanza."""
    return {
        item.get("jid", ""): (item.get("subscription", ""), next((group.text or "" for group in item), ""))
        for item in element.iter("{jabber:iq:roster}item")
    }


async def contacts_of(client: Client) -> dict[str, tuple[str, str]]:
    return roster_items(await client.iq("get", "<query xmlns='jabber:iq:roster'/>"))


async def announce_interest(client: Client, feature: str) -> None:
    """Tell the server by entity capabilities (XEP-0115) which events this client wants."""
    name = client.jid.replace("/", "-")
    version = base64.b64encode(hashlib.sha1(f"client/pc//{name}<{feature}<".encode()).digest()).decode()
    caps = f"<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='test' ver='{version}'/>"
    await client.send(f"<presence>{caps}</presence>")
    info = "http://jabber.org/protocol/disco#info"
    question = await client.wait(lambda element: element.find(f"{{{info}}}query") is not None)
    await client.send(
        f"<iq type='result' id='{question.get('id')}' to='{question.get('from')}'>"
        f"<query xmlns='{info}' node='test#{version}'><identity category='client' type='pc' name='{name}'/>"
        f"<feature var='{feature}'/></query></iq>"
    )
    await client.barrier()


@pytest.mark.parametrize("kind", ["subscribe", "subscribed", "unsubscribe", "unsubscribed"])
async def test_a_request_for_contact_is_refused_and_waits_for_nobody(world: World, kind: str) -> None:
    """mod_roster answers "forbidden" and passes it on all the same: it would outlive its sender on others' lists."""
    alice, bob = await world.person(), await world.person()
    sender = await world.login(alice)
    await sender.send(f"<presence type='{kind}' id='wish' to='{bob}@{DOMAIN}'/>")
    assert condition_of(await sender.wait(lambda element: element.get("id") == "wish")) == "forbidden"
    await sender.barrier()
    receiver = await world.login(bob)
    await receiver.iq("get", "<query xmlns='jabber:iq:roster'/>")
    await receiver.send("<presence/>")
    assert not await receiver.seen(lambda element: alice in (element.get("from") or ""))
