"""What every part of the server adapter needs: the two ways to the server, and what must be done one at a time."""

import asyncio
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from ejabberd.api import EjabberdApi

from .addresses import Addresses
from .connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The API client and the component's stream.

    `bookmarking` is held while bookmarks are written: two first writes at once deadlock in ejabberd's node index,
    and one of them fails (Mnesia, 23.01).
    """

    api: EjabberdApi
    connection: Connection
    bookmarking: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    _turns: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary, repr=False)

    @property
    def addresses(self) -> Addresses:
        """Which host is whose."""
        return self.connection.addresses

    def turn(self, key: str) -> asyncio.Lock:
        """Return the lock of that name: those who hold it one call at a time take turns, first come, first served."""
        return self._turns.setdefault(key, asyncio.Lock())
