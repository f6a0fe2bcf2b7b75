"""Prefer: wait=N (RFC 7240): a caller may wait for what a request set going, by condition, never by time alone."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from kleanxmpp.due import Scope

from .services import Services

_T = TypeVar("_T")
_WAIT = re.compile(r'wait *= *"?(\d{1,9})"?', re.IGNORECASE)
_ASKING = (0.015, 0.250, 1.02)
"""Seconds between two looks while another process works, at first and at last, and how they grow: most off-boardings
are proven within half a second."""
_TOLD = (5.0, 5.0, 1.0)
"""The same where the loop of this process tells when it has worked: many may wait at once."""


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
    services: Services,
    read: Callable[[], Awaitable[_T]],
    *,
    done: Callable[[_T], bool],
    seconds: float,
    scope: Scope | None = None,
) -> _T:
    """Read again and again until it is done, the time is over, or the process stops; return what was read last.

    With a `scope`: again when this process has worked on it, and seldom besides.
    """
    if services.reconciler is None or scope is None:
        return await _until(services, read, done=done, seconds=seconds, worked=None)
    with services.reconciler.watched(scope) as worked:
        return await _until(services, read, done=done, seconds=seconds, worked=worked)


async def _until(
    services: Services,
    read: Callable[[], Awaitable[_T]],
    *,
    done: Callable[[_T], bool],
    seconds: float,
    worked: asyncio.Event | None,
) -> _T:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    pause, longest, growth = _ASKING if worked is None else _TOLD
    while True:
        if worked is not None:
            worked.clear()
        value = await read()
        left = deadline - loop.time()
        if done(value) or left <= 0 or services.stopping.is_set():
            return value
        await _first_of(services.stopping, worked, timeout=min(pause, left))
        pause = min(pause * growth, longest)


async def _first_of(*events: asyncio.Event | None, timeout: float) -> None:
    """Return when one of the events is set, or the time is over."""
    waits = [asyncio.ensure_future(event.wait()) for event in events if event is not None]
    try:
        await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
