"""What doors must not do yet, and how much each has done lately. A hold is the rows of one door in one company."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, func, insert, select

from kleanxmpp import ids
from kleanxmpp.db.rows import value_of
from kleanxmpp.db.session import Part, chunks
from kleanxmpp.db.tables import ENTITLED, companies, held_changes, passages, users
from kleanxmpp.model import Door, HeldChange, Hold


class Guard(Part):
    """The transaction's part of the guard against mass changes."""

    __slots__ = ()

    async def count_may_chat(self, company_id: str) -> int:
        theirs = select(func.count()).select_from(users).join(companies, companies.c.id == users.c.company_id)
        mine = (users.c.company_id == company_id, ENTITLED, users.c.absence.is_(None))
        return int(await self._session.scalar(theirs.where(*mine)))

    async def passed(self, company_id: str, door: Door, *, since: datetime) -> int:
        people = select(func.sum(passages.c.people))
        mine = (passages.c.company_id == company_id, passages.c.door == door, passages.c.at >= since)
        return int(await self._session.scalar(people.where(*mine)) or 0)

    async def add_passed(self, company_id: str, door: Door, *, people: int, at: datetime) -> None:
        row = {"id": ids.new_id(), "company_id": company_id, "door": door, "people": people, "at": at}
        await self._session.run(insert(passages).values(row))

    async def forget_passed(self, company_id: str, door: Door, *, before: datetime) -> None:
        old = (passages.c.company_id == company_id, passages.c.door == door, passages.c.at < before)
        await self._session.run(delete(passages).where(*old))

    async def holds(self, company_id: str) -> Sequence[Hold]:
        mine = select(held_changes).where(held_changes.c.company_id == company_id)
        found: dict[tuple[Door, str], list[HeldChange]] = defaultdict(list)
        for row in await self._session.rows(
            mine.order_by(held_changes.c.door, held_changes.c.at, held_changes.c.user_id)
        ):
            found[row.door, row.hold_id].append(value_of(HeldChange, row))
        return [
            Hold(id=hold_id, company_id=company_id, door=door, changes=tuple(changes))
            for (door, hold_id), changes in found.items()
        ]

    async def hold_id(self, company_id: str, door: Door) -> str | None:
        mine = (held_changes.c.company_id == company_id, held_changes.c.door == door)
        row = await self._session.row(select(held_changes.c.hold_id).where(*mine).limit(1))
        return None if row is None else str(row.hold_id)

    async def waiting(self, company_id: str, door: Door, user_ids: Collection[str]) -> Mapping[str, HeldChange]:
        mine = select(held_changes).where(held_changes.c.company_id == company_id, held_changes.c.door == door)
        found: dict[str, HeldChange] = {}
        for some in chunks(user_ids):
            rows = await self._session.rows(mine.where(held_changes.c.user_id.in_(some)))
            found |= {row.user_id: value_of(HeldChange, row) for row in rows}
        return found

    async def hold_back(self, hold: Hold) -> None:
        await self.release(hold.company_id, hold.door, [change.user_id for change in hold.changes])
        same = {"company_id": hold.company_id, "door": hold.door, "hold_id": hold.id}
        await self._session.run_many(insert(held_changes), [asdict(change) | same for change in hold.changes])

    async def release(self, company_id: str, door: Door, user_ids: Collection[str]) -> None:
        mine = (held_changes.c.company_id == company_id, held_changes.c.door == door)
        for some in chunks(user_ids):
            await self._session.run(delete(held_changes).where(*mine, held_changes.c.user_id.in_(some)))
