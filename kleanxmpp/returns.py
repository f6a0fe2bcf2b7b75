"""The end of absences: how callers write it, and that it happens on time, also while the XMPP server is away.

The loop sleeps until the next end, until somebody changed something, and a minute at most: a clock that jumps, or a
change that nobody told of, delays a return by no more than that.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from kleanxmpp import errors, users
from kleanxmpp.model import Company
from kleanxmpp.ports import Directory

log = logging.getLogger(__name__)

PATTERN = r"^\d{4}-\d{2}-\d{2}([Tt]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[+-]\d{2}:\d{2}))?$"
"""A date, or a date-time with its offset (RFC 3339)."""
_LONGEST, _SOON, _AGAIN = 60.0, 0.05, 1.0


def moment(text: str, *, company: Company) -> datetime:
    """Return the moment that a date (the beginning of that day for the company) or a date-time names. Raises Invalid.

    A date-time without offset is refused: it would mean another moment in another place.
    """
    if not re.match(PATTERN, text):
        raise _unclear()
    try:
        found = datetime.fromisoformat(text.upper())
        local = found if found.tzinfo else found.replace(tzinfo=ZoneInfo(company.timezone))
        return local.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _unclear() from error


async def end_on_time(
    directory: Directory,
    *,
    changed: asyncio.Event,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    longest: float = _LONGEST,
) -> None:
    """Let people back in when their absence ends, until cancelled. `changed` is set when the directory may have."""
    while True:
        changed.clear()
        try:
            pause = await _end_and_look_ahead(directory, clock=clock, longest=longest)
        except errors.DirectoryUnavailable:
            log.warning("directory unavailable, absences end later")
            pause = _AGAIN
        try:
            async with asyncio.timeout(pause):
                await changed.wait()
        except TimeoutError:
            continue  # it is time to look


async def _end_and_look_ahead(directory: Directory, *, clock: Callable[[], datetime], longest: float) -> float:
    """End what has ended; return the seconds until it is time to look again."""
    async with directory.read() as tx:
        upcoming = await tx.next_return_at()
    if upcoming is None:
        return longest
    now = clock()
    if upcoming <= now:
        log.info("absences ended", extra={"people": await users.end_absences(directory, now=now)})
        return _SOON  # there may be more
    return min((upcoming - now).total_seconds(), longest)


def _unclear() -> errors.Invalid:
    return errors.Invalid(
        "Write a date (2027-03-01) or a date-time with offset (2027-03-01T06:00:00+01:00).", field="returns_on"
    )
