"""The directory on PostgreSQL: the contract, the costs, and what is PostgreSQL's own (lost connections, NOTIFY)."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from kleanxmpp import errors
from kleanxmpp.db.directory import SqlDirectory
from tests.contracts.directory import DirectoryContract
from tests.contracts.directory_base import saved_company, saved_user
from tests.factories import a_company, a_mark, a_user
from tests.integration.db.costs import CostsContract
from tests.postgres import Cluster

KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'kleanxmpp' AND datname = '{}'"


@pytest.fixture
async def directory(postgres_url: str) -> AsyncIterator[SqlDirectory]:
    directory = SqlDirectory(postgres_url, poll=0.02)
    yield directory
    await directory.close()


class TestPostgresDirectory(DirectoryContract):
    @pytest.fixture
    async def directory(self, directory: SqlDirectory) -> SqlDirectory:
        return directory


class TestPostgresCosts(CostsContract):
    @pytest.fixture
    async def directory(self, directory: SqlDirectory) -> SqlDirectory:
        return directory


async def kill_connections(cluster: Cluster, url: str) -> None:
    await cluster.execute(KILL.format(url.rpartition("/")[2]))


async def test_a_lost_connection_is_unavailable_and_the_next_call_works(
    directory: SqlDirectory, postgres_url: str, postgres_cluster: Cluster
) -> None:
    company = await saved_company(directory, a_company())
    user = a_user(company)
    with pytest.raises(errors.DirectoryUnavailable):
        async with directory.write(company.id) as tx:
            await tx.add_users([user])
            await kill_connections(postgres_cluster, postgres_url)
            await tx.mark_due([a_mark(user)])
    async with directory.write(company.id) as tx:
        assert await tx.user(company.id, user.id) is None
        await tx.add_users([user])


async def test_a_connection_lost_before_the_commit_is_unavailable(
    directory: SqlDirectory, postgres_url: str, postgres_cluster: Cluster
) -> None:
    company = await saved_company(directory, a_company())
    with pytest.raises(errors.DirectoryUnavailable):
        async with directory.write(company.id) as tx:
            await tx.add_users([a_user(company)])
            await kill_connections(postgres_cluster, postgres_url)
    async with directory.read() as tx:
        assert await tx.access_levels(company.id) == {}


async def test_connections_lost_while_idle_are_replaced_unnoticed(
    directory: SqlDirectory, postgres_url: str, postgres_cluster: Cluster
) -> None:
    company = await saved_company(directory, a_company())
    await kill_connections(postgres_cluster, postgres_url)
    async with directory.read() as tx:
        assert await tx.company(company.id) == company


async def test_a_server_that_is_away_is_unavailable(postgres_cluster: Cluster) -> None:
    for url in ("postgresql://klean@127.0.0.1:1/nothing", postgres_cluster.url("not_there")):
        directory = SqlDirectory(url)
        with pytest.raises(errors.DirectoryUnavailable):
            await directory.check()
        await directory.wait_for_change(timeout=0.01)  # an unreachable database is no reason to stop waiting
        await directory.close()


async def test_waiting_too_long_for_the_company_is_unavailable(directory: SqlDirectory, postgres_url: str) -> None:
    company = await saved_company(directory, a_company())
    impatient = SqlDirectory(postgres_url, lock_timeout=0.1)
    async with directory.write(company.id):
        with pytest.raises(errors.DirectoryUnavailable, match="busy"):
            async with impatient.write(company.id):
                pass
        async with impatient.write("another company"):
            pass
    await impatient.close()


async def test_a_mark_by_another_process_wakes_also_after_a_lost_connection(
    directory: SqlDirectory, postgres_url: str, postgres_cluster: Cluster
) -> None:
    patient, other = SqlDirectory(postgres_url, poll=60), SqlDirectory(postgres_url)
    user = await saved_user(directory, await saved_company(directory, a_company()))

    async def mark() -> None:
        async with other.write() as tx:
            await tx.mark_due([a_mark(user)])

    await patient.wait_for_change(timeout=0)  # the first call connects and may return for nothing
    waiting = asyncio.create_task(patient.wait_for_change(timeout=60))
    await asyncio.sleep(0)
    await mark()
    await asyncio.wait_for(waiting, timeout=10)
    await kill_connections(postgres_cluster, postgres_url)
    await asyncio.wait_for(
        patient.wait_for_change(timeout=60), timeout=10
    )  # comes back: something may have been missed
    waiting = asyncio.create_task(patient.wait_for_change(timeout=60))
    await mark()
    await asyncio.wait_for(waiting, timeout=10)
    await patient.close()
    await other.close()


async def test_the_login_program_reads_two_views(directory: SqlDirectory, postgres_url: str) -> None:
    company = await saved_company(directory, a_company())
    user = await saved_user(directory, company)
    connection = await asyncpg.connect(postgres_url)
    try:
        assert [tuple(row) for row in await connection.fetch("SELECT * FROM may_log_in")] == [
            (company.domain, user.username)
        ]
        assert await connection.fetch("SELECT domain, username, secret_sha256 FROM logins") == []
    finally:
        await connection.close()
