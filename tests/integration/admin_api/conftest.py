"""The API on the in-memory directory and on SQLite; on PostgreSQL where a test says `@EVERYWHERE`."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kleanxmpp.db.migrate import upgrade_database
from kleanxmpp.ports import Directory
from kleanxmpp.testing_directory import MemoryDirectory
from tests.integration.admin_api.desk import Desk, Store, opened
from tests.postgres import postgres_cluster

__all__ = ["postgres_cluster"]


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("template")
    asyncio.run(upgrade_database(f"sqlite:///{folder / 'migrated.sqlite'}"))
    whole = folder / "whole.sqlite"
    source, target = sqlite3.connect(folder / "migrated.sqlite"), sqlite3.connect(whole)
    source.backup(target)  # the file alone may lack what is still in its journal
    source.close()
    target.close()
    return whole


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, migrated_file: Path, tmp_path: Path) -> Store:
    """Where the directory of the test is kept. Not async, because starting PostgreSQL runs a loop of its own."""
    cluster = request.getfixturevalue("postgres_cluster") if request.param == "postgres" else None
    return Store(kind=request.param, template=migrated_file, folder=tmp_path, cluster=cluster)


@pytest.fixture
async def directory(store: Store) -> AsyncIterator[Directory]:
    async with store.opened() as found:
        yield found


@pytest.fixture
async def desk(directory: Directory) -> AsyncIterator[Desk]:
    async with opened(directory) as found:
        yield found


@pytest.fixture
async def quick_desk() -> AsyncIterator[Desk]:
    """A desk in memory only, for what does not depend on the directory."""
    async with opened(MemoryDirectory()) as found:
        yield found
