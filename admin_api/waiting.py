"""Prefer: wait=N (RFC 7240): a caller may wait for what a request set going, by condition, never by time alone."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from .services import Services

_T = TypeVar("_T")
_WAIT = re.compile(r'wait *= *"?(\d{1,9})"?', re.IGNORECASE)
_SHORTEST, _LONGEST, _GROWTH = 0.015, 0.250, 1.02
"""Seconds between two looks: most off-boardings are proven within half a second, and a look is cheap."""


def preferred_wait(headers: Mapping[str, str], *, longest: int) -> int | None:
    """Return the seconds the caller is ready to wait, at most `longest`. None: not said; what is unclear is ignored."""
    for preference in headers.get("Prefer", "").split(","):
        if found := _WAIT.fullmatch(preference.split(";")[0].strip()):
            return min(int(found.group(1)), longest)
    return None


def applied(wait: int | None) -> dict[str, str]:
    """Return the header that says which preference was honoured."""
    return {} if wait is None else {"Preference-Applied": f"wait={wait}"}


async def until(
    services: Services, read: Callable[[], Awaitable[_T]], *, done: Callable[[_T], bool], seconds: float
) -> _T:
    """Read again and again until it is done, the time is over, or the process stops; return what was read last."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    pause = _SHORTEST
    while True:
        value = await read()
        left = deadline - loop.time()
        if done(value) or left <= 0 or services.stopping.is_set():
            return value
        try:
            async with asyncio.timeout(min(pause, left)):
                await services.stopping.wait()
        except TimeoutError:
            pause = min(pause * _GROWTH, _LONGEST)
