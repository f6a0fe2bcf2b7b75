"""Moments as people in HR write them: a date, a local time, or a time with its offset.

A local time is meant in the company's time zone, and becomes a moment when it is read: changing the company's zone
later moves nothing. Around the changes of summer time there are times that never come and times that come twice; where
that leaves a choice, the one that closes earlier and opens later is taken.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from kleanxmpp import errors

PATTERN = r"^\d{4}-\d{2}-\d{2}([Tt]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[+-]\d{2}:\d{2})?)?$"
"""A date, or a date-time with or without offset (RFC 3339, seconds and offset optional)."""
LAST_YEAR = 9000
"""Beyond it some zone's clocks have no date for a moment."""
_DATE_LENGTH = 10


def effective(text: str, *, timezone: str, takes: bool, ends_day: bool, field: str = "effective_at") -> datetime:
    """Return the moment in UTC. Raises Invalid for what is no date or time.

    `takes`: something is taken from somebody then. `ends_day`: a date alone means the end of that day, the last one
    that counts; else its beginning.
    """
    if not re.match(PATTERN, text):
        raise _unclear(field)
    try:
        if len(text) == _DATE_LENGTH:
            day = date.fromisoformat(text) + timedelta(days=1 if ends_day else 0)
            found = datetime.combine(day, time.min)
        else:
            found = datetime.fromisoformat(text.upper())
        if found.year > LAST_YEAR:
            raise _unclear(field)
        return (found if found.tzinfo else _local(found, ZoneInfo(timezone), takes=takes)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _unclear(field) from error


def _local(found: datetime, zone: ZoneInfo, *, takes: bool) -> datetime:
    """Return the local time with its zone. What never comes moves forward by what the clock jumps over."""
    first, second = (found.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    comes_twice = first.utcoffset() != second.utcoffset() and _exists(first) and _exists(second)
    return second if comes_twice and not takes else first


def _exists(local: datetime) -> bool:
    back = local.astimezone(UTC).astimezone(local.tzinfo)
    return back.replace(tzinfo=None) == local.replace(tzinfo=None)


def _unclear(field: str) -> errors.Invalid:
    return errors.Invalid(
        "Write a date (2026-12-31), a time in the company's time zone (2026-12-31T18:00), or one with its offset "
        "(2026-12-31T18:00:00+01:00).",
        field=field,
    )
