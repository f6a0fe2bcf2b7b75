"""When sources of people were last heard of."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select

from kleanxmpp.db.session import Part
from kleanxmpp.db.tables import source_contacts
from kleanxmpp.model import Door


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
