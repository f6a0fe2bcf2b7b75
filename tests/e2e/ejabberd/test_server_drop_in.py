"""The file for an existing ejabberd, tried with Debian's own ejabberd.yml: our companies beside another host."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from ejabberd.api import EjabberdApi
from ejabberd.config import GATE_GROUP, ServerConfig, drop_in
from ejabberd.launcher import PrivateServer, extauth_command, free_ports, prepare
from tests.e2e.ejabberd.ejabberd_world import (
    API_PASSWORD,
    API_USER,
    COMPONENT_SECRET,
    DOMAIN,
    OTHER_DOMAIN,
    ROOMS,
    Directory,
    World,
)
from tests.e2e.ejabberd.xmpp_wire import Refusal, condition_of, mechanisms

pytestmark = pytest.mark.e2e

DEBIAN = Path("usr/share/doc/ejabberd/examples/ejabberd.yml")
OPERATORS_HOST = "localhost"


def operators_file(server: PrivateServer, root: Path | None) -> str:
    """Debian's file with other ports and certificates, and the inclusion; nothing else is changed."""
    text = ((root or Path("/")) / DEBIAN).read_text()
    used = dict.fromkeys(re.findall(r"port: (\d+)", text))
    ports = dict(zip(used, map(str, free_ports(len(used))), strict=True))
    ports |= {"5222": str(server.c2s_port), "5443": str(server.listeners.https_port)}
    text = re.sub(r"port: (\d+)", lambda found: f"port: {ports[found.group(1)]}", text)
    text = text.replace('ip: "::"', 'ip: "127.0.0.1"')
    text = text.replace("/etc/ejabberd/ejabberd.pem", server.listeners.certfiles[0])
    return f"{text}\ninclude_config_file:\n  - {server.files.folder}/kleanxmpp.yml\n"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared_server(
    root: Path | None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[PrivateServer, Directory]]:
    if not ((root or Path("/")) / DEBIAN).exists():
        pytest.skip("Debian's example configuration is not there")
    folder = tmp_path_factory.mktemp("shared")
    directory = Directory(folder / "directory")
    config = ServerConfig(
        domains=(DOMAIN, OTHER_DOMAIN),
        component_secret=COMPONENT_SECRET,
        extauth_program=extauth_command(directory.config),
        component_port=0,
        api_port=0,
    )
    server = await prepare(folder, config, root=root)
    (folder / "kleanxmpp.yml").write_text(drop_in(server.config))
    server.files.config.write_text(operators_file(server, root))
    await server.start()
    try:
        yield server, directory
    finally:
        await server.stop()


@pytest_asyncio.fixture
async def world(shared_server: tuple[PrivateServer, Directory]) -> AsyncIterator[World]:
    server, directory = shared_server
    async with EjabberdApi(server.api_url, user=API_USER, password=API_PASSWORD) as api:
        await api.groups.create(GATE_GROUP, host=DOMAIN, label="")
        world = World(server, directory, api)
        try:
            yield world
        finally:
            await world.close()


async def test_the_company_has_our_logins_and_the_other_host_keeps_its_own(world: World) -> None:
    _, ours = await world.connect()
    assert mechanisms(ours) == {"PLAIN"}
    _, theirs = await world.connect(domain=OPERATORS_HOST)
    assert "SCRAM-SHA-1" in mechanisms(theirs)
    websocket = await world.connect_websocket()
    assert mechanisms(await websocket.open_stream(DOMAIN)) == {"PLAIN"}


async def test_the_gate_closes_the_operators_listeners_for_the_company(world: World) -> None:
    username = await world.person(gate=False)
    for login in (world.login, world.login_websocket):
        with pytest.raises(Refusal, match="not-allowed"):
            await login(username)
    await world.api.groups.join([(username, GATE_GROUP)], host=DOMAIN)
    for login in (world.login, world.login_websocket):
        await login(username)


async def test_only_our_modules_are_active_on_the_company(world: World) -> None:
    client = await world.login(await world.person())
    answer = await client.iq("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", to=DOMAIN)
    features = {feature.get("var") for feature in answer.iter("{http://jabber.org/protocol/disco#info}feature")}
    assert not features & {"jabber:iq:register", "urn:xmpp:sic:0", "urn:xmpp:sic:1"}
    answer = await client.iq("get", "<query xmlns='http://jabber.org/protocol/disco#items'/>", to=DOMAIN)
    services = {item.get("jid") for item in answer.iter("{http://jabber.org/protocol/disco#items}item")}
    assert ROOMS in services
    assert f"conference.{DOMAIN}" not in services
    room = f"<presence to='own@{ROOMS}/me'><x xmlns='http://jabber.org/protocol/muc'/></presence>"
    await client.send(room)
    assert condition_of(await client.wait(lambda element: element.get("from") == f"own@{ROOMS}/me")) is not None


async def test_local_processes_without_credential_are_refused_everywhere(world: World) -> None:
    body = {"user": "anna", "host": DOMAIN}
    operators = f"https://localhost:{world.server.listeners.https_port}/api/kick_user"
    async with aiohttp.ClientSession() as session:
        for url in (f"{world.server.api_url}/kick_user", operators):
            async with session.post(url, json=body, ssl=world.tls) as response:
                assert response.status in (401, 403)


async def test_the_component_creates_rooms(world: World) -> None:
    component = await world.component()
    name = world.new_name("room")
    await world.api.rooms.create(name, service=ROOMS, host=DOMAIN, options={})
    answer = await component.iq(
        "get", "<query xmlns='http://jabber.org/protocol/muc#owner'/>", to=f"{name}@{ROOMS}", sender=component.jid
    )
    assert answer.get("type") == "result"
