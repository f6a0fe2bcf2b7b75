"""The two databases of these tests: a migrated SQLite file and a migrated PostgreSQL database, fresh for each test."""

import asyncio
import shutil
from pathlib import Path

import pytest

from kleanxmpp.db.migrate import upgrade_database
from tests.postgres import empty_postgres_url, postgres_cluster, postgres_url

__all__ = ["empty_postgres_url", "postgres_cluster", "postgres_url"]


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated database file to copy."""
    path = tmp_path_factory.mktemp("template") / "directory.db"
    asyncio.run(upgrade_database(f"sqlite:///{path}"))
    return path


@pytest.fixture
def sqlite_file(migrated_file: Path, tmp_path: Path) -> Path:
    """Return a migrated database file of the test's own."""
    return Path(shutil.copy(migrated_file, tmp_path / "directory.db"))
