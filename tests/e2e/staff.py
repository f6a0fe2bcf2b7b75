"""Staff of a company with their devices, as tests speak about them; the clients themselves are in `slixmpp_client`.

A `Client` keeps everything it has seen, so a wait finds what came before it too: tests that need something new
call `forget` first.
"""

import asyncio
import itertools
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from tests.e2e import seen as reading
from tests.e2e.seen import Seen
from tests.e2e.waiting import SECONDS

_CHILD = Path(__file__).with_name("slixmpp_client.py")
_INTERESTS = ("storage:bookmarks", "urn:xmpp:bookmarks:1")
_BOOKMARK = "{urn:xmpp:bookmarks:1}conference"
_STORAGE = "{storage:bookmarks}"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A line of a contact list."""

    jid: str
    name: str | None
    subscription: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomMark:
    """A bookmark as clients read it."""

    room: str
    name: str
    autojoin: bool
    nick: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupant:
    """Somebody in a room, with the real address."""

    nick: str
    jid: str | None
    affiliation: str | None
    role: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What was seen on the way into a room."""

    nick: str
    codes: tuple[int, ...]
    role: str | None
    occupants: Mapping[str, Occupant]
    history: tuple[str, ...]
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One login of somebody who tries again and again. `outcome` is `in` or where it ended."""

    began: float
    ended: float
    outcome: str


class Staff:
    """The process with all clients, and the clients. An async context manager."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._clients: dict[str, Client] = {}
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, str(_CHILD), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=log, limit=2**24,
            )  # fmt: skip
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), SECONDS)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reading

    async def login(
        self,
        who: Login,
        *,
        resource: str = "handy",
        stream_management: bool = False,
    ) -> "Client":
        """Log a device in: TLS verified, contact list, presence. Raises LoginRefused."""
        name = f"{who.username}/{resource}#{next(self._numbers)}"
        client = self._clients[name] = Client(self, name, who)
        answer = await self.ask(
            "login", client=name, jid=f"{who.jid}/{resource}", credential=who.credential, host=who.host, port=who.port,
            ca_file=who.ca_file, stream_management=stream_management, interests=_INTERESTS,
        )  # fmt: skip
        client.jid = answer["jid"]
        return client

    async def refused_login(self, who: Login) -> LoginRefused:
        """Return why a login is refused; it is a failure of the test if it is not."""
        try:
            client = await self.login(who, resource="noch-einmal")
        except LoginRefused as refused:
            return refused
        raise AssertionError(f"{client.jid} was let in")

    async def hammer(self, who: Login) -> "Hammering":
        """Have a device log in again and again, as fast as it can; returns after the first success."""
        name = f"{who.username}#hammer{next(self._numbers)}"
        await self.ask(
            "hammer", client=name, jid=f"{who.jid}/unermuedlich", credential=who.credential, host=who.host,
            port=who.port, ca_file=who.ca_file,
        )  # fmt: skip
        return Hammering(self, name)

    async def everybody_leaves(self) -> None:
        """Log all devices out; what they saw is forgotten."""
        await asyncio.gather(*(client.logout() for client in self._clients.values()))
        self._clients.clear()

    async def ask(self, do: str, **command: object) -> dict[str, Any]:
        """Have a command done. Raises LoginRefused or Refused for what the server refuses."""
        assert self._process.stdin is not None
        number = next(self._numbers)
        future = self._answers[number] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps({"id": number, "do": do, **command}).encode() + b"\n")
        answer = await asyncio.wait_for(future, 45)
        if refused := answer.get("refused"):
            if do in ("login", "come_back"):
                raise LoginRefused(refused["step"], refused["condition"])
            raise Refused(refused["condition"])
        assert "failed" not in answer, f"{do}: {answer['failed']}"
        result: dict[str, Any] = answer["result"]
        return result

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            told = json.loads(line)
            if "answer" in told:
                self._answers.pop(told["answer"]).set_result(told)
            elif client := self._clients.get(told["client"]):
                client.note(told)
        for future in self._answers.values():
            future.set_exception(AssertionError(f"The clients' process ended, see {self._log}"))


@dataclass(frozen=True, slots=True)
class Hammering:
    """Somebody who tries again and again."""

    staff: Staff
    name: str

    async def stop(self) -> list[Attempt]:
        """Stop it and return every attempt."""
        answer = await self.staff.ask("stop_hammer", client=self.name)
        return [Attempt(**attempt) for attempt in answer["attempts"]]


class Client:
    """One device that is logged in. `contacts` is its contact list, kept up to date by what the server pushes."""

    def __init__(self, staff: Staff, name: str, who: Login) -> None:
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

    async def say(self, to: str, body: str, *, kind: str = "chat", identifier: str = "m1") -> None:
        """Send a message."""
        await self.send(
            f"<message to={quoteattr(to)} type='{kind}' id='{identifier}'><body>{escape(body)}</body></message>"
        )

    async def say_in(self, room: str, body: str) -> None:
        """Send a message to a room."""
        await self.say(room, body, kind="groupchat")

    async def join(self, room: str, nick: str) -> Joined:
        """Go into a room. Raises Refused."""
        answer = await self.staff.ask("join", client=self.name, room=room, nick=nick)
        people = [_occupant(text) for text in (*answer["occupants"], answer["own"])]
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
        found = (dict(reading._contact(item)) for item in query)
        return {str(item["jid"]): Contact(**item) for item in found}  # type: ignore[arg-type]  # as above

    async def stored_bookmarks(self) -> dict[str, RoomMark]:
        """Read the bookmarks the old way: XEP-0048 in private storage."""
        query = await self.iq("get", "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query>")
        marks = [_stored(conference) for conference in _conferences(query)]
        return {mark.room: mark for mark in marks}

    async def published_bookmarks(self) -> dict[str, RoomMark]:
        """Read the bookmarks the way the server asks clients to: XEP-0402, or as one PEP item (XEP-0411)."""
        account = await self.iq("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", to=self.bare)
        features = {feature.get("var") for feature in account}
        if "urn:xmpp:bookmarks:1#compat" in features:
            items = await self._published("urn:xmpp:bookmarks:1")
            return {mark.room: mark for item in items if (mark := _published(item))}
        assert "urn:xmpp:bookmarks-conversion:0" in features, features
        marks = (_stored(mark) for item in await self._published("storage:bookmarks") for mark in _conferences(item))
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


def _occupant(text: str) -> Occupant:
    facts = next(reading.read(text, at=0.0)).facts
    jid = facts["jid"]
    return Occupant(
        nick=str(facts["from"]).partition("/")[2],
        jid=str(jid).partition("/")[0] if jid else None,
        affiliation=facts["affiliation"],  # type: ignore[arg-type]  # a text or nothing
        role=facts["role"],  # type: ignore[arg-type]
    )


def _conferences(xml: Element) -> Iterator[Element]:
    return xml.iter(f"{_STORAGE}conference")


def _stored(conference: Element) -> RoomMark:
    return RoomMark(
        room=conference.get("jid", ""),
        name=conference.get("name", ""),
        autojoin=conference.get("autojoin") in ("1", "true"),
        nick=conference.findtext(f"{_STORAGE}nick", ""),
    )


def _published(item: Element) -> RoomMark | None:
    conference = item.find(_BOOKMARK)
    if conference is None:
        return None
    return RoomMark(
        room=item.get("id", ""),
        name=conference.get("name", ""),
        autojoin=conference.get("autojoin") in ("1", "true"),
        nick=conference.findtext("{urn:xmpp:bookmarks:1}nick", ""),
    )
