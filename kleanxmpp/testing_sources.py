"""The part of `MemoryDirectory`'s transaction about sources of people."""

from collections.abc import Mapping
from datetime import datetime

from kleanxmpp.model import Door
from kleanxmpp.testing_tables import MemoryPart


class MemorySources(MemoryPart):
    """When sources were last heard of."""

    async def note_contact(self, company_id: str, door: Door, *, at: datetime) -> None:
        with self._changing() as tables:
            tables.needs_company(company_id)
            known = tables.contacts.get((company_id, door), at)
            tables.contacts[company_id, door] = max(known, at)

    async def contacts(self, company_id: str) -> Mapping[Door, datetime]:
        return {door: at for (owner, door), at in sorted(self._tables.contacts.items()) if owner == company_id}
