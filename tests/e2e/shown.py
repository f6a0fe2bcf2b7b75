"""What clients show: contacts, bookmarks, people in rooms. Values, and how they are read from stanzas."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from tests.e2e import seen

_BOOKMARK = "{urn:xmpp:bookmarks:1}conference"
_STORAGE = "{storage:bookmarks}"


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


def occupant(text: str) -> Occupant:
    """Read a presence from a room."""
    facts = next(seen.read(text, at=0.0)).facts
    jid = facts["jid"]
    return Occupant(
        nick=str(facts["from"]).partition("/")[2],
        jid=str(jid).partition("/")[0] if jid else None,
        affiliation=facts["affiliation"],  # type: ignore[arg-type]  # a text or nothing
        role=facts["role"],  # type: ignore[arg-type]
    )


def conferences(xml: Element) -> Iterator[Element]:
    """Find the rooms among stored bookmarks (XEP-0048)."""
    return xml.iter(f"{_STORAGE}conference")


def stored(conference: Element) -> RoomMark:
    """Read one of them."""
    return RoomMark(
        room=conference.get("jid", ""),
        name=conference.get("name", ""),
        autojoin=conference.get("autojoin") in ("1", "true"),
        nick=conference.findtext(f"{_STORAGE}nick", ""),
    )


def published(item: Element) -> RoomMark | None:
    """Read a published bookmark (XEP-0402)."""
    conference = item.find(_BOOKMARK)
    if conference is None:
        return None
    return RoomMark(
        room=item.get("id", ""),
        name=conference.get("name", ""),
        autojoin=conference.get("autojoin") in ("1", "true"),
        nick=conference.findtext("{urn:xmpp:bookmarks:1}nick", ""),
    )
