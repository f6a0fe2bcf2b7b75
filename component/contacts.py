"""Contact lists and the gate: shared roster groups.

A group whose members see each other costs a push to everybody for each member added. So a group that
nobody was in is filled while it is hidden, and shown afterwards; only people who are connected are added
once it is shown, so that their clients, and those of the others, are told. ejabberd pushes before it
stores: of two people added at the same time neither learns of the other, and somebody added while another leaves
may keep that contact. So who joins is alone; people leave side by side.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack

from ejabberd.records import SharedGroup as SharedGroupRecord
from ejabberd.shared_groups import Membership
from kleanxmpp import changes, errors
from kleanxmpp.batches import batches
from kleanxmpp.desired import GATE, KEYS, SHARED_GROUP_PREFIX
from kleanxmpp.state import SharedGroup

from . import sessions
from .link import Link
from .together import together

_JOINING_PER_CALL = 50
"""Memberships: each is told to everybody in the group who is connected, and for each the server reads all of it."""
_LEAVING_PER_CALL = 250
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


async def of_people(link: Link, usernames: Sequence[str], *, domain: str) -> Mapping[str, frozenset[str]]:
    """Return which groups contain these people; one call, whatever their number and the groups' sizes."""
    if not usernames:
        return {}
    found = await link.api.groups.of_users(usernames, host=domain)
    if found.keys() != set(usernames):
        raise errors.Temporary("The server answered about other people than those asked for.")
    return found


async def names(link: Link, *, domain: str) -> frozenset[str]:
    """Return the names of all groups with our prefix."""
    found = await link.api.groups.names(host=domain)
    return frozenset(name for name in found if name.startswith(SHARED_GROUP_PREFIX))


async def set_group(link: Link, change: changes.SetSharedGroup, *, domain: str) -> int:
    """Create the group or change its options. Adding who is connected once more tells their clients the new label."""
    await _set_options(link, change.name, domain=domain, label=change.label, displayed=change.displayed)
    if change.displayed and change.name not in KEYS:
        await join(link, _in(change.name, await _connected(link, change.name, domain=domain)), domain=domain)
    return 1


async def remove_group(link: Link, change: changes.RemoveSharedGroup, *, domain: str) -> int:
    """Delete the group with its memberships. Who is connected leaves it first: deleting tells no client anything."""
    await leave(link, _in(change.name, await _connected(link, change.name, domain=domain)), domain=domain)
    await link.api.groups.delete(change.name, host=domain)
    return 1


async def add(link: Link, change: changes.AddToSharedGroup, *, domain: str) -> int:
    """Add the members: in bulk into a fresh group, else so that clients are told."""
    if change.fresh:
        await _fill(link, change, domain=domain)
    else:
        await join(link, _in(change.name, change.usernames), domain=domain)
    return len(change.usernames)


async def join(link: Link, memberships: Collection[Membership], *, domain: str) -> int:
    """Make these people members of the groups beside them, and tell their clients; return how many memberships."""
    for some, names in _bounded(memberships, per_call=_JOINING_PER_CALL):
        async with AsyncExitStack() as alone:
            for name in names:
                await alone.enter_async_context(link.changing.exclusive(f"{domain}/{name}"))
            await link.api.groups.join(some, host=domain)
    return len(memberships)


async def leave(link: Link, memberships: Collection[Membership], *, domain: str) -> int:
    """Take these people out of the groups beside them, and tell their clients; return how many memberships."""

    async def leave_some(some: Sequence[Membership], names: Iterable[str]) -> None:
        async with link.changing.shared(f"{domain}/{name}" for name in names):
            await link.api.groups.leave(some, host=domain)

    async with together() as tasks:
        for some, names in _bounded(memberships, per_call=_LEAVING_PER_CALL):
            tasks.create_task(leave_some(some, names))
    return len(memberships)


async def leave_together(link: Link, several: Sequence[changes.LeaveSharedGroups], *, domain: str) -> Sequence[int]:
    """Take several people out of their groups at the same moment; return how many memberships each had."""
    await leave(link, {(change.username, name) for change in several for name in change.names}, domain=domain)
    return [len(change.names) for change in several]


def _bounded(
    memberships: Collection[Membership], *, per_call: int
) -> Iterator[tuple[Sequence[Membership], Sequence[str]]]:
    """Yield a few memberships at a time, so that a call ends in time, and the names of their groups."""
    for some in batches(sorted(memberships, key=lambda pair: (pair[1], pair[0])), per_call):
        yield some, sorted({name for _, name in some})


async def give_key(link: Link, key: str, username: str, *, domain: str) -> int:
    """Put the person into a key: the gate, or the group of those who only read."""
    await link.api.groups.join([(username, key)], host=domain)
    return 1


async def take_key(link: Link, key: str, username: str, *, domain: str) -> int:
    """Take the person out of a key."""
    await link.api.groups.leave([(username, key)], host=domain)
    return 1


async def close_gate(link: Link, usernames: Sequence[str], *, domain: str) -> Sequence[int]:
    """Let several people in no more. Nobody is told: the gate is no contact list."""
    await link.api.groups.leave([(username, GATE) for username in usernames], host=domain)
    return [1] * len(usernames)


async def leave_group(link: Link, change: changes.RemoveFromSharedGroup, *, domain: str) -> int:
    """Take the people out of the group."""
    return await leave(link, _in(change.name, change.usernames), domain=domain)


def _in(name: str, usernames: Iterable[str]) -> list[Membership]:
    return [(username, name) for username in usernames]


async def _connected(link: Link, name: str, *, domain: str) -> frozenset[str]:
    return await members(link, name, domain=domain) & await sessions.online(link, domain=domain)


async def _fill(link: Link, change: changes.AddToSharedGroup, *, domain: str) -> None:
    name, label = change.name, change.label
    connected = await sessions.online(link, domain=domain) & change.usernames
    await _set_options(link, name, domain=domain, label=label, displayed=False)
    for some in batches(sorted(change.usernames - connected), _UNSEEN_PER_CALL):
        await link.api.groups.join(_in(name, some), host=domain)
    await _set_options(link, name, domain=domain, label=label, displayed=change.displayed)
    await join(link, _in(name, connected), domain=domain)
    # who connected meanwhile may have read a contact list from before: adding again tells their clients
    meanwhile = await sessions.online(link, domain=domain) & change.usernames - connected
    await leave(link, _in(name, meanwhile), domain=domain)
    await join(link, _in(name, meanwhile), domain=domain)


async def _set_options(link: Link, name: str, *, domain: str, label: str, displayed: bool) -> None:
    shown = displayed and name not in KEYS
    await link.api.groups.create(name, host=domain, label=label, display=(name,) if shown else ())
