"""Waiting for conditions, never for time. Every wait says in its failure what it waited for and what was there."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

_T = TypeVar("_T")
SECONDS = 15.0


async def eventually(
    read: Callable[[], Awaitable[_T]],
    holds: Callable[[_T], bool] = bool,
    *,
    what: str,
    within: float = SECONDS,
) -> _T:
    """Read until it holds and return what was read; the pause only spares the processor."""
    deadline = asyncio.get_running_loop().time() + within
    while True:
        value = await read()
        if holds(value):
            return value
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"Not within {within:g} s: {what}. Last seen: {value!r}")
        await asyncio.sleep(0.03)
