"""Rules of groups, who is in a circle by one, and who is excepted."""

from dataclasses import replace
from datetime import timedelta

import pytest

from kleanxmpp import errors, rule_text
from kleanxmpp.model import Company, Role
from kleanxmpp.ports import Directory, Member
from kleanxmpp.rule_ports import GroupException, Standing
from tests.contracts.directory_base import DirectoryBase, saved_company, saved_group, saved_user, saved_users
from tests.factories import AT, a_company, a_group, a_user

RULE = rule_text.parse('site = "Objekt 12" and not (role in ("Glas", "Büro \\"A\\"") or user.locale = "en")')
OTHER = rule_text.parse('department = "Pflege"')
FIXED, BY_RULE = Standing(role=Role.MEMBER, by_rule=False), Standing(role=Role.MEMBER, by_rule=True)


class RulesContract(DirectoryBase):
    async def test_a_groups_rule_comes_back_as_saved(self, directory: Directory, company: Company) -> None:
        group = a_group(company, rule=RULE)
        async with directory.write(company.id) as tx:
            await tx.add_groups([group])
        async with directory.read() as tx:
            assert await tx.group(company.id, group.id) == group
            assert await tx.page_groups(company.id, after=None, limit=9) == [group]

    async def test_the_rules_of_a_company_are_those_of_its_groups_now(
        self, directory: Directory, company: Company
    ) -> None:
        other = await saved_company(directory, a_company())
        await saved_group(directory, other, rule=RULE)
        await saved_group(directory, company)
        kept, changed, gone, deleted = [await saved_group(directory, company, rule=RULE) for _ in range(4)]
        async with directory.write(company.id) as tx:
            assert await tx.rules(company.id) == dict.fromkeys((kept.id, changed.id, gone.id, deleted.id), RULE)
            await tx.save_group(replace(changed, rule=OTHER))
            await tx.save_group(replace(gone, rule=None))
            await tx.save_group(replace(deleted, deleted=True))
            new = a_group(company, rule=OTHER)
            await tx.add_groups([new])
            expected = {kept.id: RULE, changed.id: OTHER, new.id: OTHER}
            assert await tx.rules(company.id) == expected
        async with directory.read() as tx:
            assert await tx.rules(company.id) == expected

    async def test_a_membership_knows_whether_it_is_by_rule(self, directory: Directory, company: Company) -> None:
        anna, bob, carl = await saved_users(directory, *(a_user(company, username=name) for name in ("a", "b", "c")))
        group, other = await saved_group(directory, company, anna), await saved_group(directory, company, carl)
        async with directory.write(company.id) as tx:
            await tx.put_members(group.id, {bob.id: Role.MEMBER, carl.id: Role.MEMBER}, by_rule=True)
        async with directory.read() as tx:
            everybody = {anna.id: FIXED, bob.id: BY_RULE, carl.id: BY_RULE}
            assert await tx.standings([group.id]) == {group.id: everybody}
            assert await tx.standings([group.id, other.id, "unknown"], [carl.id, "unknown"]) == {
                group.id: {carl.id: BY_RULE},
                other.id: {carl.id: FIXED},
            }
            assert await tx.standings([group.id], ["unknown"]) == await tx.standings([group.id], []) == {}
            assert (await tx.by_rule_count(group.id), await tx.by_rule_count(other.id)) == (2, 0)
            assert await tx.page_members(group.id, after=None, limit=2) == [
                Member(user=anna, role=Role.MEMBER),
                Member(user=bob, role=Role.MEMBER, by_rule=True),
            ]

    async def test_the_last_word_says_whether_a_membership_is_by_rule(
        self, directory: Directory, company: Company
    ) -> None:
        anna, bob = await saved_users(directory, a_user(company), a_user(company))
        group = await saved_group(directory, company, anna)
        async with directory.write(company.id) as tx:
            await tx.put_members(group.id, {bob.id: Role.MEMBER}, by_rule=True)
            await tx.put_members(group.id, {bob.id: Role.MODERATOR})
            await tx.put_members(group.id, {anna.id: Role.MEMBER}, by_rule=True)
            assert await tx.standings([group.id]) == {
                group.id: {anna.id: BY_RULE, bob.id: Standing(role=Role.MODERATOR, by_rule=False)}
            }
            await tx.remove_members(group.id, [anna.id])
            await tx.put_members(group.id, {anna.id: Role.MEMBER})
            assert (await tx.standings([group.id], [anna.id]))[group.id] == {anna.id: FIXED}

    async def test_exceptions_come_and_go_one_by_one(self, directory: Directory, company: Company) -> None:
        people = await saved_users(directory, *(a_user(company, username=name) for name in ("a", "b", "c")))
        anna, bob, carl = people
        group = await saved_group(directory, company, bob)
        async with directory.write(company.id) as tx:
            for user in (carl, bob, anna):
                assert await tx.add_exception(group.id, user.id, at=AT)
            assert not await tx.add_exception(group.id, anna.id, at=AT + timedelta(days=1))
            await tx.put_members(group.id, {carl.id: Role.MEMBER}, by_rule=True)
        async with directory.write(company.id) as tx:
            shown = [
                GroupException(user=anna, since=AT),
                GroupException(user=bob, since=AT, standing=FIXED),
                GroupException(user=carl, since=AT, standing=BY_RULE),
            ]
            assert await tx.page_exceptions(group.id, after=None, limit=2) == shown[:2]
            assert await tx.page_exceptions(group.id, after="b", limit=2) == shown[2:]
            assert await tx.exception(group.id, bob.id) == shown[1]
            assert await tx.excepted([group.id, "unknown"]) == {group.id: {anna.id, bob.id, carl.id}}
            assert await tx.excepted([group.id], [bob.id, "unknown"]) == {group.id: {bob.id}}
            assert await tx.remove_exception(group.id, bob.id)
            assert not await tx.remove_exception(group.id, bob.id)
            assert await tx.exception(group.id, bob.id) is None
            assert await tx.excepted([group.id], [bob.id]) == {}

    async def test_an_exception_stays_within_the_company_and_goes_with_the_person(
        self, directory: Directory, company: Company
    ) -> None:
        stranger = await saved_user(directory, await saved_company(directory, a_company()))
        anna = await saved_user(directory, company)
        group = await saved_group(directory, company)
        async with directory.write(company.id) as tx:
            for group_id, user_id in ((group.id, stranger.id), (group.id, "unknown"), ("unknown", anna.id)):
                with pytest.raises(errors.NotFound):
                    await tx.add_exception(group_id, user_id, at=AT)
            await tx.put_members(group.id, {anna.id: Role.MEMBER}, by_rule=True)
            await tx.add_exception(group.id, anna.id, at=AT)
            await tx.delete_user(company.id, anna.id)
            assert await tx.standings([group.id]) == await tx.excepted([group.id]) == {}
