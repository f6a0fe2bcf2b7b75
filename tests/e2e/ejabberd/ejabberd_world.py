"""A small directory and everything a test needs to talk to a private server."""

import hashlib
import itertools
import re
import sqlite3
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ejabberd.api import EjabberdApi
from ejabberd.config import GATE_GROUP
from ejabberd.launcher import PrivateServer
from tests.e2e.edits import HOARDING, Edits
from tests.e2e.ejabberd.xmpp_wire import (
    Client,
    Element,
    TcpWire,
    WebsocketWire,
    Wire,
    authenticate,
    bind,
    component,
    mechanisms,
)

DOMAIN = "firma.test"
OTHER_DOMAIN = "zwei.test"
ROOMS = f"gruppen.{DOMAIN}"
COMPONENT = f"klean.{DOMAIN}"
API_USER = f"klean-api@{DOMAIN}"
API_PASSWORD = "api:password"
COMPONENT_SECRET = "component-secret"

PLAIN_HOST = "betreiber.test"
OUTSIDE = "draussen.example"
_MQTT_PORT = "MQTT-PORT"
CARELESS = {
    **HOARDING,
    # a host of the operator's own, without our module, and bridges to it and to the outside world
    f"- {OTHER_DOMAIN}": [f"- {OTHER_DOMAIN}", f"- {PLAIN_HOST}"],
    f"klean.{OTHER_DOMAIN}:": [
        *(line for host in (f"bot.{PLAIN_HOST}", OUTSIDE) for line in (f"{host}:", f"  password: {COMPONENT_SECRET}")),
        f"klean.{OTHER_DOMAIN}:",
    ],
    "listen:": [
        "modules:",
        "  mod_mqtt: {}",
        "listen:",
        f"  - port: {_MQTT_PORT}",
        '    ip: "127.0.0.1"',
        "    module: mod_mqtt",
    ],
    "check_from: true": ["check_from: false"],
    "s2s_access: none": ["s2s_access: all"],
    "- status": [*HOARDING["- status"], "- reload_config"],
}
"""What operators do, by lines of our configuration."""


def careless_edits(mqtt_port: int) -> Edits:
    """Return `CARELESS` with a port for MQTT."""
    return {line: [new.replace(_MQTT_PORT, str(mqtt_port)) for new in news] for line, news in CARELESS.items()}


def mqtt_port(server: PrivateServer) -> int:
    """Return the port that a careless server listens on for MQTT."""
    found = re.search(r"port: (\d+)\n.*\n *module: mod_mqtt", server.files.config.read_text())
    assert found is not None
    return int(found.group(1))


_numbers = itertools.count(1)


class Directory:
    """The directory as the login program sees it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "directory.db"
        self.config = folder / "extauth.toml"
        with sqlite3.connect(self.file) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(
                """
                CREATE TABLE people (domain TEXT, username TEXT, active INTEGER, PRIMARY KEY (domain, username));
                CREATE TABLE credentials (domain TEXT, username TEXT, secret_sha256 TEXT);
                CREATE VIEW may_log_in AS SELECT domain, username FROM people WHERE active;
                CREATE VIEW logins AS SELECT domain, username, secret_sha256
                    FROM credentials JOIN may_log_in USING (domain, username);
                """
            )
        connection.close()
        digest = hashlib.sha256(API_PASSWORD.encode()).hexdigest()
        self.config.write_text(
            f'database = "sqlite:///{self.file}"\napi_user = "{API_USER}"\napi_password_sha256 = "{digest}"\n'
        )

    def _write(self, statement: str, *values: object) -> None:
        with sqlite3.connect(self.file) as connection:
            connection.execute(statement, values)
        connection.close()

    def add(self, username: str, *, domain: str = DOMAIN) -> str:
        """Add a person and return a fresh credential."""
        credential = f"secret:of:{username}"
        self._write("INSERT OR REPLACE INTO people VALUES (?, ?, 1)", domain, username)
        digest = hashlib.sha256(credential.encode()).hexdigest()
        self._write("INSERT INTO credentials VALUES (?, ?, ?)", domain, username, digest)
        return credential

    def add_device(self, username: str, credential: str, *, domain: str = DOMAIN) -> None:
        """Give somebody one more credential."""
        digest = hashlib.sha256(credential.encode()).hexdigest()
        self._write("INSERT INTO credentials VALUES (?, ?, ?)", domain, username, digest)

    def deactivate(self, username: str, *, domain: str = DOMAIN) -> None:
        self._write("UPDATE people SET active = 0 WHERE domain = ? AND username = ?", domain, username)


class World:
    """A running server with everything a test needs to talk to it."""

    def __init__(self, server: PrivateServer, directory: Directory, api: EjabberdApi) -> None:
        self.server, self.directory, self.api = server, directory, api
        self.tls = ssl.create_default_context(cafile=str(server.ca_file))
        self._open: list[Client | Wire] = []

    def new_name(self, kind: str = "person") -> str:
        """A name that no other test has used on this server."""
        return f"{kind}{next(_numbers)}"

    async def person(self, *, domain: str = DOMAIN, gate: bool = True) -> str:
        """Add somebody who may chat (with both keys unless `gate` is off) and return the username."""
        username = self.new_name()
        self.directory.add(username, domain=domain)
        if gate:
            await self.api.groups.join([(username, GATE_GROUP)], host=domain)
        return username

    async def contacts(self, *usernames: str) -> str:
        """Put people into a new contact group and return its name."""
        group = self.new_name("klean-g-")
        await self.api.groups.create(group, host=DOMAIN, label="Team", display=[group])
        for username in usernames:
            await self.api.groups.join([(username, group)], host=DOMAIN)
        return group

    async def connect(self, *, domain: str = DOMAIN, sender: str = "") -> tuple[TcpWire, Element]:
        """Open an encrypted stream; return it with the features offered before login.

        Servers that know SASL2 offer it only to clients that say who they are (`sender`).
        """
        wire = await TcpWire.connect(self.server.c2s_port)
        self._open.append(wire)
        features = await wire.open_stream(domain)
        assert not mechanisms(features), "mechanisms are offered without TLS"
        await wire.start_tls(self.tls, domain)
        return wire, await wire.open_stream(domain, sender=sender)

    async def connect_websocket(self) -> WebsocketWire:
        """Open a websocket; the stream is still to be opened."""
        wire = await WebsocketWire.connect(self.server.websocket_url, self.tls)
        self._open.append(wire)
        return wire

    async def login(self, username: str, *, resource: str = "phone", domain: str = DOMAIN) -> Client:
        """Log in over TCP."""
        wire, _ = await self.connect(domain=domain)
        return await self._finish_login(wire, username, domain, resource)

    async def login_websocket(self, username: str, *, resource: str = "browser", domain: str = DOMAIN) -> Client:
        """Log in over the websocket."""
        wire = await self.connect_websocket()
        await wire.open_stream(domain)
        return await self._finish_login(wire, username, domain, resource)

    async def _finish_login(self, wire: Wire, username: str, domain: str, resource: str) -> Client:
        await authenticate(wire, username, f"secret:of:{username}")
        await wire.open_stream(domain)
        return Client(wire, await bind(wire, resource))

    async def component(self, domain: str = COMPONENT) -> Client:
        """Connect the component."""
        client = await component(self.server.component_port, domain, COMPONENT_SECRET)
        self._open.append(client)
        return client

    async def close(self) -> None:
        for client in self._open:
            await client.close()
        self._open.clear()


@asynccontextmanager
async def open_world(server: PrivateServer, directory: Directory) -> AsyncIterator[World]:
    """Open the API of a running server with both gates; disconnect everybody at the end."""
    async with EjabberdApi(server.api_url, user=API_USER, password=API_PASSWORD) as api:
        for domain in (DOMAIN, OTHER_DOMAIN):
            await api.groups.create(GATE_GROUP, host=domain, label="")
        world = World(server, directory, api)
        try:
            yield world
        finally:
            await world.close()
