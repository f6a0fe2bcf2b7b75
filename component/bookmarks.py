"""What a person's clients join by themselves (XEP-0048, in private storage; ejabberd passes it on to XEP-0402).

Of the rooms of our own service exactly the desired ones are listed; whatever else a client keeps there
(rooms of other services, web pages) stays untouched.
"""

from collections.abc import Iterable
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from slixmpp.xmlstream import tostring

from kleanxmpp import errors
from kleanxmpp.state import Bookmark

from .link import Link

NAMESPACE = "storage:bookmarks"
_STORAGE, _CONFERENCE, _NICK = (f"{{{NAMESPACE}}}{tag}" for tag in ("storage", "conference", "nick"))
_TRUE = ("true", "1")


def read_bookmarks(storage: Element, *, service: str) -> frozenset[Bookmark]:
    """Return the bookmarks of this room service that clients join by themselves."""
    return frozenset(
        Bookmark(room=room.get("jid", ""), name=room.get("name", ""), nick=room.findtext(_NICK, ""))
        for room in storage.iterfind(_CONFERENCE)
        if _is_ours(room, service=service) and room.get("autojoin") in _TRUE
    )


def make_storage(former: Element, bookmarks: Iterable[Bookmark], *, service: str) -> Element:
    """Return the storage with these bookmarks of this room service, and all foreign ones as they were."""
    storage = Element(_STORAGE)
    storage.extend(child for child in former if child.tag != _CONFERENCE or not _is_ours(child, service=service))
    for bookmark in sorted(bookmarks, key=lambda b: b.room):
        attributes = {"jid": bookmark.room, "name": bookmark.name, "autojoin": "true"}
        SubElement(SubElement(storage, _CONFERENCE, attributes), _NICK).text = bookmark.nick
    return storage


def parse_storage(xml: str) -> Element:
    """Return the stored element; nothing stored is an empty one."""
    if not xml.strip():
        return Element(_STORAGE)
    try:
        return ElementTree.fromstring(xml)
    except ElementTree.ParseError:
        raise errors.Permanent("The stored bookmarks are not readable.") from None


async def set_bookmarks(link: Link, username: str, bookmarks: frozenset[Bookmark], *, domain: str) -> int:
    """Replace the bookmarks of our rooms by these; return how many were added, changed or removed."""
    service = link.addresses.rooms(domain)
    former = await _stored(link, username, domain=domain)
    storage = make_storage(former, bookmarks, service=service)
    async with link.bookmarking:
        await link.api.accounts.set_private(username, host=domain, xml=tostring(storage))
    return len({b.room for b in read_bookmarks(former, service=service) ^ bookmarks})


async def _stored(link: Link, username: str, *, domain: str) -> Element:
    xml = await link.api.accounts.private(username, host=domain, element="storage", namespace=NAMESPACE)
    return parse_storage(xml)


def _is_ours(conference: Element, *, service: str) -> bool:
    return conference.get("jid", "").rpartition("@")[2].partition("/")[0].lower() == service
