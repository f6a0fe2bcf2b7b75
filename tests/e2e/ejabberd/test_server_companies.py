"""Two companies on one server: nothing passes from one to the other, everything inside one does."""

import pytest

from tests.e2e.ejabberd.ejabberd_world import COMPONENT, DOMAIN, OTHER_DOMAIN, ROOMS, World
from tests.e2e.ejabberd.xmpp_wire import Client, condition_of, is_stanza

pytestmark = pytest.mark.e2e


@pytest.fixture
async def pair(world: World) -> tuple[Client, Client]:
    """Two people who are online, each in a company of their own."""
    alice, mallory = await world.person(), await world.person(domain=OTHER_DOMAIN)
    clients = await world.login(alice), await world.login(mallory, domain=OTHER_DOMAIN)
    for client in clients:
        await client.send("<presence/>")
        await client.barrier()
    return clients


@pytest.mark.parametrize(
    "stanza",
    [
        "<message type='chat' id='x' to='{to}'><body>hello</body></message>",
        "<message id='x' to='{to}'><body>hello</body></message>",
        "<presence type='subscribe' id='x' to='{bare}'/>",
        "<presence id='x' to='{to}'/>",
        "<iq type='get' id='x' to='{to}'><ping xmlns='urn:xmpp:ping'/></iq>",
        "<iq type='get' id='x' to='{bare}'><vCard xmlns='vcard-temp'/></iq>",
        "<iq type='get' id='x' to='{domain}'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>",
        "<iq type='get' id='x' to='gruppen.{domain}'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>",
        "<presence id='x' to='room@gruppen.{domain}/me'><x xmlns='http://jabber.org/protocol/muc'/></presence>",
    ],
)
async def test_a_stanza_to_another_company_is_answered_with_an_error(pair: tuple[Client, Client], stanza: str) -> None:
    alice, mallory = pair
    bare = alice.jid.partition("/")[0]
    await mallory.send(stanza.format(to=alice.jid, bare=bare, domain=DOMAIN))
    answer = await mallory.wait(lambda element: element.get("id") == "x")
    assert condition_of(answer) in ("service-unavailable", "forbidden")
    assert not await alice.seen(lambda element: (element.get("from") or "").partition("/")[0].endswith(OTHER_DOMAIN))


async def test_our_own_service_does_not_reach_from_one_company_into_another(world: World) -> None:
    """A defect of ours that mixes companies up is stopped as well."""
    alice = await world.login(await world.person())
    link = await world.component()
    query = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
    for target in (ROOMS, alice.jid, COMPONENT):
        answer = await link.iq("get", query, to=target, sender=f"klean.{OTHER_DOMAIN}")
        assert condition_of(answer) == "service-unavailable"
    await link.send(f"<message from='{COMPONENT}' to='{alice.jid}'><body>welcome</body></message>")
    await alice.wait(lambda element: is_stanza(element, "message") and element.get("from") == COMPONENT)


async def test_one_connection_of_the_component_serves_both_companies(world: World) -> None:
    link = await world.component()
    for domain in (DOMAIN, OTHER_DOMAIN):
        client = await world.login(await world.person(domain=domain), domain=domain)
        await link.send(f"<message from='klean.{domain}' to='{client.jid}'><body>welcome</body></message>")
        await client.wait(lambda element, domain=domain: element.get("from") == f"klean.{domain}")
