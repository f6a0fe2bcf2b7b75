"""The end of absences: how callers write it, and that it happens on time (`kleanxmpp.on_time`)."""

import asyncio
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from kleanxmpp import errors, moments, users
from kleanxmpp.model import Company
from kleanxmpp.on_time import LONGEST, Timed, keep_on_time, utc_now
from kleanxmpp.ports import Directory, Transaction

log = logging.getLogger(__name__)

PATTERN = r"^\d{4}-\d{2}-\d{2}([Tt]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[+-]\d{2}:\d{2}))?$"
"""A date, or a date-time with its offset (RFC 3339)."""


def moment(text: str, *, company: Company) -> datetime:
    """Return the moment that a date (the beginning of that day for the company) or a date-time names. Raises Invalid.

    A date-time without offset is refused: it would mean another moment in another place.
    """
    if not re.match(PATTERN, text):
        raise _unclear()
    try:
        found = datetime.fromisoformat(text.upper())
        if found.year > moments.LAST_YEAR:
            raise _unclear()
        local = found if found.tzinfo else found.replace(tzinfo=ZoneInfo(company.timezone))
        return local.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _unclear() from error


async def end_on_time(
    directory: Directory,
    *,
    changed: asyncio.Event,
    clock: Callable[[], datetime] = utc_now,
    longest: float = LONGEST,
) -> None:
    """Let people back in when their absence ends, until cancelled. `changed` is set when the directory may have."""

    async def act(now: datetime) -> None:
        log.info("absences ended", extra={"people": await users.end_absences(directory, now=now)})

    timed = Timed(what="ends of absences", upcoming=_next_return, act=act)
    await keep_on_time(directory, timed, changed=changed, clock=clock, longest=longest)


async def _next_return(tx: Transaction) -> datetime | None:
    return await tx.next_return_at()


def _unclear() -> errors.Invalid:
    return errors.Invalid(
        "Write a date (2027-03-01) or a date-time with offset (2027-03-01T06:00:00+01:00).", field="returns_on"
    )
