"""When people's devices were connected, and which are now. Of each device one moment is kept, and no history.

The server notes a device when it comes and when it goes, and keeps that until it is written down here: whoever stops in
between loses nothing, and a device that stays connected all day costs nothing.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kleanxmpp.model import Company, Credential, User
from kleanxmpp.ports import Directory, Server


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSession:
    """A session of somebody. `credential` None: it is not known which device it is, or its login was revoked."""

    resource: str
    credential: Credential | None
    awake: bool


async def write_down(
    directory: Directory, server: Server, company: Company, *, taken: Sequence[str], now: datetime
) -> Sequence[str]:
    """Write down which devices came or went; return what to call `taken` the next time.

    A server whose clock is ahead saw them now. Raises ServerError or DirectoryUnavailable; then `taken` stays.
    """
    seen = await server.devices_seen(company, taken=taken)
    if seen:
        async with directory.write() as tx:
            await tx.note_devices_seen(company.id, [replace(one, at=min(one.at, now)) for one in seen])
    return [one.stamp for one in seen]


async def live(
    directory: Directory, server: Server, company: Company, user: User, *, within: float
) -> Sequence[LiveSession]:
    """Return somebody's sessions, sleeping ones included. Raises ServerError, or TimeoutError after seconds."""
    async with asyncio.timeout(within):
        found = await server.device_sessions(company, user.username)
    async with directory.read() as tx:
        by_id = {one.id: one for one in await tx.credentials(user.id)}
        marks = await tx.credential_marks(user.id)
    return [
        LiveSession(resource=one.resource, credential=by_id.get(marks.get(one.mark or "", "")), awake=one.awake)
        for one in sorted(found, key=lambda session: session.resource)
    ]
