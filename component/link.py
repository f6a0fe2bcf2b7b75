"""What every part of the server adapter needs: the two ways to the server, and how much may be under way at once.

The limit per change lies below that of the API client on purpose: an off-boarding must not wait behind
the thousand calls of somebody's bulk import.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar
from weakref import WeakValueDictionary

from ejabberd.api import EjabberdApi

from .addresses import Addresses
from .connection import Connection
from .together import together

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The API client, the component's stream, and `at_once`: how many calls one change makes at the same time.

    `bookmarking` is held while bookmarks are written: two first writes at once deadlock in ejabberd's node index,
    and one of them fails (Mnesia, 23.01).
    """

    api: EjabberdApi
    connection: Connection
    at_once: int = 8
    bookmarking: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    _turns: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary, repr=False)

    @property
    def addresses(self) -> Addresses:
        """Which host is whose."""
        return self.connection.addresses

    def turn(self, key: str) -> asyncio.Lock:
        """Return the lock of that name: those who hold it one call at a time take turns, first come, first served."""
        return self._turns.setdefault(key, asyncio.Lock())

    async def each(self, items: Iterable[Item], do: Callable[[Item], Awaitable[Result]]) -> list[Result]:
        """Do something for each item, `at_once` at a time; return the results in the items' order.

        The first error ends the others and is raised.
        """
        numbered = list(items)
        results: dict[int, Result] = {}
        waiting = iter(enumerate(numbered))

        async def work() -> None:
            for number, item in waiting:
                results[number] = await do(item)

        async with together() as tasks:
            for _ in range(min(self.at_once, len(numbered))):
                tasks.create_task(work())
        return [results[number] for number in range(len(numbered))]
