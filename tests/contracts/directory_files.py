"""Rows of uploaded files."""

from dataclasses import replace
from datetime import timedelta

import pytest

from kleanxmpp import errors
from kleanxmpp.file_ports import File, FileState
from kleanxmpp.model import Company, User
from kleanxmpp.ports import Directory
from tests.contracts.directory_base import DirectoryBase, saved_company, saved_user
from tests.factories import AT, a_company, a_file

DAY = timedelta(days=1)


async def saved_file(directory: Directory, user: User, **facts: object) -> File:
    file, token = a_file(user, **facts)
    async with directory.write(user.company_id) as tx:
        await tx.add_file(file, token_sha256=token)
    return file


class FilesContract(DirectoryBase):
    async def test_a_company_says_what_may_be_uploaded(self, directory: Directory, company: Company) -> None:
        after = replace(
            company,
            upload_max_bytes=3 * 2**32,
            upload_daily_bytes=7 * 2**33,
            upload_types=("image/png", "text/plain"),
            file_retention_days=7,
        )
        async with directory.write(company.id) as tx:
            assert await tx.company(company.id) == company
            await tx.save_company(after)
            assert await tx.company(company.id) == after

    async def test_a_file_comes_back_as_saved_and_only_in_its_company(
        self, directory: Directory, company: Company
    ) -> None:
        user, elsewhere = await saved_user(directory, company), await saved_company(directory, a_company())
        file, token = a_file(user, name="Größe 🧹.pdf", size=5 * 2**32)
        async with directory.write(company.id) as tx:
            await tx.add_file(file, token_sha256=token)
            assert await tx.file(company.id, file.id) == file
            assert await tx.file(elsewhere.id, file.id) is None
            assert await tx.file_by_token(token) == file
            assert await tx.file_by_token("f" * 64) is None
            stored = replace(file, state=FileState.STORED, expires_at=AT + DAY)
            await tx.save_file(stored)
            await tx.save_file(replace(stored, company_id=elsewhere.id, name="fremd"))
            assert await tx.file_by_token(token) == stored

    async def test_a_token_is_given_once_and_a_file_needs_its_user(
        self, directory: Directory, company: Company
    ) -> None:
        user, elsewhere = await saved_user(directory, company), await saved_company(directory, a_company())
        _, token = a_file(user)
        async with directory.write(company.id) as tx:
            await tx.add_file(a_file(user)[0], token_sha256=token)
            with pytest.raises(errors.Conflict) as caught:
                await tx.add_file(a_file(user)[0], token_sha256=token)
            assert caught.value.field == "token"
            with pytest.raises(errors.NotFound):
                await tx.add_file(a_file(user, company_id=elsewhere.id)[0], token_sha256="0" * 64)

    async def test_stored_files_are_paged_newest_first(self, directory: Directory, company: Company) -> None:
        user, other = await saved_user(directory, company), await saved_user(directory, company)
        files = [await saved_file(directory, user, id=f"{n:032x}", state=FileState.STORED) for n in range(3)]
        await saved_file(directory, user)
        await saved_file(directory, user, state=FileState.ERASED)
        await saved_file(directory, other, state=FileState.STORED)
        async with directory.read() as tx:
            assert await tx.page_files(company.id, user.id, before=None, limit=2) == [files[2], files[1]]
            assert await tx.page_files(company.id, user.id, before=files[1].id, limit=2) == [files[0]]
            assert await tx.page_files("other", user.id, before=None, limit=2) == []

    async def test_what_was_granted_counts_from_a_moment_on(self, directory: Directory, company: Company) -> None:
        user, other = await saved_user(directory, company), await saved_user(directory, company)
        await saved_file(directory, user, size=3 * 2**32, created_at=AT, state=FileState.STORED)
        await saved_file(directory, user, size=20, created_at=AT)
        await saved_file(directory, user, size=100, created_at=AT - DAY)
        await saved_file(directory, other, size=1000, created_at=AT)
        async with directory.read() as tx:
            assert await tx.uploaded_since(user.id, since=AT) == 3 * 2**32 + 20
            assert await tx.uploaded_since(user.id, since=AT + DAY) == 0

    async def test_grants_are_revoked_and_files_stay(self, directory: Directory, company: Company) -> None:
        user, other = await saved_user(directory, company), await saved_user(directory, company)
        kept = await saved_file(directory, user, state=FileState.STORED)
        await saved_file(directory, user)
        theirs = await saved_file(directory, other)
        async with directory.write(company.id) as tx:
            assert await tx.revoke_grants([user.id, "nobody"]) == {user.id: 1}
            assert await tx.revoke_grants([user.id]) == {}
            assert await tx.revoke_grants([]) == {}
            assert await tx.file(company.id, kept.id) == kept
            assert await tx.file(company.id, theirs.id) == theirs

    async def test_all_files_of_a_person_are_erased_and_go_with_the_person(
        self, directory: Directory, company: Company
    ) -> None:
        user, other = await saved_user(directory, company), await saved_user(directory, company)
        mine = [await saved_file(directory, user, state=state) for state in FileState]
        theirs = await saved_file(directory, other, state=FileState.STORED)
        everything = [file.id for file in (*mine, theirs)]
        async with directory.write(company.id) as tx:
            assert sorted(await tx.erase_files_of(user.id)) == sorted(file.id for file in mine)
            assert [(await tx.file(company.id, file.id)).state for file in mine] == [FileState.ERASED] * 3
            assert await tx.known_files(everything) == set(everything)
            await tx.delete_user(company.id, user.id)
            assert await tx.known_files(everything) == {theirs.id}
            assert await tx.file(company.id, theirs.id) == theirs

    async def test_what_is_over_is_to_be_removed(self, directory: Directory, company: Company) -> None:
        user = await saved_user(directory, company)
        now = AT + DAY
        over = [
            await saved_file(directory, user, state=FileState.ERASED, expires_at=now + DAY),
            await saved_file(directory, user, state=FileState.STORED, expires_at=now),
            await saved_file(directory, user, created_at=AT),
        ]
        await saved_file(directory, user, state=FileState.STORED, expires_at=now + timedelta(seconds=1))
        await saved_file(directory, user, created_at=AT + timedelta(seconds=1), expires_at=AT)
        wanted = sorted(file.id for file in over)
        async with directory.write(company.id) as tx:
            assert await tx.files_to_remove(now=now, unused_since=AT, limit=9) == wanted
            assert await tx.files_to_remove(now=now, unused_since=AT, limit=2) == wanted[:2]
            await tx.delete_files(wanted)
            await tx.delete_files([])
            assert await tx.files_to_remove(now=now, unused_since=AT, limit=9) == []

    async def test_many_ids_can_be_asked_for(self, directory: Directory, company: Company) -> None:
        file = await saved_file(directory, await saved_user(directory, company))
        many = [f"{number:032x}" for number in range(12_000)]
        async with directory.read() as tx:
            assert await tx.known_files([*many, file.id]) == {file.id}
            assert await tx.known_files([]) == frozenset()
