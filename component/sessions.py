"""Live and sleeping sessions: whose they are, since when, and ending them.

ejabberd closes the streams about a tenth of a second after `kick_user` has answered. Ending waits for
that, so that whoever looks next does not find what is already going.
"""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from ejabberd.records import Session
from kleanxmpp.desired import UserLook

from .link import Link

_GOING = 0.08
_LOOK_EVERY = 0.02
_LOOKS = 50
_WHOLE_SECOND = timedelta(seconds=1)


def began_before(sessions: Iterable[Session], moment: datetime, *, now: datetime) -> frozenset[str]:
    """Return the resources that may have begun before `moment`: the uptime is in whole seconds, and doubt counts."""
    return frozenset(s.resource for s in sessions if now - timedelta(seconds=s.uptime) - _WHOLE_SECOND < moment)


async def observe(link: Link, look: UserLook, *, domain: str) -> frozenset[str] | None:
    """Return the resources that must not be there; asks only if some could be."""
    if not look.sessions:
        return None
    if not look.any_session and look.sessions_before is None:
        return frozenset()
    found = await link.api.sessions.of_user(look.username, host=domain)
    if look.any_session or look.sessions_before is None:
        return frozenset(session.resource for session in found)
    return began_before(found, look.sessions_before, now=datetime.now(UTC))


async def online(link: Link, *, domain: str) -> frozenset[str]:
    """Return the usernames that have at least one session, sleeping ones included."""
    return frozenset(jid.partition("@")[0] for jid in await link.api.sessions.connected(host=domain))


async def end(link: Link, username: str, *, domain: str) -> int:
    """End all sessions of the person and wait a moment for them to be gone; return how many there were.

    A client that connects again in the meantime is not waited for longer than a second.
    """
    ended = await link.api.sessions.kick_user(username, host=domain)
    for look in range(_LOOKS if ended else 0):
        await asyncio.sleep(_LOOK_EVERY if look else _GOING)
        if not await link.api.sessions.of_user(username, host=domain):
            break
    return ended
