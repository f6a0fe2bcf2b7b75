"""Somebody on garden leave reads announcements and writes nothing; colleagues reach them in the room only."""

from dataclasses import dataclass
from xml.etree import ElementTree

import pytest

from ejabberd.config import GATE_GROUP
from kleanxmpp.desired import READ_ONLY
from tests.e2e.ejabberd.ejabberd_world import COMPONENT, DOMAIN, OTHER_DOMAIN, ROOMS, World
from tests.e2e.ejabberd.test_server_rooms import ANNOUNCEMENT, a_room, join, say
from tests.e2e.ejabberd.xmpp_wire import Client, Element, condition_of, is_stanza

pytestmark = pytest.mark.e2e

MAM = "<query xmlns='urn:xmpp:mam:2'/>"
PING = "<ping xmlns='urn:xmpp:ping'/>"
PUBSUB = "http://jabber.org/protocol/pubsub"
MARK = "Wort"  # in everything that nobody may read


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """A reader and a colleague, both inside an announcement room that the colleague moderates."""

    world: World
    reader: Client
    colleague: Client
    room: str

    @property
    def names(self) -> dict[str, str]:
        """What the stanzas of these tests name."""
        return {
            "colleague": bare(self.colleague), "full": self.colleague.jid, "room": self.room,
            "nick": f"{self.room}/{user(self.colleague)}", "own": bare(self.reader), "rooms": ROOMS,
            "domain": DOMAIN, "component": COMPONENT, "foreign": f"anna@{OTHER_DOMAIN}",
        }  # fmt: skip


def bare(client: Client) -> str:
    return client.jid.partition("/")[0]


def user(client: Client) -> str:
    return client.jid.partition("@")[0]


@pytest.fixture
async def leave(world: World) -> Leave:
    await world.api.groups.create(READ_ONLY, host=DOMAIN, label="")
    reader, colleague = await world.person(), await world.person()
    room = await a_room(world, options=ANNOUNCEMENT, **{reader: "member", colleague: "admin"})
    clients = [await world.login(reader), await world.login(colleague)]
    for client in clients:
        await client.send("<presence/>")
        assert condition_of(await join(client, room)) is None
    await world.api.groups.join([(reader, READ_ONLY)], host=DOMAIN)
    return Leave(world=world, reader=clients[0], colleague=clients[1], room=room)


def published(node: str, payload: str) -> str:
    return (
        f"<pubsub xmlns='{PUBSUB}'><publish node='{node}'><item id='current'>{payload}</item></publish>"
        "<publish-options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>"
        f"<value>{PUBSUB}#publish-options</value></field><field var='pubsub#access_model'><value>open</value></field>"
        "</x></publish-options></pubsub>"
    )


WORD = f"<x xmlns='urn:example:x'>{MARK}</x>"
REACTION = f"<reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>{MARK}</reaction></reactions>"
RECEIPT = "<received xmlns='urn:xmpp:receipts' id='x'/>"
SEEN = "<displayed xmlns='urn:xmpp:chat-markers:0' id='x'/>"
TYPING = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
RETRACTION = "<retract xmlns='urn:xmpp:message-retract:1' id='x'/>"
INVITATION = "<x xmlns='jabber:x:conference' jid='{room}'/>"
MEDIATED = "<x xmlns='http://jabber.org/protocol/muc#user'><invite to='{colleague}'/></x>"
SLOT = f"<request xmlns='urn:xmpp:http:upload:0' filename='{MARK}.jpg' size='1' content-type='image/jpeg'/>"
CALL = f"<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='{MARK}'/>"
JOINING = "<item affiliation='member' jid='{own}'/>"

WRITTEN = [
    *(
        f"<message {kind} to='{to}'><body>{MARK}</body></message>"
        for kind in ("type='chat'", "", "type='headline'", "type='groupchat'")
        for to in ("{colleague}", "{full}", "{room}", "{nick}", "{own}", "{domain}", "{foreign}")
    ),
    *(
        f"<message type='{kind}' to='{to}'>{content}</message>"
        for content in (REACTION, RECEIPT, SEEN, TYPING, RETRACTION, f"<subject>{MARK}</subject>", INVITATION, MEDIATED)
        for kind, to in (("chat", "{colleague}"), ("groupchat", "{room}"), ("chat", "{nick}"), ("normal", "{room}"))
    ),
    *(
        f"<presence type='{kind}' to='{{colleague}}'/>"
        for kind in ("subscribe", "subscribed", "unsubscribe", "unsubscribed", "probe")
    ),
    f"<presence to='{{full}}'><status>{MARK}</status></presence>",
    *(f"<iq type='get' to='{to}'>{SLOT}</iq>" for to in ("{domain}", "{component}", "upload.{domain}", "{own}")),
    *(f"<iq type='set' to='{to}'>{CALL}</iq>" for to in ("{full}", "{nick}", "{colleague}")),
    f"<iq type='get' to='{{full}}'><query xmlns='urn:example:question'>{MARK}</query></iq>",
    f"<iq type='set'><vCard xmlns='vcard-temp'><DESC>{MARK}</DESC></vCard></iq>",
    *(
        f"<iq type='set'>{published(node, WORD)}</iq>"
        for node in (
            "http://jabber.org/protocol/mood",
            "http://jabber.org/protocol/nick",
            "urn:xmpp:avatar:data",
            "urn:xmpp:microblog:0",
            "eu.siacs.conversations.axolotl.devicelist",
        )
    ),
    f"<iq type='set'><pubsub xmlns='{PUBSUB}'><create node='{MARK}'/></pubsub></iq>",
    f"<iq type='set' to='{{colleague}}'>{published('storage:bookmarks', WORD)}</iq>",
    f"<iq type='set' to='{{rooms}}'><query xmlns='jabber:iq:register'><nick>{MARK}</nick></query></iq>",
    f"<iq type='set' to='{{room}}'><query xmlns='http://jabber.org/protocol/muc#admin'>{JOINING}</query></iq>",
    "<iq type='set'><query xmlns='jabber:iq:roster'><item jid='{colleague}'/></query></iq>",
]


def numbered(stanza: str, number: int, names: dict[str, str]) -> str:
    head, space, rest = stanza.format(**names).partition(" ")
    return f"{head} id='w{number}'{space}{rest}"


async def archived(client: Client, *, of: str = "") -> str:
    """Return an archive as text."""
    client.forget()
    answer = await client.iq("set", MAM, to=of)
    assert answer.get("type") == "result", condition_of(answer)
    return client.seen_text()


async def test_whatever_a_reader_writes_is_answered_with_an_error_and_goes_nowhere(leave: Leave) -> None:
    colleague = leave.colleague
    await leave.reader.send(f"<message type='error' to='{bare(colleague)}'><body>{MARK}</body></message>")
    await leave.reader.barrier()
    await colleague.barrier()
    colleague.forget()
    wrong = {}
    for number, stanza in enumerate(WRITTEN):
        await leave.reader.send(numbered(stanza, number, leave.names))
        answer = await leave.reader.wait(lambda element, number=number: element.get("id") == f"w{number}")
        if condition_of(answer) != "forbidden" or answer.get("from") == leave.reader.jid:
            wrong[stanza] = condition_of(answer)
    assert wrong == {}
    for client in (leave.reader, colleague):
        await client.barrier()
    assert not await colleague.seen(lambda element: (element.get("from") or "") != DOMAIN)
    for client, archive in ((leave.reader, ""), (colleague, ""), (colleague, leave.room)):
        assert MARK not in await archived(client, of=archive)


async def test_what_colleagues_write_to_a_reader_is_answered_with_an_error_and_kept_nowhere(leave: Leave) -> None:
    reader, colleague, room = leave.reader, leave.colleague, leave.room
    await reader.barrier()
    reader.forget()
    own = f"<body>{MARK}</body>"
    for number, stanza in enumerate(
        [
            *(f"<message type='chat' to='{to}'>{own}</message>" for to in (bare(reader), reader.jid)),
            *(f"<message to='{to}'>{own}</message>" for to in (bare(reader), reader.jid)),
            f"<message type='groupchat' to='{reader.jid}'>{own}</message>",
            f"<message type='chat' to='{reader.jid}'>{REACTION}</message>",
            f"<iq type='set' to='{reader.jid}'>{CALL}</iq>",
            f"<iq type='get' to='{reader.jid}'>{PING}</iq>",
        ]
    ):
        await colleague.send(numbered(stanza, number, {}))
        answer = await colleague.wait(lambda element, number=number: element.get("id") == f"w{number}")
        assert condition_of(answer) == "service-unavailable", stanza
    for kind in ("headline", "error"):
        await colleague.send(f"<message type='{kind}' to='{reader.jid}'>{own}</message>")
    await colleague.send(f"<message id='pm' type='chat' to='{room}/{user(reader)}'>{own}</message>")
    refusal = await colleague.wait(lambda element: element.get("id") == "pm")
    assert (condition_of(refusal), refusal.get("from")) == ("forbidden", f"{room}/{user(reader)}")
    await colleague.barrier()
    assert not await reader.seen(lambda element: MARK in text_of(element))
    assert {found.nick for found in await leave.world.api.rooms.occupants(user_of(room), service=ROOMS) or ()} >= {
        user(reader)
    }
    await reader.close()
    await colleague.send(f"<message id='away' type='chat' to='{bare(reader)}'>{own}</message>")
    assert condition_of(await colleague.wait(lambda e: e.get("id") == "away")) == "service-unavailable"
    assert await leave.world.api.accounts.offline_count(user(reader), host=DOMAIN) == 0
    again = await leave.world.login(user(reader))
    assert MARK not in await archived(again)


def user_of(jid: str) -> str:
    return jid.partition("@")[0]


def text_of(element: Element) -> str:
    return ElementTree.tostring(element, encoding="unicode")


async def test_a_reader_reads(leave: Leave) -> None:
    reader, colleague, room = leave.reader, leave.colleague, leave.room
    assert condition_of(await say(colleague, room, "<body>Neuigkeit</body>")) is None
    await reader.wait(lambda element: "Neuigkeit" in text_of(element))
    assert "Neuigkeit" in await archived(reader, of=room)
    await archived(reader)
    info = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
    bookmarks = f"<storage xmlns='storage:bookmarks'><conference jid='{room}' autojoin='true'/></storage>"
    for kind, payload, to in (
        ("get", PING, DOMAIN),
        ("get", PING, f"{room}/{user(reader)}"),
        ("get", info, DOMAIN),
        ("get", info, room),
        ("get", "<query xmlns='http://jabber.org/protocol/disco#items'/>", ROOMS),
        ("get", "<query xmlns='jabber:iq:roster'/>", ""),
        ("get", "<vCard xmlns='vcard-temp'/>", bare(colleague)),
        ("get", "<vCard xmlns='vcard-temp'/>", f"{room}/{user(colleague)}"),
        ("set", f"<query xmlns='jabber:iq:private'>{bookmarks}</query>", ""),
        ("get", "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query>", ""),
        ("set", "<enable xmlns='urn:xmpp:carbons:2'/>", ""),
        ("get", "<blocklist xmlns='urn:xmpp:blocking'/>", ""),
    ):
        if payload == PING and "/" in to:  # the room may ask the client itself
            assert await answers_itself(reader, to)
            continue
        answer = await reader.iq(kind, payload, to=to)
        assert answer.get("type") == "result" or "vcard" in payload.lower(), (payload, condition_of(answer))
        assert condition_of(answer) != "forbidden"


async def answers_itself(client: Client, occupant: str) -> bool:
    """Ping the own occupant (XEP-0410), answering what the room asks back."""
    await client.send(f"<iq type='get' id='self' to='{occupant}'>{PING}</iq>")
    while True:
        element = await client.wait(lambda e: is_stanza(e, "iq") and e.get("from") == occupant)
        if element.get("type") == "get":
            await client.send(f"<iq type='result' id='{element.get('id')}' to='{occupant}'/>")
        else:
            return element.get("type") == "result"


async def test_bookmarks_that_a_reader_writes_are_the_readers_own(leave: Leave) -> None:
    for node in ("storage:bookmarks", "urn:xmpp:bookmarks:1"):
        written = await leave.reader.iq("set", published(node, WORD))
        assert condition_of(written) != "forbidden"
        asked = f"<pubsub xmlns='{PUBSUB}'><items node='{node}'/></pubsub>"
        found = await leave.colleague.iq("get", asked, to=bare(leave.reader))
        assert MARK not in text_of(found) and found.get("type") == "error"


async def test_a_readers_presence_in_a_room_says_nothing(leave: Leave) -> None:
    leave.colleague.forget()
    words = f"<show>away</show><status>{MARK}</status>{WORD}"
    await leave.reader.send(f"<presence to='{leave.room}/{user(leave.reader)}'>{words}</presence>")
    sender = f"{leave.room}/{user(leave.reader)}"
    changed = await leave.colleague.wait(lambda element: element.get("from") == sender)
    assert "away" in text_of(changed) and MARK not in text_of(changed)
    await leave.reader.send(f"<presence type='unavailable' to='{sender}'><status>{MARK}</status></presence>")
    gone = await leave.colleague.wait(lambda element: element.get("type") == "unavailable")
    assert MARK not in text_of(gone)


async def test_a_reader_talks_with_the_assistant(leave: Leave) -> None:
    component = await leave.world.component()
    await leave.reader.send(f"<message type='chat' to='klean@{COMPONENT}'><body>hilfe</body></message>")
    heard = await component.wait(lambda element: is_stanza(element, "message"))
    assert heard.get("from") == leave.reader.jid
    await component.send(
        f"<message type='chat' from='klean@{COMPONENT}' to='{leave.reader.jid}'><body>gern</body></message>"
    )
    await leave.reader.wait(lambda element: "gern" in text_of(element))


async def test_who_may_write_again_writes_at_once(leave: Leave) -> None:
    await leave.world.api.groups.leave([(user(leave.reader), READ_ONLY)], host=DOMAIN)
    await leave.reader.send(f"<message type='chat' to='{leave.colleague.jid}'><body>wieder da</body></message>")
    await leave.colleague.wait(lambda element: "wieder da" in text_of(element))
    await leave.colleague.send(f"<message type='chat' to='{leave.reader.jid}'><body>schön</body></message>")
    await leave.reader.wait(lambda element: "schön" in text_of(element))


async def test_who_is_not_in_the_gate_writes_nothing_and_gets_nothing_though_still_connected(leave: Leave) -> None:
    """The same look-up: groups that cannot be read look like none, and close."""
    reader, colleague = leave.reader, leave.colleague
    await leave.world.api.groups.leave([(user(reader), READ_ONLY), (user(reader), GATE_GROUP)], host=DOMAIN)
    await reader.send(f"<message id='out' type='chat' to='{colleague.jid}'><body>{MARK}</body></message>")
    assert condition_of(await reader.wait(lambda e: e.get("id") == "out")) == "forbidden"
    await colleague.send(f"<message id='in' type='chat' to='{bare(reader)}'><body>{MARK}</body></message>")
    assert condition_of(await colleague.wait(lambda e: e.get("id") == "in")) == "service-unavailable"
    for client in (reader, colleague):
        assert not await client.seen(lambda element: MARK in text_of(element) and condition_of(element) is None)
