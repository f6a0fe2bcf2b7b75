"""Sources of people: when each was last heard of."""

from datetime import timedelta

from kleanxmpp.model import Company, Door
from kleanxmpp.ports import Directory
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
