"""One device of one person, as tests speak about it; the slixmpp client itself is in another process.

A `Client` keeps everything it has seen, so a wait finds what came before it too: tests that need something new
call `forget` first.
"""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from tests.e2e import seen as reading
from tests.e2e.seen import Seen
from tests.e2e.shown import Contact, Joined, RoomMark, conferences, occupant, published, stored
from tests.e2e.waiting import SECONDS

if TYPE_CHECKING:
    from tests.e2e.staff import Staff

_MAM = "{urn:xmpp:mam:2}"


class LoginRefused(Exception):
    """The server did not let somebody in. `step`: connection, tls, login, bind."""

    def __init__(self, step: str, condition: str) -> None:
        super().__init__(f"{step}: {condition}")
        self.step, self.condition = step, condition


class Refused(Exception):
    """The server answered with an error."""

    def __init__(self, condition: str, text: str = "") -> None:
        super().__init__(f"{condition}: {text}")
        self.condition, self.text = condition, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What a device needs to log in; comes from the answer that issued the credential."""

    jid: str
    credential: str = field(repr=False)
    host: str
    port: int
    ca_file: str

    @property
    def username(self) -> str:
        return self.jid.partition("@")[0]


class Client:
    """One device that is logged in. `contacts` is its contact list, kept up to date by what the server pushes."""

    def __init__(self, staff: "Staff", name: str, who: Login) -> None:
        self.staff, self.name, self.who = staff, name, who
        self.jid = ""
        self.contacts: dict[str, Contact] = {}
        self.seen: list[Seen] = []
        self.closed = False

    @property
    def bare(self) -> str:
        return self.who.jid

    @property
    def domain(self) -> str:
        return self.who.jid.partition("@")[2]

    def note(self, told: dict[str, Any]) -> None:
        """Take in one line of the clients' process."""
        if told["event"] == "stanza":
            for news in reading.read(told["xml"], at=told["at"]):
                self.seen.append(news)
                if news.kind == "contact":
                    self._note_contact(news)
        elif told["event"] == "stream_error":
            self.seen.append(Seen(kind="stream_error", at=told["at"], facts={"condition": told["condition"]}))
        else:
            self.closed = True
            self.seen.append(Seen(kind="closed", at=told["at"], facts={}))

    def _note_contact(self, news: Seen) -> None:
        contact = Contact(**news.facts)  # type: ignore[arg-type]  # facts of this kind have exactly these types
        if contact.subscription == "remove":
            self.contacts.pop(contact.jid, None)
        else:
            self.contacts[contact.jid] = contact

    def forget(self) -> None:
        """Wait only for what comes from now on."""
        self.seen.clear()

    async def wait_for(self, kind: str, *, within: float = SECONDS, **facts: object) -> Seen:
        """Return the first thing seen of this kind with these facts."""
        deadline = asyncio.get_running_loop().time() + within
        while True:
            if found := self.find(kind, **facts):
                return found
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(self._not_seen(f"{kind} {facts}", within))
            await asyncio.sleep(0.02)

    def find(self, kind: str, **facts: object) -> Seen | None:
        """Return the first thing seen already, None if there is none."""
        return next((news for news in self.seen if news.kind == kind and news.has(**facts)), None)

    async def has_nothing(self, kind: str, **facts: object) -> None:
        """Fail if such a thing arrived until now; everything sent before is waited for, by a ping to the server."""
        await self.ping()
        found = self.find(kind, **facts)
        assert found is None, f"{self.name} saw {found}"

    async def wait_for_contacts(self, jids: set[str], *, within: float = SECONDS) -> dict[str, Contact]:
        """Wait until the contact list, as the server pushed it, holds exactly these people."""
        deadline = asyncio.get_running_loop().time() + within
        while set(self.contacts) != jids:
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(self._not_seen(f"contacts {sorted(jids)}, has {sorted(self.contacts)}", within))
            await asyncio.sleep(0.02)
        return self.contacts

    def _not_seen(self, what: str, within: float) -> str:
        instead = "\n  ".join(str(news) for news in self.seen[-20:]) or "nothing"
        return f"{self.name} did not see {what} within {within:g} s. It saw:\n  {instead}"

    # ways to ask and to say

    async def iq(self, kind: str, payload: str, *, to: str | None = None) -> Element:
        """Ask something and return the payload's element (or the empty answer). Raises Refused."""
        answer = await self.staff.ask("iq", client=self.name, kind=kind, to=to, payload=payload)
        xml = ElementTree.fromstring(answer["xml"])
        condition = reading.condition_of(xml)
        if condition is not None:
            text = next((e.text or "" for e in xml.iter(f"{reading.STANZAS}text")), "")
            raise Refused(condition, text)
        return next(iter(xml), xml)

    async def send(self, xml: str) -> None:
        """Send a stanza as it stands."""
        await self.staff.ask("send", client=self.name, xml=xml)

    async def ping(self) -> None:
        """Return when the server has answered; what it sent before has arrived then."""
        await self.iq("get", "<ping xmlns='urn:xmpp:ping'/>", to=self.domain)

    async def is_there(self) -> None:
        """Wait until the server has told of this device's presence, its own included.

        What is sent to somebody before that is kept for their next login by ejabberd 24.12, not handed over.
        """
        await self.wait_for("presence", type="available", **{"from": self.jid})

    async def say(self, to: str, body: str, *, kind: str = "chat", identifier: str = "m1") -> None:
        """Send a message."""
        await self.send(
            f"<message to={quoteattr(to)} type='{kind}' id='{identifier}'><body>{escape(body)}</body></message>"
        )

    async def say_in(self, room: str, body: str) -> None:
        """Send a message to a room."""
        await self.say(room, body, kind="groupchat")

    async def upload(self, name: str, content: bytes, *, media_type: str) -> str:
        """Send a file and return its link. Raises Refused."""
        answer = await self.staff.ask(
            "upload", client=self.name, name=name, content=content.hex(), media_type=media_type
        )
        return str(answer["link"])

    async def ask_for_place(
        self, name: str, size: int, *, media_type: str = "image/jpeg", at: str | None = None
    ) -> str:
        """Ask for a place for a file (XEP-0363) and return its address. Raises Refused."""
        facts = f"filename={quoteattr(name)} size='{size}' content-type='{media_type}'"
        slot = await self.iq("get", f"<request xmlns='{reading.UPLOAD}' {facts}/>", to=at or f"klean.{self.domain}")
        put = slot.find(f"{{{reading.UPLOAD}}}put")
        assert put is not None
        return str(put.get("url"))

    async def join(self, room: str, nick: str) -> Joined:
        """Go into a room. Raises Refused."""
        answer = await self.staff.ask("join", client=self.name, room=room, nick=nick)
        people = [occupant(text) for text in (*answer["occupants"], answer["own"])]
        own = next(reading.read(answer["own"], at=0.0))
        codes = own.facts["codes"]
        assert isinstance(codes, tuple)
        return Joined(
            nick=str(own.facts["from"]).partition("/")[2],
            codes=codes,
            role=people[-1].role,
            occupants={person.nick: person for person in people},
            history=tuple(answer["history"]),
            subject=answer["subject"],
        )

    async def logout(self) -> None:
        """Say goodbye."""
        await self.staff.ask("logout", client=self.name)

    async def cut(self) -> None:
        """Lose the connection without a word."""
        await self.staff.ask("cut", client=self.name)
        await self.wait_for("closed")

    async def come_back(self) -> str:
        """Connect again; return `session_resumed` or `session_start`. Raises LoginRefused."""
        answer = await self.staff.ask("come_back", client=self.name)
        return str(answer["how"])

    # what a client reads

    async def fetch_contacts(self) -> dict[str, Contact]:
        """Ask for the whole contact list."""
        query = await self.iq("get", "<query xmlns='jabber:iq:roster'/>")
        found = (dict(reading.contact_facts(item)) for item in query)
        return {str(item["jid"]): Contact(**item) for item in found}  # type: ignore[arg-type]  # as above

    async def stored_bookmarks(self) -> dict[str, RoomMark]:
        """Read the bookmarks the old way: XEP-0048 in private storage."""
        query = await self.iq("get", "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query>")
        marks = [stored(conference) for conference in conferences(query)]
        return {mark.room: mark for mark in marks}

    async def published_bookmarks(self) -> dict[str, RoomMark]:
        """Read the bookmarks the way the server asks clients to: XEP-0402, or as one PEP item (XEP-0411)."""
        account = await self.iq("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", to=self.bare)
        features = {feature.get("var") for feature in account}
        if "urn:xmpp:bookmarks:1#compat" in features:
            items = await self._published("urn:xmpp:bookmarks:1")
            return {mark.room: mark for item in items if (mark := published(item))}
        assert "urn:xmpp:bookmarks-conversion:0" in features, features
        marks = (stored(mark) for item in await self._published("storage:bookmarks") for mark in conferences(item))
        return {mark.room: mark for mark in marks}

    async def _published(self, node: str) -> list[Element]:
        request = f"<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='{node}'/></pubsub>"
        try:
            pubsub = await self.iq("get", request)
        except Refused as refused:
            assert refused.condition == "item-not-found", refused
            return []
        return list(pubsub.iter("{http://jabber.org/protocol/pubsub}item"))

    async def archive(self, *, of: str | None = None) -> list[str]:
        """Return the texts in the own archive, or in that of a room (XEP-0313). Raises Refused."""
        self.forget()
        await self.iq("set", "<query xmlns='urn:xmpp:mam:2'/>", to=of)
        await self.ping()
        results = (news.xml.find(f"{_MAM}result") for news in self.seen if news.xml is not None)
        return [
            body.text or "" for found in results if found is not None for body in found.iter(f"{reading.CLIENT}body")
        ]
