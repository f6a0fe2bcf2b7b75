"""What several integration tests stand on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.ports import Directory
from kleanxmpp.testing_directory import MemoryDirectory
from tests.sqlite import migrated_database


@pytest.fixture(params=["memory", "sqlite"])
async def directory(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Directory]:
    if request.param == "memory":
        yield MemoryDirectory()
        return
    directory = SqlDirectory(await migrated_database(tmp_path / "directory.db"))
    yield directory
    await directory.close()
