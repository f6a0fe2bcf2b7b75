"""Which of somebody's devices are connected, asked of the live server. Not known is None, never empty."""

from collections.abc import Sequence

from kleanxmpp import devices, errors
from kleanxmpp.devices import LiveSession
from kleanxmpp.model import Company, User

from .services import Services

_SECONDS = 1.0
"""A page about a person must not wait for a server that hangs."""


async def sessions_of(services: Services, company: Company, user: User) -> Sequence[LiveSession] | None:
    """Return somebody's sessions with the devices they belong to."""
    if services.server is None:
        return None
    seconds = min(_SECONDS, services.settings.check_seconds)
    try:
        return await devices.live(services.directory, services.server, company, user, within=seconds)
    except (TimeoutError, errors.ServerError):
        return None


async def connected(services: Services, company: Company, user: User) -> frozenset[str] | None:
    """Return the ids of the credentials that are connected with right now; sleeping sessions do not count."""
    found = await sessions_of(services, company, user)
    if found is None:
        return None
    return frozenset(one.credential.id for one in found if one.credential is not None and one.awake)
