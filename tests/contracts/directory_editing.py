"""What those read who edit circles."""

from kleanxmpp.due import Aspect
from kleanxmpp.editing_ports import KnownPerson, PeopleDue
from kleanxmpp.model import Company
from kleanxmpp.ports import Directory
from tests.contracts.directory_base import DirectoryBase, saved_company, saved_group, saved_user, saved_users
from tests.factories import AT, a_company, a_mark, a_user


class EditingContract(DirectoryBase):
    async def test_everybody_is_known_by_what_others_call_them(self, directory: Directory, company: Company) -> None:
        await saved_user(directory, await saved_company(directory, a_company()))
        left = a_user(company, username="a", active=False, email="a@x.test", attributes={"site": ("Nord", "Süd")})
        erasing = a_user(company, erasing=True)
        plain = a_user(company, username="b", external_id="4711")
        await saved_users(directory, plain, erasing, left)
        async with directory.read() as tx:
            assert await tx.known_people(company.id) == [
                KnownPerson(
                    id=left.id,
                    username="a",
                    display_name=left.display_name,
                    email="a@x.test",
                    attributes={"site": ("Nord", "Süd")},
                ),
                KnownPerson(id=plain.id, username="b", display_name=plain.display_name, external_id="4711"),
            ]

    async def test_circles_are_counted_many_at_once(self, directory: Directory, company: Company) -> None:
        people = await saved_users(directory, *(a_user(company) for _ in range(3)))
        whole, part = await saved_group(directory, company, *people), await saved_group(directory, company, people[0])
        empty, other = await saved_group(directory, company), await saved_group(directory, company, people[1])
        async with directory.read() as tx:
            assert await tx.member_counts([whole.id, part.id, empty.id]) == {whole.id: 3, part.id: 1}
            assert other.id in await tx.member_counts([other.id])
            assert await tx.member_counts([]) == {}

    async def test_what_is_due_of_a_circle_are_its_people_and_those_who_leave_it(
        self, directory: Directory, company: Company
    ) -> None:
        stays, leaves, waits, profile, outside = await saved_users(directory, *(a_user(company) for _ in range(5)))
        group = await saved_group(directory, company, stays, leaves, waits, profile)
        async with directory.write(company.id) as tx:
            assert await tx.people_due(company.id, group.id) == PeopleDue()
            await tx.remove_members(group.id, [leaves.id])
            marks = [a_mark(leaves, aspects=Aspect.CIRCLES), a_mark(waits, aspects=Aspect.BOOKMARKS), a_mark(outside)]
            await tx.mark_due([*marks, a_mark(profile, aspects=Aspect.PROFILE)])
            assert await tx.people_due(company.id, group.id) == PeopleDue(waiting=2)
            due = await tx.due(marks[0].scope)
            assert due is not None
            await tx.fail_due(due, error="away", next_attempt_at=AT)
            assert await tx.people_due(company.id, group.id) == PeopleDue(waiting=2, failing=1, error="away")
