"""Wiring of this role: stream, API client, server adapter and handlers, opened top-down and closed in reverse."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ejabberd.api import EjabberdApi

from .addresses import Addresses
from .connection import Connection, Handler, Patience
from .handlers.disco import DiscoHandler
from .link import Link
from .server import EjabberdServer
from .together import together


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentSettings:
    """What this role has to know. `api_user` is a bare JID, `api_url` ends in `/api/v0`; times are in seconds."""

    domains: tuple[str, ...]
    component_secret: str = field(repr=False)
    api_url: str
    api_user: str
    api_password: str = field(repr=False)
    component_host: str = "127.0.0.1"
    component_port: int = 5347
    component_prefix: str = "klean"
    rooms_prefix: str = "gruppen"
    patience: Patience = field(default_factory=Patience)
    api_timeout: float = 10.0
    api_concurrency: int = 16

    @property
    def addresses(self) -> Addresses:
        """Which host is whose."""
        return Addresses(domains=self.domains, component_prefix=self.component_prefix, rooms_prefix=self.rooms_prefix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """The running role."""

    server: EjabberdServer
    connection: Connection


@asynccontextmanager
async def open_component(settings: ComponentSettings, *, handlers: Sequence[Handler] = ()) -> AsyncIterator[Component]:
    """Start connecting and yield at once: the stream may become ready later, and come back as often as it must.

    If the supervisor ever fails, the block is cancelled and the failure raised.
    """
    connection = Connection(
        settings.addresses,
        host=settings.component_host,
        port=settings.component_port,
        secret=settings.component_secret,
        patience=settings.patience,
    )
    for handler in (DiscoHandler(), *handlers):
        handler.register(connection)
    api = EjabberdApi(
        settings.api_url,
        user=settings.api_user,
        password=settings.api_password,
        timeout=settings.api_timeout,
        concurrency=settings.api_concurrency,
    )
    link = Link(api=api, connection=connection)
    async with api, together() as tasks:
        tasks.create_task(connection.run())
        try:
            yield Component(server=EjabberdServer(link), connection=connection)
        finally:
            connection.stop()
