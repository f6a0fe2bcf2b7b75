"""What several integration tests stand on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.db.migrate import upgrade_database
from kleanxmpp.ports import Directory
from kleanxmpp.testing_directory import MemoryDirectory


@pytest.fixture(params=["memory", "sqlite"])
async def directory(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Directory]:
    if request.param == "memory":
        yield MemoryDirectory()
        return
    url = f"sqlite:///{tmp_path}/directory.db"
    await upgrade_database(url)
    directory = SqlDirectory(url)
    yield directory
    await directory.close()
