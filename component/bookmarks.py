"""What a person's clients join by themselves (XEP-0048, in private storage; ejabberd passes it on to XEP-0402).

Of the rooms of our own service exactly the desired ones are listed; whatever else a client keeps there
(rooms of other services, web pages) stays untouched.
"""

from collections.abc import Iterable, Mapping, Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from slixmpp.xmlstream import tostring

from kleanxmpp import errors
from kleanxmpp.batches import batches
from kleanxmpp.changes import SetBookmarks
from kleanxmpp.state import Bookmark

from . import belongings
from .link import Link

NAMESPACE = "storage:bookmarks"
_STORAGE, _CONFERENCE, _NICK = (f"{{{NAMESPACE}}}{tag}" for tag in ("storage", "conference", "nick"))
_TRUE = ("true", "1")
_PER_CALL = 50


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


async def set_bookmarks(link: Link, several: Sequence[SetBookmarks], *, domain: str) -> Sequence[int | Exception]:
    """Replace people's bookmarks of our rooms; return for each how many were added, changed or removed."""
    service = link.addresses.rooms(domain)
    wanted = {change.username: change.bookmarks for change in several}
    kept = await belongings.of_people(link, list(wanted), domain=domain)
    found: dict[str, int | Exception] = {}
    written: dict[str, str] = {}
    for username, bookmarks in wanted.items():
        try:
            former = parse_storage(kept[username].bookmarks)
        except errors.Permanent as error:
            found[username] = error
            continue
        written[username] = tostring(make_storage(former, bookmarks, service=service))
        found[username] = len({b.room for b in read_bookmarks(former, service=service) ^ bookmarks})
    await _write(link, written, domain=domain)
    return [found[change.username] for change in several]


async def _write(link: Link, storages: Mapping[str, str], *, domain: str) -> None:
    async with link.bookmarking:
        for some in batches(list(storages.items()), _PER_CALL):
            await link.api.accounts.set_private(dict(some), host=domain)


def _is_ours(conference: Element, *, service: str) -> bool:
    return conference.get("jid", "").rpartition("@")[2].partition("/")[0].lower() == service
