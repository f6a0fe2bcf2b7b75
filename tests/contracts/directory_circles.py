"""Groups, circles, departures, and what the loop reads of them."""

from dataclasses import replace

import pytest

from kleanxmpp import errors
from kleanxmpp.desired import Circle, GroupCircle, Person
from kleanxmpp.model import Absence, Company, GroupKind, Role
from kleanxmpp.ports import Directory, Member
from tests.contracts.directory_base import DirectoryBase, saved_company, saved_group, saved_user, saved_users
from tests.factories import AT, a_company, a_group, a_user


class CirclesContract(DirectoryBase):
    async def test_a_group_comes_back_as_saved(self, directory: Directory, company: Company) -> None:
        group = a_group(company, description="Früh\nund spät", kind=GroupKind.ANNOUNCEMENT, version=3, circle_version=4)
        async with directory.write(company.id) as tx:
            await tx.add_groups([group])
        async with directory.read() as tx:
            assert await tx.group(company.id, group.id) == group
            assert await tx.group_by_slug(company.id, group.slug) == group
            assert await tx.groups_by_name(company.id, [group.name, "unknown"]) == {group.name: group}

    async def test_a_deleted_group_is_a_tombstone(self, directory: Directory, company: Company) -> None:
        user = await saved_user(directory, company)
        group = await saved_group(directory, company, user)
        tombstone = replace(group, deleted=True)
        async with directory.write(company.id) as tx:
            await tx.save_group(tombstone)
        async with directory.read() as tx:
            assert await tx.group(company.id, group.id) == tombstone
            assert await tx.group_by_slug(company.id, group.slug) == tombstone
            assert await tx.page_groups(company.id, after=None, limit=9) == []
            assert await tx.groups_by_name(company.id, [group.name]) == {}
            assert await tx.taken_slugs(company.id, [group.slug, "free"]) == {group.slug}
            assert await tx.memberships_of(user.id) == []
            assert await tx.person(company.id, user.id) == Person(company=company, user=user)

    async def test_an_archived_group_keeps_its_circle_and_its_name_and_is_paged_apart(
        self, directory: Directory, company: Company
    ) -> None:
        user = await saved_user(directory, company)
        group, other = await saved_group(directory, company, user), await saved_group(directory, company)
        archived = replace(group, archived_at=AT, version=2)
        async with directory.write(company.id) as tx:
            await tx.put_members(group.id, {user.id: Role.MODERATOR})
            await tx.save_group(archived)
            assert await tx.group(company.id, group.id) == archived
        both = sorted([archived, other], key=lambda one: one.slug)
        async with directory.read() as tx:
            for asked, expected in ((None, both), (True, [archived]), (False, [other])):
                assert await tx.page_groups(company.id, after=None, limit=9, archived=asked) == expected
            assert await tx.page_groups(company.id, after=archived.slug, limit=9, archived=True) == []
            assert await tx.groups_by_name(company.id, [group.name]) == {group.name: archived}
            assert await tx.memberships_of(user.id) == [(archived, Role.MODERATOR)]
            assert await tx.moderated_by(company.id, [user.id]) == {user.id: [archived]}
            circle = await tx.group_circle(company.id, group.id)
            assert circle is not None and circle.group == archived and circle.members == {user.username: Role.MODERATOR}
            assert await tx.person(company.id, user.id) == Person(
                company=company, user=user, circles=(Circle(group=archived, role=Role.MODERATOR, size=1),)
            )
        with pytest.raises(errors.Conflict):
            await saved_group(directory, company, name=group.name)
        async with directory.write(company.id) as tx:
            await tx.save_group(replace(archived, archived_at=None))
            assert await tx.page_groups(company.id, after=None, limit=9, archived=True) == []

    async def test_a_slug_is_never_given_twice_but_a_deleted_groups_name_is_free(
        self, directory: Directory, company: Company
    ) -> None:
        group = await saved_group(directory, company, deleted=True)
        with pytest.raises(errors.Conflict) as caught:
            await saved_group(directory, company, slug=group.slug)
        assert caught.value.field == "slug"
        await saved_group(directory, company, name=group.name)

    async def test_two_groups_cannot_have_one_name(self, directory: Directory, company: Company) -> None:
        group, other = await saved_group(directory, company), await saved_group(directory, company)
        with pytest.raises(errors.Conflict) as added:
            await saved_group(directory, company, name=group.name)
        async with directory.write(company.id) as tx:
            with pytest.raises(errors.Conflict) as saved:
                await tx.save_group(replace(other, name=group.name))
            assert await tx.group(company.id, other.id) == other
        assert added.value.field == saved.value.field == "name"

    async def test_groups_are_paged_by_slug(self, directory: Directory, company: Company) -> None:
        slugs = ["b", "a-1", "a1", "a", "c"]
        for slug in slugs:
            await saved_group(directory, company, slug=slug)
        async with directory.read() as tx:
            first = await tx.page_groups(company.id, after=None, limit=3)
            rest = await tx.page_groups(company.id, after=first[-1].slug, limit=3)
        assert [group.slug for group in [*first, *rest]] == sorted(slugs)

    async def test_a_saved_group_keeps_its_slug(self, directory: Directory, company: Company) -> None:
        group = await saved_group(directory, company)
        async with directory.write(company.id) as tx:
            await tx.save_group(replace(group, slug="other", name="Neu", version=2))
            assert await tx.group(company.id, group.id) == replace(group, name="Neu", version=2)

    async def test_members_are_put_changed_and_removed_one_by_one(self, directory: Directory, company: Company) -> None:
        anna, bob, carl = await saved_users(directory, *(a_user(company, username=name) for name in ("a", "b", "c")))
        group = await saved_group(directory, company, anna, bob)
        async with directory.write(company.id) as tx:
            await tx.put_members(group.id, {bob.id: Role.MODERATOR, carl.id: Role.MEMBER})
            await tx.remove_members(group.id, [anna.id, "unknown"])
            assert await tx.roles(group.id) == {bob.id: Role.MODERATOR, carl.id: Role.MEMBER}
            assert await tx.roles_of(group.id, [bob.id, anna.id]) == {bob.id: Role.MODERATOR}
            assert await tx.member_count(group.id) == 2
            assert await tx.page_members(group.id, after=None, limit=1) == [Member(user=bob, role=Role.MODERATOR)]
            assert await tx.page_members(group.id, after="b", limit=9) == [Member(user=carl, role=Role.MEMBER)]
            assert await tx.memberships_of(bob.id) == [(group, Role.MODERATOR)]
            await tx.put_members(group.id, {})
            await tx.remove_members(group.id, [])

    async def test_a_circle_never_crosses_companies(self, directory: Directory, company: Company) -> None:
        other = await saved_company(directory, a_company())
        member, stranger = await saved_user(directory, company), await saved_user(directory, other)
        group = await saved_group(directory, company)
        async with directory.write(company.id) as tx:
            for wrong in (stranger.id, "unknown"):
                with pytest.raises(errors.NotFound):
                    await tx.put_members(group.id, {member.id: Role.MEMBER, wrong: Role.MEMBER})
            with pytest.raises(errors.NotFound):
                await tx.put_members("unknown", {member.id: Role.MEMBER})
            assert await tx.roles(group.id) == {}

    async def test_a_removed_member_is_a_departure_until_proven_or_back(
        self, directory: Directory, company: Company
    ) -> None:
        anna, bob = await saved_user(directory, company), await saved_user(directory, company)
        one, two = await saved_group(directory, company, anna, bob), await saved_group(directory, company, anna)
        async with directory.write(company.id) as tx:
            await tx.remove_members(one.id, [anna.id, bob.id])
            await tx.remove_members(two.id, [anna.id, bob.id])  # bob was never in it
            assert await self._left(directory, tx, company, anna.id) == {one.id, two.id}
            assert await self._left(directory, tx, company, bob.id) == {one.id}
            await tx.put_members(two.id, {anna.id: Role.MEMBER})
            assert await self._left(directory, tx, company, anna.id) == {one.id}
            await tx.forget_departures_of({anna.id: [one.id], "nobody": [one.id]})
            assert await self._left(directory, tx, company, anna.id) == set()
            assert await self._left(directory, tx, company, bob.id) == {one.id}
            await tx.forget_departures_of({})
            await tx.forget_departures([one.id, two.id])
            assert await self._left(directory, tx, company, bob.id) == set()

    async def _left(self, directory: Directory, tx: object, company: Company, user_id: str) -> set[str]:
        person = await tx.person(company.id, user_id)  # type: ignore[attr-defined] # a transaction
        return {group.id for group in person.left}

    async def test_a_person_has_circles_with_sizes_and_departures(self, directory: Directory, company: Company) -> None:
        anna, bob = await saved_user(directory, company), await saved_user(directory, company, active=False)
        big, small = await saved_group(directory, company, anna, bob), await saved_group(directory, company)
        left = await saved_group(directory, company, anna)
        async with directory.write(company.id) as tx:
            await tx.put_members(small.id, {anna.id: Role.MODERATOR})
            await tx.remove_members(left.id, [anna.id])
            await tx.save_group(replace(left, deleted=True))
        async with directory.read() as tx:
            person = await tx.person(company.id, anna.id)
            people = await tx.page_people(company.id, after=None, limit=9)
            some = await tx.people(company.id, [bob.id, anna.id, "nobody"])
            assert await tx.people(company.id, []) == {}
            assert await tx.people("other", [anna.id]) == {}
        assert person == Person(
            company=company,
            user=anna,
            circles=(
                Circle(group=big, role=Role.MEMBER, size=2),
                Circle(group=small, role=Role.MODERATOR, size=1),
            ),
            left=(replace(left, deleted=True),),
        )
        bobs = Person(company=company, user=bob, circles=(Circle(group=big, role=Role.MEMBER, size=2),))
        assert people == [person, bobs]
        assert some == {anna.id: person, bob.id: bobs}

    async def test_people_are_paged_by_username(self, directory: Directory, company: Company) -> None:
        users = await saved_users(directory, *(a_user(company, username=f"u{number}") for number in range(5)))
        group = await saved_group(directory, company, *users)
        async with directory.read() as tx:
            first = await tx.page_people(company.id, after=None, limit=3)
            rest = await tx.page_people(company.id, after=first[-1].user.username, limit=3)
            assert await tx.page_people(company.id, after=rest[-1].user.username, limit=3) == []
        assert [person.user for person in [*first, *rest]] == list(users)
        assert {person.circles for person in [*first, *rest]} == {(Circle(group=group, role=Role.MEMBER, size=5),)}

    async def test_a_group_circle_has_effective_members_and_full_size(
        self, directory: Directory, company: Company
    ) -> None:
        anna, gone = await saved_user(directory, company), await saved_user(directory, company, active=False)
        group = await saved_group(directory, company, anna, gone)
        expected = GroupCircle(company=company, group=group, members={anna.username: Role.MEMBER}, size=2)
        other = await saved_company(directory, a_company())
        async with directory.read() as tx:
            assert await tx.group_circle(company.id, group.id) == expected
            assert await tx.group_circle(company.id, "unknown") is None
            assert await tx.group_circle(other.id, group.id) is None

    async def test_groups_of_another_company_are_not_found(self, directory: Directory, company: Company) -> None:
        group = await saved_group(directory, company)
        other = await saved_company(directory, a_company())
        async with directory.write(other.id) as tx:
            assert await tx.group(other.id, group.id) is None
            assert await tx.group_by_slug(other.id, group.slug) is None
            assert await tx.groups_by_name(other.id, [group.name]) == {}
            assert await tx.page_groups(other.id, after=None, limit=9) == []
            assert await tx.taken_slugs(other.id, [group.slug]) == frozenset()
            await tx.save_group(replace(group, company_id=other.id, name="Dieb"))
            await tx.add_groups([a_group(other, slug=group.slug, name=group.name)])
        async with directory.read() as tx:
            assert await tx.group(company.id, group.id) == group

    async def test_who_moderates_what_is_found_from_both_sides(self, directory: Directory, company: Company) -> None:
        anna, ben, carl = [await saved_user(directory, company, username=name) for name in ("anna", "ben", "carl")]
        north = await saved_group(directory, company, anna, ben, carl, slug="nord")
        south = await saved_group(directory, company, anna, ben, slug="sued")
        gone = await saved_group(directory, company, anna, slug="alt", deleted=True)
        async with directory.write(company.id) as tx:
            for group, people in ((north, (anna, ben)), (south, (anna,)), (gone, (anna,))):
                await tx.put_members(group.id, dict.fromkeys((user.id for user in people), Role.MODERATOR))
        many = [f"nobody{number}" for number in range(12_000)]
        async with directory.read() as tx:
            moderated = await tx.moderated_by(company.id, [*many, anna.id, ben.id, carl.id])
            moderators = await tx.moderators([*many, north.id, south.id])
            assert await tx.moderated_by("other", [anna.id]) == {}
            assert await tx.moderators([]) == {}
        assert {user: list(groups) for user, groups in moderated.items()} == {anna.id: [north, south], ben.id: [north]}
        assert {group: list(people) for group, people in moderators.items()} == {
            north.id: [anna, ben], south.id: [anna],
        }  # fmt: skip

    async def test_groups_are_found_by_id_also_deleted_ones(self, directory: Directory, company: Company) -> None:
        group = await saved_group(directory, company)
        gone = await saved_group(directory, company, deleted=True)
        foreign = await saved_group(directory, await saved_company(directory, a_company()))
        asked = [*(f"unknown{number}" for number in range(12_000)), group.id, gone.id, foreign.id]
        async with directory.read() as tx:
            assert await tx.groups_by_id(company.id, asked) == {group.id: group, gone.id: gone}
            assert await tx.groups_by_id(company.id, []) == {}

    async def test_a_circle_tells_readers_and_the_paused_from_members(
        self, directory: Directory, company: Company
    ) -> None:
        people = [
            await saved_user(directory, company, username=name, absence=absence)
            for name, absence in (("anna", None), ("ben", Absence.GARDEN_LEAVE), ("carl", Absence.PAUSED))
        ]
        group = await saved_group(directory, company, *people)
        async with directory.read() as tx:
            circle = await tx.group_circle(company.id, group.id)
        assert circle == GroupCircle(
            company=company,
            group=group,
            members={"anna": Role.MEMBER},
            readers=frozenset({"ben"}),
            paused=frozenset({"carl"}),
            size=3,
        )
