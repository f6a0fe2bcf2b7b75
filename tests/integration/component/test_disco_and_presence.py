"""What the component answers, as XML on a stream."""

import asyncio
from collections.abc import AsyncIterator
from xml.etree.ElementTree import Element

import pytest

from component.addresses import Addresses
from component.connection import Connection, Patience
from component.errors import answering
from component.handlers.disco import DiscoHandler
from component.handlers.presence import PresenceHandler
from kleanxmpp import errors
from tests.unit.component.fake_server import SECRET, FakeServer, eventually, fake_server

ADDRESSES = Addresses(domains=("firma.test", "zwei.test"))
BOT = "klean@klean.firma.test"


class Scene:
    """A connected component with the handlers under test."""

    def __init__(self, server: FakeServer, connection: Connection) -> None:
        self.server, self.connection = server, connection
        self.contacts: list[tuple[str, str, str]] = []

    async def on_contact(self, domain: str, username: str, resource: str) -> None:
        self.contacts.append((domain, username, resource))

    async def ask(self, payload: str, *, to: str, sender: str = "anna@firma.test/phone") -> Element:
        """Send an IQ to the component and return its answer."""
        name = f"ask-{len(self.server.received)}"
        self.server.say(f"<iq type='get' id='{name}' from='{sender}' to='{to}'>{payload}</iq>")
        await eventually(lambda: any(stanza.get("id") == name for stanza in self.server.received))
        return next(stanza for stanza in self.server.received if stanza.get("id") == name)

    async def presence(self, kind: str, *, sender: str = "anna@firma.test/phone", to: str = BOT) -> None:
        """Send presence to the component; return when it was handled."""
        attribute = f" type='{kind}'" if kind else ""
        self.server.say(f"<presence from='{sender}' to='{to}'{attribute}/>")
        await self.ask("<ping xmlns='urn:xmpp:ping'/>", to="klean.firma.test")

    def sent_presence(self) -> list[tuple[str | None, str | None, str | None]]:
        return [(p.get("type"), p.get("from"), p.get("to")) for p in self.server.stanzas("presence")]


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with fake_server() as server:
        connection = Connection(
            ADDRESSES, host="127.0.0.1", port=server.port, secret=SECRET, patience=Patience(goodbye=1)
        )
        made = Scene(server, connection)
        DiscoHandler().register(connection)
        PresenceHandler(on_contact=made.on_contact).register(connection)
        task = asyncio.create_task(connection.run())
        await connection.wait_ready()
        yield made
        connection.stop()
        await task


def attributes(answer: Element, name: str, *wanted: str) -> list[tuple[str | None, ...]]:
    return [tuple(part.get(key) for key in wanted) for part in answer.iter() if part.tag.endswith(f"}}{name}")]


INFO = "<query xmlns='http://jabber.org/protocol/disco#info'/>"


@pytest.mark.parametrize("domain", ["firma.test", "zwei.test"])
async def test_component_and_bot_of_each_company_say_what_they_are(scene: Scene, domain: str) -> None:
    host, bot, sender = f"klean.{domain}", f"klean@klean.{domain}", f"anna@{domain}/phone"
    answer = await scene.ask(INFO, to=host, sender=sender)
    assert answer.get("from") == host
    assert attributes(answer, "identity", "category", "type") == [("component", "generic")]
    answer = await scene.ask(INFO, to=bot, sender=sender)
    assert answer.get("from") == bot
    assert attributes(answer, "identity", "category", "type") == [("client", "bot")]
    features = {feature for (feature,) in attributes(answer, "feature", "var")}
    assert {"urn:xmpp:ping", "jabber:iq:version", "http://jabber.org/protocol/disco#info"} <= features


async def test_the_component_lists_the_bot(scene: Scene) -> None:
    answer = await scene.ask(
        "<query xmlns='http://jabber.org/protocol/disco#items'/>", to="klean.zwei.test", sender="a@zwei.test"
    )
    assert attributes(answer, "item", "jid") == [("klean@klean.zwei.test",)]


@pytest.mark.parametrize("to", ["klean.firma.test", BOT])
async def test_ping_and_version_are_answered_from_the_address_that_was_asked(scene: Scene, to: str) -> None:
    pong = await scene.ask("<ping xmlns='urn:xmpp:ping'/>", to=to)
    assert (pong.get("type"), pong.get("from")) == ("result", to)
    version = await scene.ask("<query xmlns='jabber:iq:version'/>", to=to)
    assert "KleanXMPP" in [part.text for part in version.iter()]


async def test_an_unknown_question_gets_an_error(scene: Scene) -> None:
    answer = await scene.ask("<query xmlns='urn:unknown'/>", to=BOT)
    assert answer.get("type") == "error"


async def test_the_description_is_the_same_on_every_stream(scene: Scene) -> None:
    before = await scene.ask(INFO, to=BOT)
    scene.server.drop_streams()
    await eventually(lambda: scene.server.connections == 2 and scene.connection.ready)
    after = await scene.ask(INFO, to=BOT)
    assert attributes(before, "feature", "var") == attributes(after, "feature", "var")
    assert len(attributes(after, "identity", "type")) == 1


async def test_a_subscription_is_accepted_and_is_a_contact(scene: Scene) -> None:
    await scene.presence("subscribe", sender="anna@firma.test")
    assert scene.sent_presence() == [("subscribed", BOT, "anna@firma.test"), (None, BOT, "anna@firma.test")]
    assert scene.contacts == [("firma.test", "anna", "")]


async def test_a_probe_is_told_that_the_bot_is_there(scene: Scene) -> None:
    await scene.presence("probe")
    assert scene.sent_presence() == [(None, BOT, "anna@firma.test/phone")]
    assert scene.contacts == []


async def test_available_presence_is_a_contact_and_the_rest_is_not(scene: Scene) -> None:
    for kind in ("", "unavailable", "subscribed", "unsubscribed", "error"):
        await scene.presence(kind)
    assert scene.contacts == [("firma.test", "anna", "phone")]
    assert scene.sent_presence() == []


async def test_unsubscribing_is_confirmed(scene: Scene) -> None:
    await scene.presence("unsubscribe", sender="anna@firma.test")
    assert scene.sent_presence() == [("unsubscribed", BOT, "anna@firma.test")]
    assert scene.contacts == []


@pytest.mark.parametrize(
    ("sender", "to"),
    [
        ("mallory@zwei.test/x", BOT),
        ("firma.test", BOT),
        ("room@gruppen.firma.test/nick", BOT),
        ("anna@firma.test/x", "somebody@klean.firma.test"),
    ],
)
async def test_strangers_and_strange_addresses_hear_nothing(scene: Scene, sender: str, to: str) -> None:
    await scene.presence("subscribe", sender=sender, to=to)
    assert scene.sent_presence() == []
    assert scene.contacts == []


@pytest.mark.parametrize(
    ("raised", "condition"),
    [
        (errors.NotFound(), "item-not-found"),
        (errors.DirectoryUnavailable(), "resource-constraint"),
        (ZeroDivisionError("anna"), "internal-server-error"),
    ],
)
async def test_whoever_asks_gets_an_error_for_whatever_is_raised(
    scene: Scene, raised: Exception, condition: str
) -> None:
    async def fail(_message: object) -> None:
        raise raised

    scene.connection.xmpp.add_event_handler("message", answering(fail))
    scene.server.say(f"<message type='chat' id='m1' from='anna@firma.test/x' to='{BOT}'><body>Hallo</body></message>")
    await eventually(lambda: bool(scene.server.stanzas("message")))
    answer = scene.server.stanzas("message")[0]
    assert (answer.get("type"), answer.get("from"), answer.get("to")) == ("error", BOT, "anna@firma.test/x")
    assert any(part.tag.endswith(f"}}{condition}") for part in answer.iter())
    assert "anna" not in "".join(part.text or "" for part in answer.iter())
    assert scene.connection.ready


async def test_an_error_is_never_answered_with_an_error(scene: Scene) -> None:
    handled: list[int] = []

    async def fail(_message: object) -> None:
        handled.append(1)
        raise errors.NotFound

    scene.connection.xmpp.add_event_handler("message", answering(fail))
    scene.server.say(f"<message type='error' from='anna@firma.test/x' to='{BOT}'><body>Hallo</body></message>")
    await eventually(lambda: bool(handled))
    await scene.ask("<ping xmlns='urn:xmpp:ping'/>", to=BOT)
    assert scene.server.stanzas("message") == []
