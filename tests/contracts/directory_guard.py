"""The guard against mass changes: what is held, and how much each door has done lately."""

from dataclasses import replace
from datetime import timedelta

from kleanxmpp import ids
from kleanxmpp.model import Absence, Company, Door, HeldChange, Hold
from kleanxmpp.ports import Directory
from tests.contracts.directory_base import DirectoryBase, saved_company, saved_user
from tests.factories import AT, a_company

SECOND = timedelta(seconds=1)


def a_change(user_id: str, **facts: object) -> HeldChange:
    change = HeldChange(user_id=user_id, active=False, actor="shell:root", reason="Nachtlauf ä", at=AT)
    return replace(change, **facts)


def a_hold(company: Company, *changes: HeldChange, door: Door = Door.IMPORT) -> Hold:
    return Hold(id=ids.new_id(), company_id=company.id, door=door, changes=changes)


class GuardContract(DirectoryBase):
    async def test_a_hold_grows_and_keeps_the_newest_word_about_each_person(
        self, directory: Directory, company: Company
    ) -> None:
        anna, ben = [await saved_user(directory, company) for _ in range(2)]
        first = a_hold(company, a_change(anna.id, at=AT + SECOND, reason=None))
        newer = a_change(anna.id, active=True, chat_permission=False, at=AT + 2 * SECOND)
        later = a_change(ben.id, absence=Absence.PAUSED, absent_until=AT + SECOND)
        async with directory.write(company.id) as tx:
            assert await tx.holds(company.id) == []
            await tx.hold_back(first)
            assert await tx.holds(company.id) == [first]
            await tx.hold_back(replace(first, changes=(newer, later)))
        async with directory.read() as tx:
            assert await tx.holds(company.id) == [replace(first, changes=(later, newer))]
            assert (await tx.holds(company.id))[0].since == AT

    async def test_doors_and_companies_hold_by_themselves(self, directory: Directory, company: Company) -> None:
        other = await saved_company(directory, a_company())
        anna, stranger = await saved_user(directory, company), await saved_user(directory, other)
        scim, file = a_hold(company, a_change(anna.id), door=Door.SCIM), a_hold(company, a_change(anna.id))
        elsewhere = a_hold(other, a_change(stranger.id))
        async with directory.write() as tx:
            for hold in (scim, file, elsewhere):
                await tx.hold_back(hold)
            assert await tx.holds(company.id) == [file, scim]
            assert (await tx.hold_id(company.id, Door.SCIM), await tx.hold_id(company.id, Door.HR)) == (scim.id, None)
            assert await tx.waiting(company.id, Door.SCIM, [anna.id, "nobody"]) == {anna.id: scim.changes[0]}
            assert await tx.waiting(company.id, Door.SCIM, []) == {}
            assert await tx.waiting(other.id, Door.SCIM, [anna.id, stranger.id]) == {}
            await tx.release(other.id, Door.IMPORT, [anna.id])
            await tx.release(company.id, Door.SCIM, [])
            await tx.release(company.id, Door.IMPORT, [anna.id, "nobody"])
            assert await tx.holds(company.id) == [scim]
            assert await tx.holds(other.id) == [elsewhere]

    async def test_who_is_erased_waits_no_more(self, directory: Directory, company: Company) -> None:
        anna = await saved_user(directory, company)
        async with directory.write(company.id) as tx:
            await tx.hold_back(a_hold(company, a_change(anna.id)))
            await tx.delete_user(company.id, anna.id)
            assert await tx.holds(company.id) == []

    async def test_what_passed_is_counted_by_door_and_window(self, directory: Directory, company: Company) -> None:
        async with directory.write(company.id) as tx:
            assert await tx.passed(company.id, Door.IMPORT, since=AT) == 0
            await tx.add_passed(company.id, Door.IMPORT, people=3, at=AT)
            await tx.add_passed(company.id, Door.IMPORT, people=2, at=AT + SECOND)
            await tx.add_passed(company.id, Door.SCIM, people=7, at=AT)
            await tx.add_passed("other", Door.IMPORT, people=9, at=AT)
            assert await tx.passed(company.id, Door.IMPORT, since=AT) == 5
            assert await tx.passed(company.id, Door.IMPORT, since=AT + SECOND) == 2
            await tx.forget_passed(company.id, Door.IMPORT, before=AT + SECOND)
            assert await tx.passed(company.id, Door.IMPORT, since=AT) == 2
            assert await tx.passed(company.id, Door.SCIM, since=AT) == 7
            assert await tx.passed("other", Door.IMPORT, since=AT) == 9

    async def test_only_who_may_chat_is_counted(self, directory: Directory, company: Company) -> None:
        disabled = await saved_company(directory, a_company(enabled=False))
        await saved_user(directory, disabled)
        for facts in (
            {},
            {},
            {"active": False},
            {"chat_permission": False},
            {"erasing": True},
            {"absence": Absence.PAUSED},
        ):
            await saved_user(directory, company, **facts)
        async with directory.read() as tx:
            assert await tx.count_may_chat(company.id) == 2
            assert await tx.count_may_chat(disabled.id) == 0
