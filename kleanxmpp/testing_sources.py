"""The part of `MemoryDirectory`'s transaction about sources of people."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from kleanxmpp.model import Door
from kleanxmpp.source_ports import Expectation, Source
from kleanxmpp.testing_tables import MemoryPart


class MemorySources(MemoryPart):
    """When sources were last heard of, and how often they are expected to be."""

    async def note_contact(self, company_id: str, door: Door, *, at: datetime) -> None:
        with self._changing() as tables:
            tables.needs_company(company_id)
            known = tables.contacts.get((company_id, door), at)
            tables.contacts[company_id, door] = max(known, at)

    async def contacts(self, company_id: str) -> Mapping[Door, datetime]:
        return {door: at for (owner, door), at in sorted(self._tables.contacts.items()) if owner == company_id}

    async def expect(self, company_id: str, door: Door, expectation: Expectation | None) -> None:
        with self._changing() as tables:
            if expectation is None:
                tables.expectations.pop((company_id, door), None)
                return
            tables.needs_company(company_id)
            tables.expectations[company_id, door] = expectation

    async def sources(self, company_id: str | None) -> Sequence[Source]:
        at, every = self._tables.contacts, self._tables.expectations
        return [
            Source(company_id=key[0], door=key[1], last_contact=at.get(key), expected=every.get(key))
            for key in sorted(at.keys() | every.keys())
            if company_id in {None, key[0]}
        ]
