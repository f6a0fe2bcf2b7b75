"""A PostgreSQL server of our own for tests: started once, thrown away at the end, one fresh database per test.

Import the fixtures in a conftest. As root the server runs as the user postgres (it refuses root).
"""

import asyncio
import itertools
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from kleanxmpp.db.migrate import upgrade_database

MISSING = "PostgreSQL is not installed. Install the Debian package `postgresql` (./run test does it)."
_OPTIONS = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=60 -c shared_buffers=32MB"
_TEMPLATE = "migrated"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A running server."""

    programs: Path
    folder: Path
    port: int

    def url(self, database: str) -> str:
        return f"postgresql://klean@127.0.0.1:{self.port}/{database}"

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the server's programs as the user that owns it."""
        become = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        command = [*become, str(self.programs / program), *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode:
            log = self.folder / "log"
            pytest.fail(f"{program} failed:\n{done.stderr}\n{log.read_text() if log.exists() else ''}", pytrace=False)

    def start(self) -> None:
        data, log = str(self.folder / "data"), str(self.folder / "log")
        if not (self.folder / "data").exists():
            self.run("initdb", "-D", data, "-A", "trust", "-U", "klean", "-E", "UTF8", "--no-locale", "-N")
        listen = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories={self.folder}"
        self.run("pg_ctl", "-D", data, "-l", log, "-w", "-o", f"{listen} {_OPTIONS}", "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", "immediate", "stop")

    async def execute(self, *statements: str) -> None:
        """Run statements as administrator, outside of transactions."""
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """Yield a server that holds one migrated template database."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="klean-postgres-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        cluster = Cluster(programs=programs, folder=folder, port=_free_port())
        cluster.start()
        try:
            asyncio.run(_make_template(cluster))
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder)


@pytest.fixture
async def postgres_url(postgres_cluster: Cluster) -> AsyncIterator[str]:
    """Yield the URL of a migrated database that nobody else uses."""
    database = f"test_{next(_numbers)}_{secrets.token_hex(4)}"
    await postgres_cluster.execute(f"CREATE DATABASE {database} TEMPLATE {_TEMPLATE}")
    yield postgres_cluster.url(database)
    await postgres_cluster.execute(f"DROP DATABASE {database} WITH (FORCE)")


@pytest.fixture
async def empty_postgres_url(postgres_cluster: Cluster) -> AsyncIterator[str]:
    """Yield the URL of a database without any table."""
    database = f"empty_{next(_numbers)}_{secrets.token_hex(4)}"
    await postgres_cluster.execute(f"CREATE DATABASE {database}")
    yield postgres_cluster.url(database)
    await postgres_cluster.execute(f"DROP DATABASE {database} WITH (FORCE)")


async def _make_template(cluster: Cluster) -> None:
    await cluster.execute(f"CREATE DATABASE {_TEMPLATE}")
    await upgrade_database(cluster.url(_TEMPLATE))


def _programs() -> Path:
    if found := shutil.which("pg_ctl"):
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: float(path.parent.parent.name))
    if not versions:
        pytest.fail(MISSING, pytrace=False)
    return versions[-1].parent


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
