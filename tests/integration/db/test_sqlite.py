"""The directory on SQLite: the contract, the costs, and what is SQLite's own (files, locks, two processes)."""

import asyncio
import os
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from kleanxmpp import errors
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.db.migrate import upgrade_database
from tests.contracts.directory import DirectoryContract
from tests.contracts.directory_base import saved_company, saved_user
from tests.factories import a_company, a_mark, a_user
from tests.integration.db.costs import CostsContract


@pytest.fixture
async def directory(sqlite_file: Path) -> AsyncIterator[SqlDirectory]:
    directory = SqlDirectory(f"sqlite:///{sqlite_file}", poll=0.02)
    yield directory
    await directory.close()


class TestSqliteDirectory(DirectoryContract):
    @pytest.fixture
    async def directory(self, directory: SqlDirectory) -> SqlDirectory:
        return directory


class TestSqliteCosts(CostsContract):
    @pytest.fixture
    async def directory(self, directory: SqlDirectory) -> SqlDirectory:
        return directory


async def test_a_locked_database_is_unavailable_and_nothing_is_half_done(sqlite_file: Path) -> None:
    impatient = SqlDirectory(f"sqlite:///{sqlite_file}", lock_timeout=0.1)
    company = await saved_company(impatient, a_company())
    user = a_user(company)
    with closing(sqlite3.connect(sqlite_file, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(errors.DirectoryUnavailable, match="busy"):
            async with impatient.write(company.id) as tx:
                await tx.add_users([user])
        async with impatient.read() as tx:
            assert await tx.company(company.id) == company
        holder.execute("ROLLBACK")
    async with impatient.write(company.id) as tx:
        assert await tx.user(company.id, user.id) is None
        await tx.add_users([user])
    await impatient.close()


async def test_waiting_for_a_long_writer_in_the_same_process_ends(sqlite_file: Path) -> None:
    impatient = SqlDirectory(f"sqlite:///{sqlite_file}", lock_timeout=0.1)
    async with impatient.write() as tx:
        await tx.save_company(a_company())
        with pytest.raises(errors.DirectoryUnavailable, match="busy"):
            async with impatient.write():
                pass
    await impatient.close()


async def test_cancelled_writers_leave_no_lock_behind(sqlite_file: Path) -> None:
    directory = SqlDirectory(f"sqlite:///{sqlite_file}", lock_timeout=0.5)
    company = await saved_company(directory, a_company())

    async def write() -> None:
        async with directory.write(company.id) as tx:
            user = a_user(company)
            await tx.add_users([user])
            await tx.page_people(company.id, after=None, limit=99)

    outcomes: list[BaseException | None] = []  # kept: with them the cursors of who was cancelled
    for step in range(60):
        tasks = [asyncio.create_task(write()) for _ in range(3)]
        await asyncio.sleep(step * 0.0003)
        for task in tasks:
            task.cancel()
        outcomes += await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {asyncio.CancelledError, type(None)}
    await write()
    await directory.close()


async def test_a_mark_by_another_process_wakes(directory: SqlDirectory, sqlite_file: Path) -> None:
    other = SqlDirectory(f"sqlite:///{sqlite_file}")
    user = await saved_user(directory, await saved_company(directory, a_company()))
    await directory.wait_for_change(timeout=0)
    waiting = asyncio.create_task(directory.wait_for_change(timeout=60))
    async with other.write() as tx:
        await tx.mark_due([a_mark(user)])
    await asyncio.wait_for(waiting, timeout=10)
    await other.close()


async def test_the_file_is_readable_for_the_group_and_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    before = os.umask(0o077)
    try:
        await upgrade_database(f"sqlite:///{path}")
        directory = SqlDirectory(f"sqlite:///{path}")
        await saved_company(directory, a_company())
        modes = {name: stat.S_IMODE(os.stat(tmp_path / name).st_mode) for name in os.listdir(tmp_path)}
        await directory.close()
    finally:
        os.umask(before)
    assert modes == {"new.db": 0o640, "new.db-wal": 0o640, "new.db-shm": 0o640}


async def test_the_login_program_reads_while_we_write(directory: SqlDirectory, sqlite_file: Path) -> None:
    company = await saved_company(directory, a_company())
    user = await saved_user(directory, company)
    with closing(sqlite3.connect(f"file:{sqlite_file}?mode=ro", uri=True)) as reader:
        async with directory.write(company.id) as tx:
            await tx.delete_user(company.id, user.id)
            assert reader.execute("SELECT * FROM may_log_in").fetchall() == [(company.domain, user.username)]
        assert reader.execute("SELECT * FROM may_log_in").fetchall() == []


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y"])
def test_what_cannot_be_shared_is_refused(url: str) -> None:
    with pytest.raises(errors.Invalid) as caught:
        SqlDirectory(url)
    assert caught.value.field == "url"


async def test_a_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    directory = SqlDirectory(f"sqlite:///{tmp_path}/missing/directory.db")
    with pytest.raises(errors.DirectoryUnavailable):
        await directory.check()
    await directory.close()
