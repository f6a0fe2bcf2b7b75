"""The login program on PostgreSQL: a role that sees two views, and a server that comes and goes."""

import asyncio
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from ejabberd.launcher import free_ports
from ejabberd.logins import Logins, LookupFailed, login_role_sql, open_logins
from tests.e2e.ejabberd.reachable import reachable_folder

DIGEST = hashlib.sha256(b"secret").hexdigest()
SCHEMA = f"""
CREATE TABLE people (domain text, username text, active boolean);
CREATE TABLE credentials (domain text, username text, secret_sha256 text);
CREATE VIEW may_log_in AS SELECT domain, username FROM people WHERE active;
CREATE VIEW logins AS SELECT domain, username, secret_sha256 FROM credentials JOIN may_log_in USING (domain, username);
INSERT INTO people VALUES ('firma.test', 'anna', true);
INSERT INTO credentials VALUES ('firma.test', 'anna', '{DIGEST}');
CREATE ROLE "login-role" LOGIN PASSWORD 'role-password';
"""


class Postgres:
    """A private PostgreSQL on loopback, run by an unprivileged user as it insists on."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self.folder, self.binaries, (self.port,) = folder, binaries, free_ports(1)
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []

    def run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self.binaries / program), "-D", str(self.folder / "data"), *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd="/")

    def create(self) -> None:
        if self._as:
            shutil.chown(self.folder, user="postgres")
        self.run("initdb", "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={self._password_file()}")

    def _password_file(self) -> Path:
        file = self.folder / "password"
        file.write_text("owner-password")
        return file

    def start(self) -> None:
        options = f"-p {self.port} -k '' -c listen_addresses=127.0.0.1 -c fsync=off"
        self.run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-w", "-m", "immediate", "stop")

    def address(self, role: str, password: str) -> str:
        return f"postgresql+asyncpg://{role}:{password}@127.0.0.1:{self.port}/postgres"

    async def execute(self, sql: str, *, role: str = "postgres", password: str = "owner-password") -> None:
        connection = await asyncpg.connect(self.address(role, password).replace("+asyncpg", ""))
        try:
            await connection.execute(sql)
        finally:
            await connection.close()


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not binaries:
        pytest.fail("PostgreSQL is not installed. Install the Debian package `postgresql` (./run test does it).")
    with reachable_folder() as folder:
        server = Postgres(folder, binaries[-1])
        server.create()
        server.start()
        asyncio.run(server.execute(SCHEMA + login_role_sql("login-role")))
        yield server
        server.stop()


@pytest.fixture
def logins(postgres: Postgres) -> Iterator[Logins]:
    made = open_logins(postgres.address("login-role", "role-password"))
    yield made
    made.close()


def test_it_answers_from_the_views(postgres: Postgres, logins: Logins) -> None:
    assert logins.accepts("firma.test", "anna", DIGEST)
    assert logins.may_log_in("firma.test", "anna")
    assert not logins.accepts("firma.test", "anna", "0" * 64)
    assert not logins.accepts("zwei.test", "anna", DIGEST)
    asyncio.run(postgres.execute("UPDATE people SET active = false"))
    assert not logins.accepts("firma.test", "anna", DIGEST)
    assert not logins.may_log_in("firma.test", "anna")
    asyncio.run(postgres.execute("UPDATE people SET active = true"))


@pytest.mark.parametrize(
    "statement",
    ["SELECT * FROM people", "SELECT * FROM credentials", "DELETE FROM logins", "UPDATE may_log_in SET username = 'x'"],
)
def test_the_role_sees_nothing_but_the_views(postgres: Postgres, statement: str) -> None:
    with pytest.raises(asyncpg.PostgresError):
        asyncio.run(postgres.execute(statement, role="login-role", password="role-password"))


def test_a_server_that_was_restarted_is_found_again(postgres: Postgres, logins: Logins) -> None:
    assert logins.may_log_in("firma.test", "anna")
    postgres.stop()
    with pytest.raises(LookupFailed):
        logins.may_log_in("firma.test", "anna")
    postgres.start()
    assert logins.may_log_in("firma.test", "anna")


def test_a_connection_that_died_unnoticed_is_replaced_within_the_question(postgres: Postgres, logins: Logins) -> None:
    assert logins.may_log_in("firma.test", "anna")
    postgres.stop()
    postgres.start()
    assert logins.may_log_in("firma.test", "anna")


def test_a_lock_does_not_hold_a_login_for_long(postgres: Postgres, logins: Logins) -> None:
    async def ask_while_locked() -> None:
        connection = await asyncpg.connect(postgres.address("postgres", "owner-password").replace("+asyncpg", ""))
        try:
            async with connection.transaction(), asyncio.timeout(8):
                await connection.execute("LOCK TABLE people IN ACCESS EXCLUSIVE MODE")
                await asyncio.to_thread(logins.may_log_in, "firma.test", "anna")
        finally:
            await connection.close()

    with pytest.raises(LookupFailed):
        asyncio.run(ask_while_locked())
    assert logins.may_log_in("firma.test", "anna")


def test_a_wrong_address_is_an_error_without_the_password(postgres: Postgres) -> None:
    logins = open_logins(postgres.address("login-role", "not-the-password"))
    with pytest.raises(LookupFailed) as caught:
        logins.may_log_in("firma.test", "anna")
    assert "not-the-password" not in str(caught.value)
    logins.close()
