"""When sources of people were last heard of, and how often they are expected to be."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from kleanxmpp.db.session import Part
from kleanxmpp.db.tables import source_contacts
from kleanxmpp.db.tables_sources import source_expectations
from kleanxmpp.model import Door
from kleanxmpp.source_ports import Expectation, Source


class Sources(Part):
    """The transaction's part about sources."""

    __slots__ = ()

    async def note_contact(self, company_id: str, door: Door, *, at: datetime) -> None:
        statement = self._session.insert(source_contacts).values(company_id=company_id, door=door, at=at)
        newer = statement.on_conflict_do_update(
            index_elements=["company_id", "door"],
            set_={"at": statement.excluded.at},
            where=source_contacts.c.at < statement.excluded.at,
        )
        await self._session.run(newer)

    async def contacts(self, company_id: str) -> Mapping[Door, datetime]:
        mine = select(source_contacts).where(source_contacts.c.company_id == company_id)
        return {row.door: row.at for row in await self._session.rows(mine.order_by(source_contacts.c.door))}

    async def expect(self, company_id: str, door: Door, expectation: Expectation | None) -> None:
        kept = source_expectations.c
        if expectation is None:
            await self._session.run(delete(source_expectations).where(kept.company_id == company_id, kept.door == door))
            return
        values = {"seconds": int(expectation.every.total_seconds()), "since": expectation.since}
        statement = self._session.insert(source_expectations).values(company_id=company_id, door=door, **values)
        await self._session.run(statement.on_conflict_do_update(index_elements=["company_id", "door"], set_=values))

    async def sources(self, company_id: str | None) -> Sequence[Source]:
        heard, expected = select(source_contacts), select(source_expectations)
        if company_id is not None:
            heard = heard.where(source_contacts.c.company_id == company_id)
            expected = expected.where(source_expectations.c.company_id == company_id)
        at = {(row.company_id, row.door): row.at for row in await self._session.rows(heard)}
        every = {
            (row.company_id, row.door): Expectation(every=timedelta(seconds=row.seconds), since=row.since)
            for row in await self._session.rows(expected)
        }
        return [
            Source(company_id=owner, door=door, last_contact=at.get((owner, door)), expected=every.get((owner, door)))
            for owner, door in sorted(at.keys() | every.keys())
        ]
