"""`EjabberdServer` passes the contract on a real ejabberd."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.contracts.server import ServerContract
from tests.e2e.component_world import EjabberdWorld, LiveServer, ejabberd_world, live_server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LiveServer]:
    async with live_server(tmp_path_factory.mktemp("contract")) as running:
        yield running


@pytest_asyncio.fixture
async def world(live: LiveServer) -> AsyncIterator[EjabberdWorld]:
    async with ejabberd_world(live) as made:
        yield made


@pytest.mark.e2e
class TestEjabberdServer(ServerContract):
    pass
