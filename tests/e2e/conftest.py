"""Fixtures of the stories: real servers shared by the tests of a worker, and the staff's devices.

Everything runs in one event loop per worker (`loop_scope="session"`), because servers, the service's process and the
clients' process outlive a test.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.service import VERSIONS, Service, running_service
from tests.e2e.staff import Staff


class Pool:
    """One running service for each ejabberd version, started when a test first asks for it."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._services: dict[str, Service] = {}

    async def get(self, version: str) -> Service:
        if version not in self._services:
            starting = running_service(self._folder / version, version=version)
            self._services[version] = await self._stack.enter_async_context(starting)
        return self._services[version]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def services(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pool]:
    async with AsyncExitStack() as stack:
        yield Pool(tmp_path_factory.mktemp("services"), stack)


@pytest_asyncio.fixture(loop_scope="session", params=VERSIONS)
async def service(services: Pool, request: pytest.FixtureRequest) -> Service:
    """A running service that other tests use too: make your own people and groups."""
    return await services.get(request.param)


@pytest_asyncio.fixture(loop_scope="session", params=VERSIONS[:1])
async def own_service(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Service]:
    """A running service that nobody else uses: stop it, kill it, break it."""
    async with running_service(tmp_path, version=request.param) as service:
        yield service


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _staff(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Staff]:
    async with Staff(tmp_path_factory.mktemp("staff") / "clients.log") as staff:
        yield staff


@pytest_asyncio.fixture(loop_scope="session")
async def staff(_staff: Staff) -> AsyncIterator[Staff]:
    """Logs devices in; after the test all are logged out."""
    yield _staff
    await _staff.everybody_leaves()
