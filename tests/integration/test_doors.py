"""What doors say about people, on both directories: done at once, or held as soon as it takes too many out."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from kleanxmpp import companies, doors, errors, holds, users
from kleanxmpp.doors import Said
from kleanxmpp.drafts import NewUser
from kleanxmpp.edits import UserPatch
from kleanxmpp.guard import Limits
from kleanxmpp.model import Company, Door, User
from kleanxmpp.ports import Directory
from tests.factories import AT

LIMITS = Limits(people=2, percent=100, window=timedelta(hours=1))
OUT = UserPatch(fields=frozenset({"active"}), active=False)
IN = UserPatch(fields=frozenset({"active"}), active=True)


@pytest.fixture
async def company(directory: Directory) -> Company:
    return await companies.add_company(directory, domain="firma.test", name="Firma", actor="test", now=AT)


@pytest.fixture
async def staff(directory: Directory, company: Company) -> Sequence[User]:
    return [
        await users.add_user(directory, company, NewUser(display_name=f"Person {n}"), actor="test", now=AT)
        for n in range(4)
    ]


async def said(directory: Directory, company: Company, *wanted: tuple[User, UserPatch]) -> Sequence[Said]:
    async with directory.write(company.id) as tx:
        return await doors.say(
            tx, company, wanted, door=Door.SCIM, limits=LIMITS, actor="token:scim", reason="SCIM", now=AT
        )


async def test_a_person_let_out_by_a_door_is_off_boarded(
    directory: Directory, company: Company, staff: Sequence[User]
) -> None:
    (result,) = await said(directory, company, (staff[0], OUT))
    assert (result.held, result.user.active, result.user.version) == (False, False, 2)
    async with directory.read() as tx:
        assert await tx.user(company.id, staff[0].id) == result.user
        assert await tx.open_offboarding(staff[0].id) is not None


async def test_beyond_the_limit_only_the_loss_of_access_waits(
    directory: Directory, company: Company, staff: Sequence[User]
) -> None:
    moved = UserPatch(fields=frozenset({"active", "attributes"}), active=False, attributes={"site": ("Objekt 12",)})
    results = await said(directory, company, *((user, moved) for user in staff))
    assert [result.held for result in results] == [False, False, True, True]
    assert [result.user.active for result in results] == [False, False, True, True]
    assert all(result.user.attributes == {"site": ("Objekt 12",)} for result in results)
    (hold,) = await holds.pending(directory, company)
    assert {change.user_id for change in hold.changes} == {staff[2].id, staff[3].id}


async def test_who_the_door_wants_back_waits_no_more(
    directory: Directory, company: Company, staff: Sequence[User]
) -> None:
    await said(directory, company, *((user, OUT) for user in staff))
    (result,) = await said(directory, company, (staff[2], IN))
    assert (result.held, result.user) == (False, staff[2])
    (hold,) = await holds.pending(directory, company)
    assert {change.user_id for change in hold.changes} == {staff[3].id}


async def test_saying_it_again_changes_nothing(directory: Directory, company: Company, staff: Sequence[User]) -> None:
    (first,) = await said(directory, company, (staff[0], OUT))
    (again,) = await said(directory, company, (first.user, OUT))
    assert again == first


async def test_one_bad_word_undoes_all_of_them(directory: Directory, company: Company, staff: Sequence[User]) -> None:
    nameless = UserPatch(fields=frozenset({"display_name"}), display_name=" ")
    with pytest.raises(errors.Invalid):
        await said(directory, company, (staff[0], OUT), (staff[1], nameless))
    async with directory.read() as tx:
        assert await tx.user(company.id, staff[0].id) == staff[0]
