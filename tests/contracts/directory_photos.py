"""Photos of people: one each, apart from the person, and gone with them."""

from dataclasses import replace

import pytest

from kleanxmpp import errors
from kleanxmpp.model import Company
from kleanxmpp.ports import Directory
from tests.contracts.directory_base import DirectoryBase, saved_company, saved_user
from tests.factories import a_company
from tests.photos import a_photo


class PhotosContract(DirectoryBase):
    async def test_a_photo_comes_back_as_saved_is_replaced_and_removed(
        self, directory: Directory, company: Company
    ) -> None:
        anna, ben = await saved_user(directory, company), await saved_user(directory, company)
        first, second = a_photo(10), a_photo(200)
        async with directory.write(company.id) as tx:
            assert await tx.photo(company.id, anna.id) is None
            await tx.save_photo(company.id, anna.id, first)
            await tx.save_photo(company.id, ben.id, first)
            assert await tx.photo(company.id, anna.id) == first
            await tx.save_photo(company.id, anna.id, second)
        async with directory.write(company.id) as tx:
            assert await tx.photo(company.id, anna.id) == second
            await tx.delete_photo(company.id, anna.id)
            await tx.delete_photo(company.id, anna.id)
            assert await tx.photo(company.id, anna.id) is None
            assert await tx.photo(company.id, ben.id) == first

    async def test_a_photo_stays_inside_its_company(self, directory: Directory, company: Company) -> None:
        anna, elsewhere = await saved_user(directory, company), await saved_company(directory, a_company())
        photo = a_photo()
        async with directory.write(company.id) as tx:
            await tx.save_photo(company.id, anna.id, photo)
            with pytest.raises(errors.NotFound):
                await tx.save_photo(elsewhere.id, anna.id, a_photo(200))
            with pytest.raises(errors.NotFound):
                await tx.save_photo(company.id, "nobody", photo)
            await tx.delete_photo(elsewhere.id, anna.id)
            assert await tx.photo(elsewhere.id, anna.id) is None
            assert await tx.photo(company.id, anna.id) == photo

    async def test_a_photo_goes_with_the_person_and_its_hash_is_known_without_it(
        self, directory: Directory, company: Company
    ) -> None:
        anna, photo = await saved_user(directory, company), a_photo()
        async with directory.write(company.id) as tx:
            await tx.save_photo(company.id, anna.id, photo)
            await tx.save_users([replace(anna, photo_sha1=photo.sha1)])
        async with directory.write(company.id) as tx:
            found = await tx.user(company.id, anna.id)
            assert found is not None and found.photo_sha1 == photo.sha1
            await tx.delete_user(company.id, anna.id)
            assert await tx.photo(company.id, anna.id) is None
