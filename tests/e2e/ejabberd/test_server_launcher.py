"""A private server's life: started, restarted, killed, left behind; and what survives."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from ejabberd.api import EjabberdApi
from ejabberd.config import GATE_GROUP, ServerConfig
from ejabberd.launcher import PrivateServer, extauth_command, free_ports, prepare
from kleanxmpp.errors import Temporary
from tests.e2e.ejabberd.ejabberd_world import (
    API_PASSWORD,
    API_USER,
    COMPONENT_SECRET,
    DOMAIN,
    ROOMS,
    Directory,
    World,
)
from tests.e2e.ejabberd.xmpp_wire import Closed, Refusal

pytestmark = pytest.mark.e2e

ROOT = str(Path(__file__).resolve().parents[3])
ORPHAN = """
import asyncio, pathlib, sys
from ejabberd.config import ServerConfig
from ejabberd.launcher import prepare

async def main():
    config = ServerConfig(
        domains=("a.test",), component_secret="s", extauth_program="cat", component_port=0, api_port=0
    )
    server = await prepare(pathlib.Path(sys.argv[1]), config)
    await server.start()
    print("ready", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def a_config(directory: Directory) -> ServerConfig:
    return ServerConfig(
        domains=(DOMAIN,),
        component_secret=COMPONENT_SECRET,
        extauth_program=extauth_command(directory.config),
        component_port=0,
        api_port=0,
    )


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    return Directory(tmp_path / "directory")


@pytest_asyncio.fixture
async def server(tmp_path: Path, directory: Directory, root: Path | None) -> AsyncIterator[PrivateServer]:
    made = await prepare(tmp_path / "server", a_config(directory), root=root)
    yield made
    await made.kill()


@pytest_asyncio.fixture
async def world(server: PrivateServer, directory: Directory) -> AsyncIterator[World]:
    async with EjabberdApi(server.api_url, user=API_USER, password=API_PASSWORD) as api:
        world = World(server, directory, api)
        yield world
        await world.close()


async def a_room_with_anna(api: EjabberdApi) -> str:
    await api.rooms.create("room", service=ROOMS, host=DOMAIN, options={"title": "Räume"})
    await api.rooms.set_affiliation("room", service=ROOMS, jid=f"anna@{DOMAIN}", affiliation="member")
    await api.groups.create(GATE_GROUP, host=DOMAIN, label="")
    await api.groups.join([("anna", GATE_GROUP)], host=DOMAIN)
    return f"room@{ROOMS}"


async def test_a_restart_keeps_rooms_and_groups(server: PrivateServer, world: World) -> None:
    await server.start()
    await a_room_with_anna(world.api)
    await server.restart()
    assert await world.api.rooms.affiliations_of(f"anna@{DOMAIN}", service=ROOMS, rooms=["room"]) == {"room": "member"}
    assert await world.api.groups.of_user("anna", host=DOMAIN) == {GATE_GROUP}


async def test_rooms_that_are_asleep_are_found(server: PrivateServer, world: World) -> None:
    await server.start()
    room = await a_room_with_anna(world.api)
    await server.stop()
    with pytest.raises(Temporary):
        await world.api.status()
    text = server.files.config.read_text()
    server.files.config.write_text(text.replace("preload_rooms: true", "preload_rooms: false"))
    await server.start()
    assert await world.api.call("muc_online_rooms", service=ROOMS) == []
    assert await world.api.rooms.all(service=ROOMS) == {room}
    assert await world.api.rooms.affiliations_of(f"anna@{DOMAIN}", service=ROOMS, rooms=["room"]) == {"room": "member"}


async def test_without_the_gate_group_nobody_comes_in(server: PrivateServer, world: World) -> None:
    """23.01 ends the connection instead of answering; closed it is."""
    await server.start()
    world.directory.add("anna")
    for login in (world.login, world.login_websocket):
        with pytest.raises((Refusal, Closed, ConnectionError)):
            await login("anna")
    assert await world.api.sessions.connected(host=DOMAIN) == ()


async def test_a_login_program_that_is_killed_comes_back(server: PrivateServer, world: World) -> None:
    await server.start()
    world.directory.add("anna")
    await a_room_with_anna(world.api)
    await (await world.login("anna")).close()
    for process in processes_with(str(world.directory.config)):
        os.kill(process, signal.SIGKILL)

    async def comes_in() -> bool:
        try:
            await world.login("anna", resource="again")
        except (Refusal, Closed):
            return False
        return True

    async with asyncio.timeout(20):
        while not await comes_in():
            pass


async def test_a_killed_server_leaves_no_processes(server: PrivateServer) -> None:
    await server.start()
    await server.kill()
    assert not server.running
    await wait_until_gone(str(server.files.folder.parent))


async def test_the_server_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """Also when that one is killed and cannot clean up."""
    folder = tmp_path / "orphan"
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ORPHAN, str(folder), stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": ROOT}
    )
    assert parent.stdout is not None
    assert await parent.stdout.readline() == b"ready\n"
    assert processes_with(str(folder))
    parent.kill()
    await parent.wait()
    await wait_until_gone(str(folder))


async def test_a_server_that_cannot_start_says_why(server: PrivateServer) -> None:
    server.files.config.write_text(server.files.config.read_text() + "\nnonsense: true\n")
    with pytest.raises(RuntimeError, match="nonsense"):
        await server.start()
    assert not server.running


async def test_preparing_again_keeps_the_certificate(
    server: PrivateServer, directory: Directory, root: Path | None
) -> None:
    before = server.ca_file.read_bytes()
    again = await prepare(server.files.folder, a_config(directory), root=root)
    assert again.ca_file.read_bytes() == before


def test_free_ports_are_different_and_within_the_range() -> None:
    assert len(set(free_ports(20))) == 20
    assert set(free_ports(3, within=range(20900, 20950))) <= set(range(20900, 20950))
    with pytest.raises(OSError, match="free ports"):
        free_ports(3, within=range(20900, 20902))


def processes_with(text: str) -> list[int]:
    """Processes with this text in their command line, without ours."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            line = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if text.encode() in line:
            found.append(int(folder.name))
    return found


async def wait_until_gone(text: str) -> None:
    async with asyncio.timeout(30):
        while processes_with(text):
            await asyncio.sleep(0.02)
