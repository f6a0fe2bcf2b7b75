"""The fixtures of the directory's contract, and short ways to write and read one thing."""

from collections.abc import Sequence

import pytest

from kleanxmpp.model import Company, Group, Role, User
from kleanxmpp.ports import Directory
from tests.factories import a_company, a_group, a_user


class DirectoryBase:
    @pytest.fixture
    def directory(self) -> Directory:
        raise NotImplementedError("override this fixture")

    @pytest.fixture
    async def company(self, directory: Directory) -> Company:
        return await saved_company(directory, a_company())


async def saved_company(directory: Directory, company: Company) -> Company:
    async with directory.write(company.id) as tx:
        await tx.save_company(company)
    return company


async def saved_users(directory: Directory, *users: User) -> Sequence[User]:
    async with directory.write(users[0].company_id) as tx:
        await tx.add_users(users)
    return users


async def saved_user(directory: Directory, company: Company, **facts: object) -> User:
    user = a_user(company, **facts)
    await saved_users(directory, user)
    return user


async def saved_group(directory: Directory, company: Company, *members: User, **facts: object) -> Group:
    group = a_group(company, **facts)
    async with directory.write(company.id) as tx:
        await tx.add_groups([group])
        await tx.put_members(group.id, {user.id: Role.MEMBER for user in members})
    return group
