"""Sources of people: when each was last heard of, and when it should be."""

from datetime import timedelta

from kleanxmpp.model import Company, Door
from kleanxmpp.ports import Directory
from kleanxmpp.source_ports import Expectation, Source
from tests.contracts.directory_base import DirectoryBase, saved_company
from tests.factories import AT, a_company

HOUR = timedelta(hours=1)


class SourcesContract(DirectoryBase):
    async def test_the_latest_contact_of_each_door_is_remembered(self, directory: Directory, company: Company) -> None:
        other = await saved_company(directory, a_company())
        async with directory.write(company.id) as tx:
            assert await tx.contacts(company.id) == {}
            await tx.note_contact(company.id, Door.SCIM, at=AT)
            await tx.note_contact(company.id, Door.SCIM, at=AT + HOUR)
            await tx.note_contact(company.id, Door.SCIM, at=AT - HOUR)
            await tx.note_contact(company.id, Door.HR, at=AT)
        async with directory.read() as tx:
            assert await tx.contacts(company.id) == {Door.HR: AT, Door.SCIM: AT + HOUR}
            assert await tx.contacts(other.id) == {}

    async def test_what_is_expected_of_a_source_is_kept_changed_and_dropped(
        self, directory: Directory, company: Company
    ) -> None:
        other = await saved_company(directory, a_company())
        hourly, daily = Expectation(every=HOUR, since=AT), Expectation(every=24 * HOUR, since=AT + HOUR)
        async with directory.write(company.id) as tx:
            await tx.expect(company.id, Door.SCIM, daily)
            await tx.expect(company.id, Door.SCIM, hourly)
            await tx.expect(company.id, Door.BULK, daily)
            await tx.note_contact(company.id, Door.SCIM, at=AT + HOUR)
            await tx.note_contact(company.id, Door.HR, at=AT)
            await tx.expect(other.id, Door.SCIM, daily)
        scim = Source(company_id=company.id, door=Door.SCIM, last_contact=AT + HOUR, expected=hourly)
        bulk = Source(company_id=company.id, door=Door.BULK, expected=daily)
        hr = Source(company_id=company.id, door=Door.HR, last_contact=AT)
        theirs = Source(company_id=other.id, door=Door.SCIM, expected=daily)
        async with directory.read() as tx:
            assert await tx.sources(company.id) == [bulk, hr, scim]
            assert set(await tx.sources(None)) == {bulk, hr, scim, theirs}
        async with directory.write(company.id) as tx:
            await tx.expect(company.id, Door.SCIM, None)
            await tx.expect(company.id, Door.IMPORT, None)
        async with directory.read() as tx:
            assert [(one.door, one.expected) for one in await tx.sources(company.id)] == [
                (Door.BULK, daily),
                (Door.HR, None),
                (Door.SCIM, None),
            ]
