"""Migrations: they make exactly the tables of `tables.py`, on both databases, and nothing else passes `check`."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import Connection

from kleanxmpp import chains, errors
from kleanxmpp.db import __main__ as command_line
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.db.engine import open_engines
from kleanxmpp.db.migrate import upgrade, upgrade_database
from kleanxmpp.db.migrations import REVISION
from kleanxmpp.db.tables import metadata
from kleanxmpp.desired import may_log_in
from kleanxmpp.model import Absence
from tests.contracts.directory_base import saved_company, saved_users
from tests.factories import a_company, a_credential, a_user


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/empty.db"
    url: str = request.getfixturevalue("empty_postgres_url")
    return url


@pytest.fixture
async def directory(empty_url: str) -> AsyncIterator[SqlDirectory]:
    directory = SqlDirectory(empty_url)
    yield directory
    await directory.close()


async def test_an_empty_database_is_not_migrated_and_not_made_by_asking(
    directory: SqlDirectory, tmp_path: Path
) -> None:
    with pytest.raises(errors.DirectoryUnavailable, match="db upgrade"):
        await directory.check()
    with pytest.raises(errors.DirectoryUnavailable, match="db upgrade"):
        async with directory.read() as tx:
            await tx.companies()
    assert not (tmp_path / "empty.db").exists()


async def test_upgrading_twice_and_at_once_is_harmless(directory: SqlDirectory, empty_url: str) -> None:
    await asyncio.gather(upgrade_database(empty_url), upgrade_database(empty_url))
    await upgrade(directory.engines.writing)
    await directory.check()


async def test_another_revision_does_not_pass(directory: SqlDirectory, empty_url: str) -> None:
    await upgrade_database(empty_url)
    async with directory.engines.writing.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(errors.DirectoryUnavailable, match="not migrated"):
        await directory.check()


async def test_the_migrations_make_the_tables_that_the_code_uses(directory: SqlDirectory, empty_url: str) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return compare_metadata(context, metadata)

    await upgrade_database(empty_url)
    async with directory.engines.reading.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_views_hold_exactly_who_may_log_in(directory: SqlDirectory, empty_url: str) -> None:
    await upgrade_database(empty_url)
    expected, people = set(), []
    flags = itertools.product([True, False], repeat=4)
    for (enabled, active, permitted, erasing), absence in itertools.product(flags, [None, *Absence]):
        company = await saved_company(directory, a_company(enabled=enabled))
        user = a_user(company, active=active, chat_permission=permitted, erasing=erasing, absence=absence)
        await saved_users(directory, user)
        people.append(user)
        if may_log_in(company, user):
            expected.add((company.domain, user.username))
    secrets = {user.username: a_credential(user) for user in people}
    async with directory.write() as tx:
        await tx.add_credentials(list(secrets.values()))
    async with directory.engines.reading.connect() as connection:
        chatting = (await connection.execute(text("SELECT domain, username FROM may_log_in"))).all()
        logins = (await connection.execute(text("SELECT domain, username, secret_sha256 FROM logins"))).all()
    assert {tuple(row) for row in chatting} == expected
    assert {tuple(row) for row in logins} == {(domain, name, secrets[name][1]) for domain, name in expected}


async def test_entries_from_before_the_chains_are_linked(directory: SqlDirectory, empty_url: str) -> None:
    before = open_engines(empty_url, lock_timeout=10, create=True)
    async with before.writing.begin() as connection:
        await connection.run_sync(_upgrade_to, "0002")
        await connection.execute(text(_OLD_ENTRIES))
    await before.close()
    await upgrade(directory.engines.writing)
    await directory.check()
    async with directory.write("c1") as tx:
        for company_id, length in ((None, 1), ("c1", 3)):
            found = await chains.verify(tx, company_id)
            assert (found.problems, found.entries, found.head.number) == ([], length, length)
        newest, *_ = await tx.page_audit("c1", before=None, limit=1)
        assert (newest.number, newest.details) == (3, {"put": {"ä": 1}})
        await tx.add_audit([replace(newest, action="after")])
        assert (await chains.verify(tx, "c1")).intact
        added, *_ = await tx.page_audit("c1", before=None, limit=1)
    assert added.id > newest.id


_OLD_ENTRIES = """INSERT INTO audit_log (company_id, at, actor, action, subject, reason, details) VALUES
    ('c1', '2026-01-05 08:00:00.000000+00:00', 'a', 'one', 's', NULL, '{}'),
    (NULL, '2026-01-05 08:00:00.120000+00:00', 'a', 'one', 's', NULL, '{}'),
    ('c1', '2026-01-05 08:00:00.000042+00:00', 'a', 'two', 's', 'Kündigung', '{"fields": ["name"], "until": null}'),
    ('c1', '2026-01-05 08:00:00.000043+00:00', 'a', 'three', 's', '', '{"put": {"ä": 1}}')"""


def _upgrade_to(connection: Connection, revision: str) -> None:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "kleanxmpp.db:migrations")
    command.upgrade(config, revision)


def test_the_newest_revision_is_the_one_that_check_wants() -> None:
    config = Config()
    config.set_main_option("script_location", "kleanxmpp.db:migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]


def test_the_command_line_upgrades(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["upgrade", f"sqlite:///{tmp_path}/new.db"]) == 0
    assert command_line.main(["upgrade", f"sqlite:///{tmp_path}/missing/new.db"]) == 1
    assert "database" in capsys.readouterr().err
