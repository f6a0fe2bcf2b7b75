"""What every part of the server adapter needs: the two ways to the server, and what must be done one at a time."""

import asyncio
from dataclasses import dataclass, field

from ejabberd.api import EjabberdApi
from kleanxmpp.locks import Locks

from .addresses import Addresses
from .connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The API client and the component's stream.

    `bookmarking` is held while bookmarks are written: two first writes at once deadlock in ejabberd's node index,
    and one of them fails (Mnesia, 23.01). `changing` is held by shared group: alone to join one, shared to leave it.
    """

    api: EjabberdApi
    connection: Connection
    bookmarking: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    changing: Locks = field(default_factory=Locks, repr=False)

    @property
    def addresses(self) -> Addresses:
        """Which host is whose."""
        return self.connection.addresses
