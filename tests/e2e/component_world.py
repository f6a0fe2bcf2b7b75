"""A private ejabberd with a directory in SQLite, our component on it, and raw clients for the people.

The clients are raw: slixmpp clients and components do not go together in one interpreter.
"""

import hashlib
import itertools
import os
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from component.app import Component, ComponentSettings, open_component
from component.connection import Handler, Patience
from ejabberd.api import EjabberdApi
from ejabberd.config import ServerConfig
from ejabberd.launcher import PrivateServer, extauth_command, prepare
from ejabberd.records import Json
from kleanxmpp import changes, errors
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.db.migrate import upgrade_database
from kleanxmpp.desired import GATE
from kleanxmpp.device_ports import MARK_LENGTH
from kleanxmpp.model import Company, Credential, User
from tests.e2e.raw_client import RawClient, Refused, connect, local

T = TypeVar("T")

FIRMA = Company(id="c1", domain="firma.test", name="Firma")
ZWEI = Company(id="c2", domain="zwei.test", name="Zwei")
API_USER, API_PASSWORD = "klean-api@firma.test", "api-password"
SECRET = "component-secret"
QUICK = Patience(first_retry=0.05, longest_retry=0.5)


class CountingApi(EjabberdApi):
    """The real client, counting its commands."""

    def __init__(self, url: str, *, user: str, password: str) -> None:
        super().__init__(url, user=user, password=password)
        self.calls: Counter[str] = Counter()

    async def ask(self, command: str, read: Callable[[Json], T], **arguments: Json) -> T:
        self.calls[command] += 1
        return await super().ask(command, read, **arguments)


class LiveServer:
    """The running ejabberd with its directory; people are hired into the directory."""

    def __init__(self, server: PrivateServer, directory: SqlDirectory) -> None:
        self.private, self.directory = server, directory
        self.tls = ssl.create_default_context(cafile=str(server.ca_file))
        self._numbers = itertools.count(1)

    def name(self, kind: str) -> str:
        return f"{kind}{next(self._numbers)}"

    async def hire(self, kind: str, *, company: Company = FIRMA) -> str:
        username = self.name(kind)
        at = datetime.now(UTC)
        user = User(
            id=username,
            company_id=company.id,
            username=username,
            display_name=username,
            nickname=username,
            created_at=at,
        )
        credential = Credential(id=f"k-{username}", user_id=username, label="phone", created_at=at)
        async with self.directory.write(company.id) as transaction:
            await transaction.add_users([user])
            await transaction.add_credentials([(credential, hashlib.sha256(_secret(username)).hexdigest())])
        return username

    async def dismiss(self, username: str, *, company: Company = FIRMA) -> None:
        async with self.directory.write(company.id) as transaction:
            user = await transaction.user(company.id, username)
            assert user is not None
            await transaction.save_users([replace(user, active=False)])

    def settings(self) -> ComponentSettings:
        return ComponentSettings(
            domains=(FIRMA.domain, ZWEI.domain),
            component_port=self.private.component_port,
            component_secret=SECRET,
            api_url=self.private.api_url,
            api_user=API_USER,
            api_password=API_PASSWORD,
            patience=QUICK,
        )


@asynccontextmanager
async def live_server(folder: Path) -> AsyncIterator[LiveServer]:
    """Start a server with two companies."""
    database, extauth = f"sqlite:///{folder / 'directory.db'}", folder / "extauth.toml"
    await upgrade_database(database)
    digest = hashlib.sha256(API_PASSWORD.encode()).hexdigest()
    extauth.write_text(f'database = "{database}"\napi_user = "{API_USER}"\napi_password_sha256 = "{digest}"\n')
    config = ServerConfig(
        domains=(FIRMA.domain, ZWEI.domain),
        component_secret=SECRET,
        extauth_program=extauth_command(extauth),
        component_port=0,
        api_port=0,
    )
    root = os.environ.get("KLEANXMPP_TEST_EJABBERD_ROOT")  # an unpacked ejabberd instead of the installed one
    private = await prepare(folder, config, root=Path(root) if root else None)
    directory = SqlDirectory(database)
    try:
        async with directory.write() as transaction:
            for company in (FIRMA, ZWEI):
                await transaction.save_company(company)
        await private.start()
        yield LiveServer(private, directory)
    finally:
        await private.stop()
        await directory.close()


class EjabberdWorld:
    """One test's component and clients on the running server. The gates are there."""

    company, other = FIRMA, ZWEI

    def __init__(self, live: LiveServer, component: Component) -> None:
        self.live, self.component = live, component
        self.server, self.connection = component.server, component.connection
        self.name, self.hire = live.name, live.hire
        self._clients = AsyncExitStack()
        self._devices: dict[tuple[str, str], RawClient] = {}

    def rooms_domain(self, company: Company) -> str:
        return f"gruppen.{company.domain}"

    async def log_in(self, username: str, *, resource: str) -> None:
        self._devices[username, resource] = await self.client(username, resource=resource)

    async def lose(self, username: str, *, resource: str) -> None:
        device = self._devices[username, resource]
        await device.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
        await device.wait(lambda element: local(element) == "enabled")
        await device.close()

    def mark(self, username: str) -> str:
        return hashlib.sha256(_secret(username)).hexdigest()[:MARK_LENGTH]

    async def client(self, username: str, *, resource: str = "phone", company: Company = FIRMA) -> RawClient:
        """Log in and send presence."""
        client = await connect(self.live.private.c2s_port)
        self._clients.push_async_callback(client.close)
        secret, tls = _secret(username).decode(), self.live.tls
        try:
            await client.log_in(username, secret, domain=company.domain, resource=resource, tls=tls)
        except Refused as refusal:
            raise errors.Permanent(str(refusal)) from refusal
        await client.send("<presence/>")
        await client.settle()
        return client

    async def member(self, *, company: Company = FIRMA) -> str:
        """Hire somebody and open the gate for them."""
        username = await self.hire("person", company=company)
        await self.server.apply(company, changes.OpenGate(username=username))
        return username

    async def write_to(self, username: str, *, messages: int) -> None:
        colleague = await self.client(await self.member())
        for _ in range(messages):
            await colleague.send(f"<message type='chat' to='{username}@{FIRMA.domain}'><body>Hallo</body></message>")
        await colleague.settle()

    async def close(self) -> None:
        await self._clients.aclose()


@asynccontextmanager
async def ejabberd_world(live: LiveServer, *, handlers: tuple[Handler, ...] = ()) -> AsyncIterator[EjabberdWorld]:
    async with open_component(live.settings(), handlers=handlers) as component:
        world = EjabberdWorld(live, component)
        await component.connection.wait_ready()
        for company in (FIRMA, ZWEI):
            await world.server.apply(company, changes.SetSharedGroup(name=GATE, label="", displayed=False))
        try:
            yield world
        finally:
            await world.close()


def _secret(username: str) -> bytes:
    return f"secret of {username}".encode()
