"""Shared and exclusive holds on circles, so that people are worked on side by side and a circle alone.

Without them a group's bulk work, planned a moment ago, could put somebody back who was off-boarded since.
In one process only: one process reconciles a company.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager


class Locks:
    """Holds by key. A waiting exclusive hold does not keep further shared ones out: people go first."""

    def __init__(self) -> None:
        self._shared: dict[str, int] = defaultdict(int)
        self._exclusive: set[str] = set()
        self._released = asyncio.Condition()

    @asynccontextmanager
    async def exclusive(self, key: str) -> AsyncIterator[None]:
        """Hold the key alone."""
        async with self._released:
            await self._released.wait_for(lambda: key not in self._exclusive and not self._shared.get(key))
            self._exclusive.add(key)
        try:
            yield
        finally:
            async with self._released:
                self._exclusive.discard(key)
                self._released.notify_all()

    @asynccontextmanager
    async def shared(self, keys: Iterable[str]) -> AsyncIterator[None]:
        """Hold all these keys beside other shared holds. Taken in sorted order, so nobody waits in a ring."""
        async with AsyncExitStack() as stack:
            for key in sorted(set(keys)):
                await stack.enter_async_context(self._one_shared(key))
            yield

    @asynccontextmanager
    async def _one_shared(self, key: str) -> AsyncIterator[None]:
        async with self._released:
            await self._released.wait_for(lambda: key not in self._exclusive)
            self._shared[key] += 1
        try:
            yield
        finally:
            async with self._released:
                self._shared[key] -= 1
                if not self._shared[key]:
                    del self._shared[key]
                self._released.notify_all()
