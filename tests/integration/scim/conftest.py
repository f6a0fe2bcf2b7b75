"""SCIM over HTTP, on both directories, with a guard that lets everybody by unless a test wants it otherwise."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from kleanxmpp import tokens
from kleanxmpp.guard import Limits
from kleanxmpp.ports import Directory
from kleanxmpp.testing_directory import MemoryDirectory
from tests.integration.admin_api.conftest import directory, migrated_file, store
from tests.integration.admin_api.desk import SETTINGS, Desk, opened
from tests.integration.scim.client import Scim
from tests.postgres import postgres_cluster

__all__ = ["directory", "migrated_file", "postgres_cluster", "store"]
ANYBODY = Limits(people=10_000, percent=100)


@pytest.fixture
async def desk(directory: Directory) -> AsyncIterator[Desk]:
    async with opened(directory, settings=replace(SETTINGS, limits=ANYBODY)) as found:
        yield found


@pytest.fixture
async def scim(desk: Desk) -> Scim:
    """An identity provider with its token."""
    return Scim(desk=desk, token=await desk.token_for(tokens.SCIM))


@pytest.fixture
async def quick_scim() -> AsyncIterator[Scim]:
    """An identity provider on a directory in memory only, for what does not depend on the directory."""
    async with opened(MemoryDirectory(), settings=replace(SETTINGS, limits=ANYBODY)) as desk:
        yield Scim(desk=desk, token=await desk.token_for(tokens.SCIM))
