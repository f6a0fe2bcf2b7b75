"""Contact lists and the gate: shared roster groups.

A group whose members see each other costs a push to everybody for each member added. So a group that
nobody was in is filled while it is hidden, and shown afterwards; only people who are connected are added
once it is shown, so that their clients, and those of the others, are told. ejabberd pushes before it
stores: of two people added at the same time neither learns of the other, and somebody added while another leaves
may keep that contact. So who joins is alone; people leave side by side.
"""

from collections.abc import Collection, Iterator
from contextlib import AsyncExitStack

from ejabberd.records import SharedGroup as SharedGroupRecord
from kleanxmpp import changes
from kleanxmpp.batches import batches
from kleanxmpp.desired import KEYS, SHARED_GROUP_PREFIX
from kleanxmpp.state import SharedGroup

from . import sessions
from .link import Link

_SEEN_PER_CALL = 50
"""Memberships: each is told to everybody in the group who is connected."""
_UNSEEN_PER_CALL = 500


def read_group(name: str, record: SharedGroupRecord, *, members: frozenset[str] | None) -> SharedGroup:
    """Return the group that these options describe; it is displayed if its members see each other."""
    return SharedGroup(label=record.label, displayed=name in record.display, members=members)


async def observe(link: Link, name: str, *, domain: str, with_members: bool) -> SharedGroup | None:
    """Return the group, None if it does not exist."""
    record = await link.api.groups.info(name, host=domain)
    if record is None:
        return None
    found = await members(link, name, domain=domain) if with_members else None
    return read_group(name, record, members=found)


async def members(link: Link, name: str, *, domain: str) -> frozenset[str]:
    """Return the usernames in the group."""
    found = await link.api.groups.members(name, host=domain)
    return frozenset(username for username, _, host in (jid.partition("@") for jid in found) if host == domain)


async def of_user(link: Link, username: str, *, domain: str, among: frozenset[str]) -> frozenset[str]:
    """Return which of these groups contain the person; one call, whatever the groups' sizes."""
    return await link.api.groups.of_user(username, host=domain, among=sorted(among)) if among else frozenset()


async def names(link: Link, *, domain: str) -> frozenset[str]:
    """Return the names of all groups with our prefix."""
    found = await link.api.groups.names(host=domain)
    return frozenset(name for name in found if name.startswith(SHARED_GROUP_PREFIX))


async def set_group(link: Link, change: changes.SetSharedGroup, *, domain: str) -> int:
    """Create the group or change its options. Adding who is connected once more tells their clients the new label."""
    await _set_options(link, change.name, domain=domain, label=change.label, displayed=change.displayed)
    if change.displayed and change.name not in KEYS:
        await join(link, {change.name}, domain=domain, usernames=await _connected(link, change.name, domain=domain))
    return 1


async def remove_group(link: Link, change: changes.RemoveSharedGroup, *, domain: str) -> int:
    """Delete the group with its memberships. Who is connected leaves it first: deleting tells no client anything."""
    await leave(link, {change.name}, domain=domain, usernames=await _connected(link, change.name, domain=domain))
    await link.api.groups.delete(change.name, host=domain)
    return 1


async def add(link: Link, change: changes.AddToSharedGroup, *, domain: str) -> int:
    """Add the members: in bulk into a fresh group, else so that clients are told."""
    if change.fresh:
        await _fill(link, change, domain=domain)
    else:
        await join(link, {change.name}, domain=domain, usernames=change.usernames)
    return len(change.usernames)


async def join(link: Link, names: Collection[str], *, domain: str, usernames: Collection[str]) -> int:
    """Make all these people members of all these groups, and tell their clients; return how many memberships."""
    for some_names, some in _bounded(names, usernames):
        async with AsyncExitStack() as alone:
            for name in some_names:
                await alone.enter_async_context(link.changing.exclusive(f"{domain}/{name}"))
            await link.api.groups.join(some, host=domain, groups=some_names)
    return len(names) * len(usernames)


async def leave(link: Link, names: Collection[str], *, domain: str, usernames: Collection[str]) -> int:
    """Take all these people out of all these groups, and tell their clients; return how many memberships."""
    for some_names, some in _bounded(names, usernames):
        async with link.changing.shared(f"{domain}/{name}" for name in some_names):
            await link.api.groups.leave(some, host=domain, groups=some_names)
    return len(names) * len(usernames)


def _bounded(names: Collection[str], usernames: Collection[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Yield groups and people, a few memberships at a time, so that a call ends in time."""
    for some_names in batches(sorted(names), _SEEN_PER_CALL):
        for some in batches(sorted(usernames), max(1, _SEEN_PER_CALL // len(some_names))):
            yield some_names, some


async def give_key(link: Link, key: str, username: str, *, domain: str) -> int:
    """Put the person into a key: the gate, or the group of those who only read."""
    await link.api.groups.join([username], host=domain, groups=[key])
    return 1


async def take_key(link: Link, key: str, username: str, *, domain: str) -> int:
    """Take the person out of a key."""
    await link.api.groups.leave([username], host=domain, groups=[key])
    return 1


async def _connected(link: Link, name: str, *, domain: str) -> frozenset[str]:
    return await members(link, name, domain=domain) & await sessions.online(link, domain=domain)


async def _fill(link: Link, change: changes.AddToSharedGroup, *, domain: str) -> None:
    name, label = change.name, change.label
    connected = await sessions.online(link, domain=domain) & change.usernames
    await _set_options(link, name, domain=domain, label=label, displayed=False)
    for some in batches(sorted(change.usernames - connected), _UNSEEN_PER_CALL):
        await link.api.groups.join(some, host=domain, groups=[name])
    await _set_options(link, name, domain=domain, label=label, displayed=change.displayed)
    await join(link, {name}, domain=domain, usernames=connected)
    # who connected meanwhile may have read a contact list from before: adding again tells their clients
    meanwhile = await sessions.online(link, domain=domain) & change.usernames - connected
    await leave(link, {name}, domain=domain, usernames=meanwhile)
    await join(link, {name}, domain=domain, usernames=meanwhile)


async def _set_options(link: Link, name: str, *, domain: str, label: str, displayed: bool) -> None:
    shown = displayed and name not in KEYS
    await link.api.groups.create(name, host=domain, label=label, display=(name,) if shown else ())
