"""A private ejabberd per version with a small directory of its own: two views in SQLite."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from ejabberd.api import EjabberdApi
from ejabberd.config import GATE_GROUP, ServerConfig
from ejabberd.launcher import PrivateServer, extauth_command, prepare
from tests.e2e.ejabberd.ejabberd_world import (
    API_PASSWORD,
    API_USER,
    COMPONENT_SECRET,
    DOMAIN,
    OTHER_DOMAIN,
    Directory,
    World,
)

ROOT = Path(__file__).resolve().parents[3]
BACKPORT = Path(os.environ.get("KLEANXMPP_TEST_EJABBERD_ROOT", ROOT / "var" / "ejabberd-24.12"))
VERSIONS = {"installed": None, "backport": BACKPORT}


@pytest.fixture(scope="session", params=VERSIONS)
def root(request: pytest.FixtureRequest) -> Path | None:
    """Where the ejabberd of this round lies; None: Debian installed it."""
    folder = VERSIONS[request.param]
    if folder is not None and not folder.exists():
        pytest.fail(f"get the newer ejabberd with: .venv/bin/python -m ejabberd.versions 24.12 {folder}")
    return folder


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running(
    root: Path | None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[PrivateServer, Directory]]:
    folder = tmp_path_factory.mktemp("ejabberd")
    directory = Directory(folder / "directory")
    config = ServerConfig(
        domains=(DOMAIN, OTHER_DOMAIN),
        component_secret=COMPONENT_SECRET,
        extauth_program=extauth_command(directory.config),
        component_port=0,
        api_port=0,
    )
    server = await prepare(folder, config, root=root)
    await server.start()
    try:
        yield server, directory
    finally:
        await server.stop()


@pytest_asyncio.fixture
async def world(running: tuple[PrivateServer, Directory]) -> AsyncIterator[World]:
    server, directory = running
    async with EjabberdApi(server.api_url, user=API_USER, password=API_PASSWORD) as api:
        for domain in (DOMAIN, OTHER_DOMAIN):
            await api.groups.create(GATE_GROUP, host=domain, label="")
        world = World(server, directory, api)
        try:
            yield world
        finally:
            await world.close()
