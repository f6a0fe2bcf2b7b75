"""Transactions: all or nothing, one after another within a company, and waking who waits."""

import asyncio
import time
from dataclasses import replace

import pytest

from kleanxmpp import errors
from kleanxmpp.model import Company
from kleanxmpp.ports import Directory
from tests.contracts.directory_base import DirectoryBase, saved_company, saved_user
from tests.factories import AT, a_company, a_group, a_mark, a_user


class TransactionsContract(DirectoryBase):
    async def test_a_write_that_raises_leaves_nothing(self, directory: Directory, company: Company) -> None:
        user = a_user(company)
        with pytest.raises(RuntimeError, match="on purpose"):
            async with directory.write(company.id) as tx:
                await tx.add_users([user])
                await tx.mark_due([a_mark(user)])
                await tx.save_company(replace(company, name="Anders"))
                raise RuntimeError("on purpose")
        async with directory.read() as tx:
            assert await tx.user(company.id, user.id) is None
            assert await tx.taken_usernames(company.id, [user.username]) == frozenset()
            assert await tx.company(company.id) == company
            assert await tx.next_attempt_at() is None

    async def test_a_write_that_is_cancelled_leaves_nothing(self, directory: Directory, company: Company) -> None:
        user, written = a_user(company), asyncio.Event()

        async def write_for_ever() -> None:
            async with directory.write(company.id) as tx:
                await tx.add_users([user])
                written.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(write_for_ever())
        await written.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with directory.write(company.id) as tx:
            assert await tx.user(company.id, user.id) is None

    async def test_nothing_can_be_written_in_a_read(self, directory: Directory, company: Company) -> None:
        user = a_user(company)
        with pytest.raises(errors.DirectoryUnavailable):
            async with directory.read() as tx:
                await tx.add_users([user])
        async with directory.read() as tx:
            assert await tx.user(company.id, user.id) is None

    async def test_a_read_sees_one_moment(self, directory: Directory, company: Company) -> None:
        async with directory.read() as tx:
            before = await tx.companies()
            await saved_company(directory, a_company())
            assert await tx.companies() == before
        async with directory.read() as tx:
            assert len(await tx.companies()) == len(before) + 1

    async def test_a_write_sees_what_it_wrote(self, directory: Directory, company: Company) -> None:
        async with directory.write(company.id) as tx:
            user = a_user(company)
            await tx.add_users([user])
            assert await tx.user(company.id, user.id) == user

    async def test_writes_of_one_company_lose_no_update(self, directory: Directory, company: Company) -> None:
        user = await saved_user(directory, company, version=0)

        async def count_up() -> None:
            for _ in range(20):
                async with directory.write(company.id) as tx:
                    found = await tx.user(company.id, user.id)
                    assert found is not None
                    await asyncio.sleep(0)
                    await tx.save_users([replace(found, version=found.version + 1)])

        await asyncio.gather(*(count_up() for _ in range(5)))
        async with directory.read() as tx:
            found = await tx.user(company.id, user.id)
        assert found is not None
        assert found.version == 100

    async def test_a_conflict_leaves_the_transaction_usable_and_unchanged(
        self, directory: Directory, company: Company
    ) -> None:
        first, fresh = await saved_user(directory, company), a_user(company)
        async with directory.write(company.id) as tx:
            with pytest.raises(errors.Conflict):
                await tx.add_users([fresh, a_user(company, username=first.username)])
            assert await tx.taken_usernames(company.id, [fresh.username]) == frozenset()
            await tx.add_users([fresh])
        async with directory.read() as tx:
            assert await tx.user(company.id, fresh.id) == fresh

    async def test_conflicts_do_not_tell_the_values(self, directory: Directory, company: Company) -> None:
        await saved_user(directory, company, username="erika.geheim")
        with pytest.raises(errors.Conflict) as caught:
            await saved_user(directory, company, username="erika.geheim")
        cause = caught.value.__cause__
        assert "geheim" not in f"{caught.value} {cause}"
        assert cause is not None or caught.value.__suppress_context__ or caught.value.__context__ is None

    async def test_text_that_cannot_be_stored_finds_nothing(self, directory: Directory, company: Company) -> None:
        for odd in ("nul\0", "half \ud800"):
            try:
                async with directory.read() as tx:
                    assert await tx.user(company.id, odd) is None
                    assert await tx.users_by_external_id(company.id, [odd]) == {}
            except errors.Invalid:
                pass  # a database may refuse to look for it at all

    async def test_a_company_is_replaced_and_found_by_domain(self, directory: Directory, company: Company) -> None:
        disabled = replace(company, enabled=False, name="Anders", contacts_max=3)
        await saved_company(directory, disabled)
        async with directory.read() as tx:
            assert await tx.company(company.id) == disabled
            assert await tx.company_by_domain(company.domain) == disabled
            assert await tx.company_by_domain("unknown.test") is None
            assert await tx.company("unknown") is None

    async def test_two_companies_cannot_have_one_domain(self, directory: Directory, company: Company) -> None:
        with pytest.raises(errors.Conflict) as caught:
            await saved_company(directory, a_company(domain=company.domain))
        assert caught.value.field == "domain"

    async def test_people_and_groups_need_their_company(self, directory: Directory) -> None:
        async with directory.write() as tx:
            with pytest.raises(errors.NotFound):
                await tx.add_users([a_user(a_company())])
            with pytest.raises(errors.NotFound):
                await tx.add_groups([a_group(a_company())])

    async def test_a_mark_wakes_who_waits(self, directory: Directory, company: Company) -> None:
        user = await saved_user(directory, company)
        await directory.wait_for_change(timeout=0)
        waiting = asyncio.create_task(directory.wait_for_change(timeout=60))
        async with directory.write(company.id) as tx:
            await tx.mark_due([a_mark(user)])
        await asyncio.wait_for(waiting, timeout=10)

    async def test_a_mark_before_the_wait_wakes_too(self, directory: Directory, company: Company) -> None:
        user = await saved_user(directory, company)
        async with directory.write(company.id) as tx:
            await tx.mark_due([replace(a_mark(user), next_attempt_at=AT)])
        await asyncio.wait_for(directory.wait_for_change(timeout=60), timeout=10)

    async def test_waiting_ends_when_nothing_happens(self, directory: Directory) -> None:
        await directory.wait_for_change(timeout=0.01)
        begun = time.monotonic()
        await directory.wait_for_change(timeout=0.05)
        assert time.monotonic() - begun >= 0.04

    async def test_check_is_content(self, directory: Directory) -> None:
        await directory.check()
