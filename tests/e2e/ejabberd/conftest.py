"""A private ejabberd per version with a small directory of its own: two views in SQLite."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from ejabberd.config import ServerConfig
from ejabberd.launcher import PrivateServer, extauth_command, free_ports, prepare
from tests.e2e.edits import NO_EDITS, Edits, edit
from tests.e2e.ejabberd.ejabberd_world import (
    COMPONENT_SECRET,
    DOMAIN,
    OTHER_DOMAIN,
    Directory,
    World,
    careless_edits,
    open_world,
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


@asynccontextmanager
async def _running(folder: Path, root: Path | None, edits: Edits) -> AsyncIterator[tuple[PrivateServer, Directory]]:
    directory = Directory(folder / "directory")
    config = ServerConfig(
        domains=(DOMAIN, OTHER_DOMAIN),
        component_secret=COMPONENT_SECRET,
        extauth_program=extauth_command(directory.config),
        component_port=0,
        api_port=0,
    )
    server = await prepare(folder, config, root=root)
    await edit(server, edits)
    await server.start()
    try:
        yield server, directory
    finally:
        await server.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running(
    root: Path | None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[PrivateServer, Directory]]:
    async with _running(tmp_path_factory.mktemp("ejabberd"), root, NO_EDITS) as found:
        yield found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def careless(
    root: Path | None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[PrivateServer, Directory]]:
    """A server whose operator opened what our configuration closes."""
    fast = {} if root is None else {"mod_disco: {}": ["mod_disco: {}", "mod_auth_fast: {}"]}
    async with _running(
        tmp_path_factory.mktemp("careless"), root, {**careless_edits(free_ports(1)[0]), **fast}
    ) as found:
        yield found


@pytest_asyncio.fixture
async def world(running: tuple[PrivateServer, Directory]) -> AsyncIterator[World]:
    async with open_world(*running) as made:
        yield made


@pytest_asyncio.fixture
async def careless_world(careless: tuple[PrivateServer, Directory]) -> AsyncIterator[World]:
    async with open_world(*careless) as made:
        yield made
