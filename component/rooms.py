"""Rooms: what they are, who belongs to them, and making both so.

Existence and options go through the HTTP API (no IQ creates a room without joining it); affiliations are
set by `muc#admin` IQs (XEP-0045, 9.5) from the component, which is service admin: one IQ sets a thousand.
Options are changed one after another, because ejabberd reads, changes and writes the whole configuration
for each of them.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement

from ejabberd.records import RoomAffiliation
from ejabberd.template import ROOM_DEFAULTS
from kleanxmpp import changes, errors
from kleanxmpp.batches import batches
from kleanxmpp.desired import UserLook
from kleanxmpp.state import Affiliation, Room

from .link import Link
from .together import together

ITEMS_PER_IQ = 1000
_ADMIN = "{http://jabber.org/protocol/muc#admin}"
_TITLE, _DESCRIPTION, _SILENT = "title", "description", "members_by_default"
_PROMISED = {
    **{name: str(value).lower() for name, value in ROOM_DEFAULTS.items() if name != _SILENT},
    "password_protected": "false",
    "captcha_protected": "false",
}


def make_options(*, title: str, description: str, announcement: bool) -> dict[str, str]:
    """Return the options a room must have. `members_by_default` off means announcements only (mod_klean)."""
    words = {_TITLE: title, _DESCRIPTION: description}
    return _PROMISED | words | {_SILENT: str(not announcement).lower()}


def read_room(options: Mapping[str, str], entries: Iterable[RoomAffiliation], *, service: str) -> Room:
    """Return the room that these options and list entries describe; `service` is our own host, left out."""
    announcement = options.get(_SILENT) == "false"
    return Room(
        title=options.get(_TITLE, ""),
        description=options.get(_DESCRIPTION, ""),
        announcement=announcement,
        as_promised=all(options.get(name) == value for name, value in _PROMISED.items()),
        affiliations={
            entry.jid: Affiliation(entry.affiliation)
            for entry in entries
            if entry.jid.rpartition("@")[2] != service and entry.affiliation != Affiliation.NONE
        },
    )


def make_affiliation_queries(
    affiliations: Mapping[str, Affiliation], *, per_query: int = ITEMS_PER_IQ
) -> Iterator[Element]:
    """Yield `muc#admin` queries that together set these affiliations, each with up to `per_query` items."""
    for chunk in batches(sorted(affiliations.items()), per_query):
        query = Element(f"{_ADMIN}query")
        for jid, affiliation in chunk:
            SubElement(query, f"{_ADMIN}item", {"jid": jid, "affiliation": affiliation.value})
        yield query


async def observe_affiliations(
    link: Link, looks: Sequence[UserLook], *, domain: str
) -> Sequence[Mapping[str, Affiliation]]:
    """Return people's affiliations in the rooms looked at; one that does not exist counts as `none`. One call."""
    places = {(f"{look.username}@{domain}", room) for look in looks for room in look.rooms}
    if not places:
        return [{} for _ in looks]
    found = await link.api.rooms.affiliations_in(sorted(places), service=link.addresses.rooms(domain))
    return [
        {room: Affiliation(found.get((f"{look.username}@{domain}", room), Affiliation.NONE)) for room in look.rooms}
        for look in looks
    ]


async def observe(link: Link, room: str, *, domain: str) -> Room | None:
    """Return the room with its whole list, None if it does not exist."""
    service = link.addresses.rooms(domain)
    async with together() as tasks:
        options = tasks.create_task(link.api.rooms.options(room, service=service))
        entries = tasks.create_task(link.api.rooms.affiliations(room, service=service))
    if (known := options.result()) is None or (listed := entries.result()) is None:
        return None
    return read_room(known, listed, service=link.addresses.component(domain))


async def names(link: Link, *, domain: str) -> frozenset[str]:
    """Return the localparts of all rooms of the company, awake and asleep."""
    found = await link.api.rooms.all(service=link.addresses.rooms(domain))
    return frozenset(jid.partition("@")[0] for jid in found)


async def create(link: Link, change: changes.CreateRoom, *, domain: str) -> int:
    """Create the room, configured as promised."""
    options = make_options(title=change.title, description=change.description, announcement=change.announcement)
    service = link.addresses.rooms(domain)
    await link.api.rooms.create(change.room, service=service, host=domain, options=options)
    return 1


async def configure(link: Link, change: changes.ConfigureRoom, *, domain: str) -> int:
    """Change those options that differ; return how many. A room that does not exist has none."""
    service = link.addresses.rooms(domain)
    wanted = make_options(title=change.title, description=change.description, announcement=change.announcement)
    present = await link.api.rooms.options(change.room, service=service)
    differing = {name: value for name, value in wanted.items() if present is not None and present.get(name) != value}
    for name, value in differing.items():
        await link.api.rooms.set_option(change.room, service=service, option=name, value=value)
    return len(differing)


async def set_affiliations(
    link: Link, several: Sequence[changes.SetAffiliations], *, domain: str
) -> Sequence[int | Exception]:
    """Set what several changes say, in one go for each room; return how many each set, or what went wrong.

    `Missing` (Temporary) for a room that does not exist: its own scope creates it.
    """
    by_room: dict[str, list[changes.SetAffiliations]] = defaultdict(list)
    for change in several:
        by_room[change.room].append(change)
    rooms = await asyncio.gather(*(_set_in_room(link, some, domain=domain) for some in by_room.values()))
    answers = {room: iter(found) for room, found in zip(by_room, rooms, strict=True)}
    return [next(answers[change.room]) for change in several]


async def _set_in_room(
    link: Link, several: Sequence[changes.SetAffiliations], *, domain: str
) -> Sequence[int | errors.ServerError]:
    """Set them in the room that all of them name. What it refuses as a whole, it may do in part."""
    wanted = {jid: affiliation for change in several for jid, affiliation in change.affiliations.items()}
    to, sender = f"{several[0].room}@{link.addresses.rooms(domain)}", link.addresses.component(domain)
    try:
        for query in make_affiliation_queries(wanted):
            await link.connection.request(query, to=to, sender=sender, kind="set")
    except errors.ServerError as error:
        if len(several) == 1 or isinstance(error, errors.Temporary):
            return [error] * len(several)
        return [found for change in several for found in await _set_in_room(link, [change], domain=domain)]
    return [len(change.affiliations) for change in several]


async def destroy(link: Link, change: changes.DestroyRoom, *, domain: str) -> int:
    """Destroy the room, if there is one."""
    return int(await link.api.rooms.destroy(change.room, service=link.addresses.rooms(domain)))
