"""Two companies on one server: nothing passes from one to the other, everything inside one does."""

import pytest

from ejabberd.launcher import PrivateServer
from tests.e2e.ejabberd.ejabberd_world import (
    COMPONENT,
    DOMAIN,
    OTHER_DOMAIN,
    OUTSIDE,
    PLAIN_HOST,
    ROOMS,
    Directory,
    World,
    open_world,
)
from tests.e2e.ejabberd.test_server_rooms import a_room, join
from tests.e2e.ejabberd.xmpp_wire import Client, condition_of, is_stanza, local

pytestmark = pytest.mark.e2e

BODY = "<body>hello</body>"
SEARCH = "<query xmlns='jabber:iq:search'><nick>anna</nick></query>"
COMMAND = "<command xmlns='http://jabber.org/protocol/commands' node='help'/>"
SLOT = "<request xmlns='urn:xmpp:http:upload:0' filename='a.jpg' size='1'/>"
SUBSCRIBE = "<pubsub xmlns='http://jabber.org/protocol/pubsub'><subscribe node='n' jid='{own}'/></pubsub>"
ITEMS = "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:avatar:metadata'/></pubsub>"
ITEM_QUERY = "<query xmlns='http://jabber.org/protocol/disco#items'/>"
INFO_QUERY = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
INVITATION = "<x xmlns='jabber:x:conference' jid='treff@gruppen.{own_domain}'/>"

TO = ("{full}", "{bare}", "{room}", "{room}/{user}", "{domain}", "{rooms}", "{component}", "klean@{component}")
STANZAS = [
    *(f"<message type='{kind}' to='{to}'>{BODY}</message>" for kind in ("chat", "groupchat", "headline") for to in TO),
    *(f"<message to='{to}'>{content}</message>" for content in (BODY, INVITATION) for to in TO),
    *(
        f"<presence type='{kind}' to='{to}'/>"
        for kind in ("subscribe", "subscribed", "unsubscribe", "unsubscribed", "probe")
        for to in ("{bare}", "klean@{component}")
    ),
    *(f"<presence to='{to}'/>" for to in TO),
    "<presence to='{room}/me'><x xmlns='http://jabber.org/protocol/muc'/></presence>",
    *(f"<iq type='get' to='{to}'>{payload}</iq>" for payload in (INFO_QUERY, ITEM_QUERY, ITEMS) for to in TO),
    *(f"<iq type='get' to='{to}'><vCard xmlns='vcard-temp'/></iq>" for to in TO),
    *(f"<iq type='set' to='{to}'><query xmlns='urn:xmpp:mam:2'/></iq>" for to in ("{bare}", "{room}")),
    *(f"<iq type='set' to='{to}'>{SUBSCRIBE}</iq>" for to in ("{bare}", "{domain}")),
    *(f"<iq type='set' to='{to}'>{payload}</iq>" for payload in (COMMAND, SEARCH) for to in ("{component}", "{bare}")),
    *(f"<iq type='get' to='{to}'>{SLOT}</iq>" for to in ("{component}", "{domain}", "upload.{domain}")),
    "<iq type='set' to='{full}'><jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='x'/></iq>",
]
REFUSED = {"service-unavailable", "forbidden"}
"""The second for subscriptions: nobody's client changes a contact list, whoever it is about."""


@pytest.fixture
async def pair(world: World) -> tuple[Client, Client]:
    """Two people who are online, each in a company of their own."""
    return await two(world)


async def two(world: World) -> tuple[Client, Client]:
    alice, mallory = await world.person(), await world.person(domain=OTHER_DOMAIN)
    clients = await world.login(alice), await world.login(mallory, domain=OTHER_DOMAIN)
    for client in clients:
        await client.send("<presence/>")
        await client.barrier()
    return clients


async def answers(sender: Client, names: dict[str, str], *, stanzas: list[str] = STANZAS) -> list[str | None]:
    """Send everything, one by one, and return the conditions of the (first) answers."""
    sender.forget()
    found = []
    for number, stanza in enumerate(stanzas):
        head, space, rest = stanza.format(**names).partition(" ")
        await sender.send(f"{head} id='x{number}'{space}{rest}")
        answer = await sender.wait(lambda element, number=number: element.get("id") == f"x{number}")
        found.append(condition_of(answer))
    await sender.barrier()
    return found


def addresses(client: Client, room: str, *, own: Client) -> dict[str, str]:
    user, _, domain = client.jid.partition("/")[0].partition("@")
    return {
        "full": client.jid, "bare": f"{user}@{domain}", "user": user, "domain": domain, "rooms": f"gruppen.{domain}",
        "component": f"klean.{domain}", "room": room, "own": own.jid, "own_domain": OTHER_DOMAIN,
    }  # fmt: skip


async def test_every_stanza_to_another_company_is_answered_alike_whether_somebody_is_there_or_not(
    world: World, pair: tuple[Client, Client]
) -> None:
    alice, mallory = pair
    user = alice.jid.partition("@")[0]
    room = await a_room(world, **{user: "member"})
    await join(alice, room)
    await world.component()
    there = addresses(alice, room, own=mallory)
    nobody = {**there, "full": f"niemand@{DOMAIN}/x", "bare": f"niemand@{DOMAIN}", "room": f"nirgends@{ROOMS}"}
    found, otherwise = await answers(mallory, there), await answers(mallory, nobody)
    assert set(found) <= REFUSED
    different = {stanza: pair for stanza, *pair in zip(STANZAS, found, otherwise, strict=True) if len(set(pair)) > 1}
    assert different == {}
    await nothing_came(alice, of=OTHER_DOMAIN)


async def nothing_came(client: Client, *, of: str) -> None:
    assert not await client.seen(lambda element: (element.get("from") or "").partition("/")[0].endswith(of))


async def test_nobody_is_invited_into_a_room_of_another_company(world: World, pair: tuple[Client, Client]) -> None:
    alice, mallory = pair
    bare = alice.jid.partition("/")[0]
    room = await a_room(world, **{await world.person(): "member"})
    link = await world.component()
    invite = f"<x xmlns='http://jabber.org/protocol/muc#user'><invite to='{mallory.jid.partition('/')[0]}'/></x>"
    await link.send(f"<message from='{COMPONENT}' to='{room}'>{invite}</message>")
    await mallory.send(
        f"<message id='m' to='treff@gruppen.{OTHER_DOMAIN}'>{invite.replace(OTHER_DOMAIN, DOMAIN)}</message>"
    )
    assert condition_of(await mallory.wait(lambda e: e.get("id") == "m")) == "forbidden"
    await mallory.send(f"<message id='d' to='{bare}'><x xmlns='jabber:x:conference' jid='{room}'/></message>")
    assert condition_of(await mallory.wait(lambda e: e.get("id") == "d")) == "service-unavailable"
    await link.iq("get", INFO_QUERY, to=room, sender=COMPONENT)
    await nothing_came(mallory, of=DOMAIN)
    await nothing_came(alice, of=OTHER_DOMAIN)


async def test_refusals_are_not_answered_so_nothing_goes_round_in_circles(pair: tuple[Client, Client]) -> None:
    alice, mallory = pair
    for kind, payload in (("message", BODY), ("iq", INFO_QUERY), ("presence", "")):
        error = "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
        await mallory.send(f"<{kind} type='error' id='e' to='{alice.jid}'>{payload}{error}</{kind}>")
    await mallory.send(f"<iq type='result' id='e' to='{alice.jid}'/>")
    assert not await mallory.seen(lambda element: element.get("id") == "e")
    await nothing_came(alice, of=OTHER_DOMAIN)


async def test_our_own_service_does_not_reach_from_one_company_into_another(world: World) -> None:
    """A defect of ours that mixes companies up is stopped as well."""
    alice = await world.login(await world.person())
    link = await world.component()
    for target in (ROOMS, alice.jid, COMPONENT):
        answer = await link.iq("get", INFO_QUERY, to=target, sender=f"klean.{OTHER_DOMAIN}")
        assert condition_of(answer) == "service-unavailable"
    await link.send(f"<message from='{COMPONENT}' to='{alice.jid}'><body>welcome</body></message>")
    await alice.wait(lambda element: is_stanza(element, "message") and element.get("from") == COMPONENT)


async def test_a_component_that_speaks_for_people_is_put_out(world: World, pair: tuple[Client, Client]) -> None:
    alice, mallory = pair
    link = await world.component()
    await link.send(f"<message from='{mallory.jid}' to='{alice.jid}'>{BODY}</message>")
    assert await link.wait_closed() == "invalid-from"
    await nothing_came(alice, of=OTHER_DOMAIN)


async def test_one_connection_of_the_component_serves_both_companies(world: World) -> None:
    link = await world.component()
    for domain in (DOMAIN, OTHER_DOMAIN):
        client = await world.login(await world.person(domain=domain), domain=domain)
        await link.send(f"<message from='klean.{domain}' to='{client.jid}'><body>welcome</body></message>")
        await client.wait(lambda element, domain=domain: element.get("from") == f"klean.{domain}")


# what holds although an operator opened s2s, added hosts and bridges, and lets components forge senders


@pytest.mark.parametrize("stranger", [f"eve@{OUTSIDE}/x", f"eve@{PLAIN_HOST}/x", f"bot.{PLAIN_HOST}", "eve@{other}/x"])
async def test_nothing_gets_in_from_elsewhere(careless_world: World, stranger: str) -> None:
    alice, _ = await two(careless_world)
    room = await a_room(careless_world, **{alice.jid.partition("@")[0]: "member"})
    await join(alice, room)
    await alice.wait(lambda element: element.find("{jabber:client}subject") is not None)
    link = await careless_world.component(OUTSIDE)
    forged = stranger.format(other=OTHER_DOMAIN)
    alice.forget()
    names = addresses(alice, room, own=alice)
    for number, stanza in enumerate(STANZAS):
        head, space, rest = stanza.format(**names).partition(" ")
        await link.send(f"{head} id='x{number}' from='{forged}'{space}{rest}")
    marker = f"<message from='{COMPONENT}' to='{alice.jid}'><body>last</body></message>"
    await link.send(marker)
    await alice.wait(lambda element: element.get("from") == COMPONENT)
    assert alice.seen_text() == ""
    await link.send(f"<iq type='get' id='last' from='{COMPONENT}' to='{ROOMS}'>{INFO_QUERY}</iq>")
    await link.wait(lambda element: element.get("id") == "last")
    refused = [element for element in link.received() if (element.get("from") or "").endswith(DOMAIN)]
    assert {condition_of(element) for element in refused} <= {"service-unavailable"}
    outside = [element for element in refused if (element.get("to") or "").startswith(f"eve@{OUTSIDE}")]
    assert not outside, "a refusal went out"


async def test_nothing_gets_out(careless_world: World) -> None:
    alice, mallory = await two(careless_world)
    link = await careless_world.component(OUTSIDE)
    kinds = [
        "<message type='chat' to='{to}'><body>hello</body></message>",
        "<message type='groupchat' to='{to}'><body>hello</body></message>",
        "<presence type='subscribe' to='{to}'/>",
        "<presence to='{to}'/>",
        "<iq type='get' to='{to}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
        "<iq type='set' to='{to}'><query xmlns='urn:xmpp:mam:2'/></iq>",
    ]
    for to in (OUTSIDE, f"eve@{OUTSIDE}", "eve@nowhere.example", f"eve@{PLAIN_HOST}", f"bot.{PLAIN_HOST}"):
        for client in (alice, mallory):
            assert set(await answers(client, {"to": to}, stanzas=kinds)) <= REFUSED
    await link.send(f"<iq type='get' id='last' from='{COMPONENT}' to='{ROOMS}'>{INFO_QUERY}</iq>")
    await link.wait(lambda element: element.get("id") == "last")
    assert [local(element) for element in link.received()] == []


@pytest.mark.asyncio(loop_scope="session")
async def test_the_wall_stands_after_a_reload_and_after_a_restart(careless: tuple[PrivateServer, Directory]) -> None:
    kinds = ["<message type='chat' to='{to}'><body>hello</body></message>"]
    async with open_world(*careless) as world:
        alice, mallory = await two(world)
        await world.api.run("reload_config")
        for stranger in (f"eve@{OUTSIDE}", mallory.jid):
            assert await answers(alice, {"to": stranger}, stanzas=kinds) == ["service-unavailable"]
        await world.close()
        await world.server.restart()
        alice, mallory = await two(world)
        for stranger in (f"eve@{OUTSIDE}", mallory.jid):
            assert await answers(alice, {"to": stranger}, stanzas=kinds) == ["service-unavailable"]
