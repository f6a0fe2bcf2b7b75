"""Doing things when their moment has come, also while the XMPP server is away, and at once if it passed meanwhile.

The loop sleeps until the next moment, until somebody changed something, and a minute at most: a clock that jumps, or a
change that nobody told of, delays what is due by no more than that.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from kleanxmpp import errors
from kleanxmpp.ports import Directory, Transaction

log = logging.getLogger(__name__)

LONGEST = 60.0
_SOON, _AGAIN = 0.05, 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """Something that is due at moments: `upcoming` reads the next one, be it past, `act` does what is due by then."""

    what: str
    upcoming: Callable[[Transaction], Awaitable[datetime | None]]
    act: Callable[[datetime], Awaitable[None]]


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


async def keep_on_time(
    directory: Directory,
    timed: Timed,
    *,
    changed: asyncio.Event,
    clock: Callable[[], datetime] = utc_now,
    longest: float = LONGEST,
) -> None:
    """Do what is due until cancelled. `changed` is set when the directory may have, and nobody else clears it."""
    while True:
        changed.clear()
        try:
            pause = await _act_and_look_ahead(directory, timed, clock=clock, longest=longest)
        except errors.DirectoryUnavailable:
            log.warning("directory unavailable, done later", extra={"what": timed.what})
            pause = _AGAIN
        try:
            async with asyncio.timeout(pause):
                await changed.wait()
        except TimeoutError:
            continue  # it is time to look


async def _act_and_look_ahead(
    directory: Directory, timed: Timed, *, clock: Callable[[], datetime], longest: float
) -> float:
    """Do what is due; return the seconds until it is time to look again."""
    async with directory.read() as tx:
        upcoming = await timed.upcoming(tx)
    if upcoming is None:
        return longest
    now = clock()
    if upcoming <= now:
        await timed.act(now)
        return _SOON  # there may be more
    return min((upcoming - now).total_seconds(), longest)
