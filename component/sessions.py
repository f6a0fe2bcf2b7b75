"""Live and sleeping sessions: whose they are, since when, and ending them.

ejabberd closes the streams about a tenth of a second after it was told to. Ending waits for that, so that whoever
looks next does not find what is already going.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from ejabberd.records import Session
from kleanxmpp import errors
from kleanxmpp.desired import UserLook
from kleanxmpp.device_ports import DeviceSeen, DeviceSession

from .link import Link

_GOING = 0.08
_LOOK_EVERY = 0.02
_LOOKS = 50
_WHOLE_SECOND = timedelta(seconds=1)


def began_before(sessions: Iterable[Session], moment: datetime, *, now: datetime) -> frozenset[str]:
    """Return the resources that may have begun before `moment`: the uptime is in whole seconds, and doubt counts."""
    return frozenset(s.resource for s in sessions if now - timedelta(seconds=s.uptime) - _WHOLE_SECOND < moment)


async def observe(link: Link, looks: Sequence[UserLook], *, domain: str) -> Sequence[frozenset[str] | None]:
    """Return the resources that must not be there; asks only about people who could have some."""
    suspect = [look.username for look in looks if look.sessions and (look.any_session or look.sessions_before)]
    found = await link.api.sessions.of_users(suspect, host=domain) if suspect else {}
    now = datetime.now(UTC)
    return [_unwanted(look, found.get(look.username, ()), now=now) if look.sessions else None for look in looks]


def _unwanted(look: UserLook, found: Sequence[Session], *, now: datetime) -> frozenset[str]:
    if look.any_session:
        return frozenset(session.resource for session in found)
    return frozenset() if look.sessions_before is None else began_before(found, look.sessions_before, now=now)


async def online(link: Link, *, domain: str) -> frozenset[str]:
    """Return the usernames that have at least one session, sleeping ones included."""
    return frozenset(jid.partition("@")[0] for jid in await link.api.sessions.connected(host=domain))


async def devices(link: Link, username: str, *, domain: str) -> Sequence[DeviceSession]:
    """Return a person's sessions, sleeping ones included, with the marks of the devices."""
    found = await link.api.sessions.devices(username, host=domain)
    return [DeviceSession(resource=one.resource, mark=one.mark or None, awake=one.awake) for one in found]


async def devices_seen(link: Link, *, domain: str, taken: Sequence[str]) -> Sequence[DeviceSeen]:
    """Return which devices came or went; what is taken is forgotten."""
    found = await link.api.sessions.devices_seen(host=domain, taken=taken)
    return [
        DeviceSeen(username=one.username, mark=one.mark, at=datetime.fromtimestamp(one.at / 1000, UTC), stamp=one.stamp)
        for one in found
    ]


async def end(link: Link, usernames: Sequence[str], *, domain: str) -> Sequence[int]:
    """End all sessions of these people; return how many each had. They are gone a moment later."""
    ended = await link.api.sessions.kick_users(usernames, host=domain)
    if ended.keys() != set(usernames):
        raise errors.Temporary("The server answered about other people than those asked for.")
    return [ended[username] for username in usernames]


async def has_any(link: Link, usernames: Sequence[str], *, domain: str) -> Sequence[bool]:
    """Say of each whether there is a session."""
    found = await link.api.sessions.of_users(usernames, host=domain)
    return [username in found for username in usernames]


async def wait_gone(still_there: Callable[[], Awaitable[bool]]) -> None:
    """Wait a moment for ended sessions to be gone, for a client that connects again no longer than a second."""
    for look in range(_LOOKS):
        await asyncio.sleep(_LOOK_EVERY if look else _GOING)
        if not await still_there():
            return
