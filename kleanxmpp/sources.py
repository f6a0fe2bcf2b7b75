"""When a source of people is late: silence is the fault that nobody notices, because nothing goes wrong.

Nothing is expected by itself. Whoever is expected and never came is late from when it was said on.
"""

import re
from datetime import datetime, timedelta

from kleanxmpp import errors
from kleanxmpp.model import Door
from kleanxmpp.source_ports import Source

DOORS = (Door.IMPORT, Door.SCIM, Door.HR, Door.BULK)
"""Those that bring people; the sweep only looks."""
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=366)
PATTERN = r"^P(\d{1,3}W|(\d{1,3}D)?(T(\d{1,4}H)?(\d{1,5}M)?(\d{1,8}S)?)?)$"
_UNITS = {"W": "weeks", "D": "days", "H": "hours", "M": "minutes", "S": "seconds"}


def late_since(source: Source, *, now: datetime) -> datetime | None:
    """Return since when a source is late; None: it is not, or is not expected."""
    if source.expected is None:
        return None
    until = (source.last_contact or source.expected.since) + source.expected.every
    return until if until < now else None


def interval(said: str | int) -> timedelta:
    """Return how long this is: seconds, or a duration (ISO 8601, `PT1H`, `P1D`). Raises Invalid."""
    if isinstance(said, int):
        return checked(timedelta(seconds=min(said, 10**9)))
    if not re.fullmatch(PATTERN, said):
        raise _unclear()
    found = {_UNITS[unit]: int(number) for number, unit in re.findall(r"(\d+)([WDHMS])", said)}
    return checked(timedelta(**found))


def checked(every: timedelta) -> timedelta:
    """Return it if a source can be expected that often. Raises Invalid."""
    if not SHORTEST <= every <= LONGEST:
        raise _unclear()
    return every


def words(every: timedelta) -> str:
    """Return it as short as it can be written: `1d`, `1h`, `90m`."""
    seconds = int(every.total_seconds())
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _unclear() -> errors.Invalid:
    return errors.Invalid(
        "Write seconds or a duration such as PT1H or P1D, from a minute to a year.", field="sources_expected"
    )
