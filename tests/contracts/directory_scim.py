"""What SCIM said about people and groups: kept beside them, searched together with what the directory knows."""

from datetime import timedelta
from typing import Any

import pytest

from kleanxmpp import errors
from kleanxmpp.model import Company, Group, User
from kleanxmpp.ports import Directory, Transaction
from kleanxmpp.scim_ports import (
    AllOf,
    AnyOf,
    Compared,
    Condition,
    Field,
    Relation,
    ScimCircle,
    ScimGroup,
    ScimPerson,
    ScimUser,
    Slice,
)
from tests.contracts.directory_base import DirectoryBase, saved_company, saved_group, saved_user
from tests.factories import AT, a_company

DAY = timedelta(days=1)
ALL = Slice(limit=99)


def kept_of(user: User, user_name: str, **facts: Any) -> ScimUser:
    facts = {"company_id": user.company_id, "document": {"title": "Größe"}, "changed_at": AT + DAY} | facts
    return ScimUser(user_id=user.id, user_name=user_name, **facts)


def kept_group(group: Group, **facts: Any) -> ScimGroup:
    facts = {"document": {}, "changed_at": AT + DAY} | facts
    return ScimGroup(group_id=group.id, company_id=group.company_id, **facts)


def eq(field: Field, value: Any) -> Condition:
    return Compared(field=field, relation=Relation.EQ, value=value)


async def found(tx: Transaction, company: Company, where: Condition | None, part: Slice = ALL) -> list[str]:
    """Return who is found; they are as many as are counted, unless only a part is asked for."""
    people = [one.user.id for one in await tx.find_scim_people(company.id, where, part)]
    if part is ALL:
        assert await tx.count_scim_people(company.id, where) == len(people)
    return people


class ScimContract(DirectoryBase):
    async def test_what_scim_said_comes_back_and_goes_with_the_person(
        self, directory: Directory, company: Company
    ) -> None:
        user, elsewhere = await saved_user(directory, company), await saved_company(directory, a_company())
        kept = kept_of(user, "Anna@Firma.test", external_id="e1")
        later = kept_of(user, "anna@firma.test", version=2, document={"name": {"givenName": "A"}})
        async with directory.write(company.id) as tx:
            assert await tx.scim_person(company.id, user.id) == ScimPerson(user=user, kept=None)
            for said in (kept, later):
                await tx.save_scim_users([said])
                assert await tx.scim_person(company.id, user.id) == ScimPerson(user=user, kept=said)
            assert await tx.scim_person(elsewhere.id, user.id) is None
            assert await tx.find_scim_people(elsewhere.id, None, ALL) == []
            await tx.delete_scim_user(elsewhere.id, user.id)
            assert await found(tx, company, eq(Field.USER_NAME, "ANNA@firma.test")) == [user.id]
            await tx.delete_scim_user(company.id, user.id)
            assert await tx.scim_person(company.id, user.id) == ScimPerson(user=user, kept=None)
            await tx.save_scim_users([kept])
            await tx.delete_user(company.id, user.id)
            assert await tx.scim_person(company.id, user.id) is None
        another = await saved_user(directory, company)
        async with directory.write(company.id) as tx:
            await tx.save_scim_users([kept_of(another, "Anna@Firma.test")])

    async def test_a_user_name_belongs_to_one_person_of_a_company(self, directory: Directory, company: Company) -> None:
        user, other = await saved_user(directory, company), await saved_user(directory, company)
        elsewhere = await saved_company(directory, a_company())
        stranger = await saved_user(directory, elsewhere)
        async with directory.write(company.id) as tx:
            await tx.save_scim_users([kept_of(user, "Straße")])
            with pytest.raises(errors.Conflict) as caught:
                await tx.save_scim_users([kept_of(other, "STRASSE")])
            assert caught.value.field == "user_name"
            await tx.save_scim_users([kept_of(stranger, "Straße")])
            with pytest.raises(errors.NotFound):
                await tx.save_scim_users([kept_of(stranger, "x", company_id=company.id)])

    async def test_who_has_a_user_name_is_known_for_many_names_at_once(
        self, directory: Directory, company: Company
    ) -> None:
        said = await saved_user(directory, company, email="said@x.test")
        mailed = await saved_user(directory, company, email="Mail@x.test")
        also = await saved_user(directory, company, email="mail@X.test")
        erasing = await saved_user(directory, company, email="gone@x.test", erasing=True)
        elsewhere = await saved_company(directory, a_company())
        stranger = await saved_user(directory, elsewhere, email="far@x.test")
        async with directory.write(elsewhere.id) as tx:
            await tx.save_scim_users([kept_of(stranger, "upn@far.test")])
        async with directory.write(company.id) as tx:
            await tx.save_scim_users([kept_of(said, "UPN@x.test"), kept_of(erasing, "erasing@x.test")])
            asked = ["upn@X.test", "MAIL@x.test", "said@x.test", "gone@x.test", "erasing@x.test", "upn@far.test", "?"]
            holders = await tx.scim_name_holders(company.id, asked)
            assert {name: set(ids) for name, ids in holders.items()} == {
                "upn@X.test": {said.id},
                "MAIL@x.test": {mailed.id, also.id},
            }
            assert not await tx.scim_name_holders(company.id, [])

    async def test_what_is_said_about_many_is_kept_of_all_or_none(self, directory: Directory, company: Company) -> None:
        first, second, third = [await saved_user(directory, company) for _ in range(3)]
        async with directory.write(company.id) as tx:
            await tx.save_scim_users([])
            await tx.save_scim_users([kept_of(first, "a"), kept_of(second, "b")])
            with pytest.raises(errors.Conflict) as caught:
                await tx.save_scim_users([kept_of(third, "c"), kept_of(first, "B")])
            assert caught.value.field == "user_name"
            people = await tx.find_scim_people(company.id, None, ALL)
            assert {one.user.id: one.kept and one.kept.user_name for one in people} == {
                first.id: "a",
                second.id: "b",
                third.id: None,
            }

    async def test_people_are_found_by_what_scim_or_else_the_directory_calls_them(
        self, directory: Directory, company: Company
    ) -> None:
        said = await saved_user(directory, company, email="said@x.test", external_id="own1", display_name="Ina")
        mailed = await saved_user(directory, company, email="Mail@X.test", external_id="own2", active=False)
        named = await saved_user(directory, company, username="named", display_name="inge 100%")
        erasing = await saved_user(directory, company, email="gone@x.test", erasing=True)
        async with directory.write(company.id) as tx:
            await tx.save_scim_users([kept_of(said, "upn@x.test", external_id="e1")])
            await tx.save_scim_users([kept_of(erasing, "erasing@x.test")])
            for name, person in (("UPN@x.test", said), ("mail@x.TEST", mailed), ("NAMED", named)):
                assert await found(tx, company, eq(Field.USER_NAME, name)) == [person.id]
            for name in ("said@x.test", "gone@x.test", "erasing@x.test", erasing.username, "nobody"):
                assert await found(tx, company, eq(Field.USER_NAME, name)) == []
            assert await found(tx, company, eq(Field.EXTERNAL_ID, "e1")) == [said.id]
            assert await found(tx, company, eq(Field.EXTERNAL_ID, "E1")) == []
            assert await found(tx, company, eq(Field.EXTERNAL_ID, "own1")) == []
            assert await found(tx, company, eq(Field.EXTERNAL_ID, "own2")) == [mailed.id]
            assert await found(tx, company, eq(Field.ID, named.id)) == [named.id]
            assert await found(tx, company, eq(Field.EMAIL, "SAID@x.test")) == [said.id]
            assert await found(tx, company, eq(Field.ACTIVE, False)) == [mailed.id]
            assert await found(tx, company, eq(Field.DISPLAY_NAME, "INA")) == [said.id]
            starts = Compared(field=Field.DISPLAY_NAME, relation=Relation.STARTS, value="In")
            assert set(await found(tx, company, starts)) == {said.id, named.id}
            contains = Compared(field=Field.DISPLAY_NAME, relation=Relation.CONTAINS, value="0%")
            assert await found(tx, company, contains) == [named.id]
            in_name = Compared(field=Field.USER_NAME, relation=Relation.CONTAINS, value="@X")
            assert set(await found(tx, company, in_name)) == {said.id, mailed.id}
            assert await found(tx, company, AllOf((in_name, starts))) == [said.id]
            both = AnyOf((eq(Field.ID, named.id), eq(Field.USER_NAME, "mail@x.test")))
            assert set(await found(tx, company, both)) == {named.id, mailed.id}
            for relation, people in (
                (Relation.AFTER, {said.id}),
                (Relation.SINCE, {said.id}),
                (Relation.BEFORE, {mailed.id, named.id}),
                (Relation.UNTIL, {said.id, mailed.id, named.id}),
            ):
                changed = Compared(field=Field.CHANGED, relation=relation, value=AT + DAY)
                changed = (
                    changed
                    if relation is not Relation.AFTER
                    else Compared(field=Field.CHANGED, relation=relation, value=AT)
                )
                assert set(await found(tx, company, changed)) == people, relation

    async def test_people_come_in_parts_in_a_stable_order(self, directory: Directory, company: Company) -> None:
        names = ["cem", "Anna", "Bert", "Cem"]
        people = [
            await saved_user(directory, company, id=f"{n:032x}", display_name=name) for n, name in enumerate(names)
        ]
        ids = [user.id for user in people]
        async with directory.read() as tx:
            assert await found(tx, company, None) == ids
            assert await found(tx, company, None, Slice(offset=1, limit=2)) == ids[1:3]
            by_name = [ids[1], ids[2], ids[0], ids[3]]
            assert await found(tx, company, None, Slice(limit=9, order=Field.DISPLAY_NAME)) == by_name
            down = Slice(limit=9, order=Field.DISPLAY_NAME, descending=True)
            assert await found(tx, company, None, down) == by_name[::-1]

    async def test_groups_are_found_and_what_scim_said_about_them_is_kept(
        self, directory: Directory, company: Company
    ) -> None:
        user, leaver = await saved_user(directory, company), await saved_user(directory, company, erasing=True)
        team = await saved_group(directory, company, user, leaver, name="Früh")
        empty = await saved_group(directory, company, name="Spät")
        gone = await saved_group(directory, company, user, deleted=True)
        elsewhere = await saved_company(directory, a_company())
        kept = kept_group(team, external_id="g1", document={"displayName": "Früh "})
        async with directory.write(company.id) as tx:
            assert await tx.scim_circle(company.id, team.id) == ScimCircle(group=team, kept=None)
            for said in (kept_group(team), kept):
                await tx.save_scim_group(said)
            assert await tx.scim_circle(company.id, team.id) == ScimCircle(group=team, kept=kept)
            assert await tx.scim_circle(elsewhere.id, team.id) is None
            assert await tx.scim_circle(company.id, gone.id) is None
            for where, wanted in (
                (None, {team.id, empty.id}),
                (eq(Field.DISPLAY_NAME, "früh"), {team.id}),
                (eq(Field.EXTERNAL_ID, "g1"), {team.id}),
                (eq(Field.ID, empty.id), {empty.id}),
                (eq(Field.MEMBER, user.id), {team.id}),
                (eq(Field.MEMBER, "nobody"), set()),
            ):
                circles = await tx.find_scim_circles(company.id, where, ALL)
                assert {one.group.id for one in circles} == wanted
                assert await tx.count_scim_circles(company.id, where) == len(wanted)
            ordered = await tx.find_scim_circles(company.id, None, Slice(limit=1, order=Field.DISPLAY_NAME))
            assert [one.group.id for one in ordered] == [team.id]
            assert await tx.scim_members([team.id, empty.id]) == {team.id: [user.id]}
