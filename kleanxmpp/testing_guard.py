"""The part of `MemoryDirectory`'s transaction about the guard against mass changes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from kleanxmpp.desired import may_chat
from kleanxmpp.model import Door, HeldChange, Hold
from kleanxmpp.testing_tables import MemoryPart


class MemoryGuard(MemoryPart):
    """What doors must not do yet, and how much each has done lately."""

    async def count_may_chat(self, company_id: str) -> int:
        mine = (user for user in self._tables.users.values() if user.company_id == company_id)
        return sum(may_chat(self._tables.companies[company_id], user) for user in mine)

    async def passed(self, company_id: str, door: Door, *, since: datetime) -> int:
        return sum(p for c, d, at, p in self._tables.passages if (c, d) == (company_id, door) and at >= since)

    async def add_passed(self, company_id: str, door: Door, *, people: int, at: datetime) -> None:
        with self._changing() as tables:
            tables.passages.append((company_id, door, at, people))

    async def forget_passed(self, company_id: str, door: Door, *, before: datetime) -> None:
        with self._changing() as tables:
            tables.passages = [
                one for one in tables.passages if (one[0], one[1]) != (company_id, door) or one[2] >= before
            ]

    async def holds(self, company_id: str) -> Sequence[Hold]:
        return [hold for (owner, _), hold in sorted(self._tables.holds.items()) if owner == company_id]

    async def hold_id(self, company_id: str, door: Door) -> str | None:
        found = self._tables.holds.get((company_id, door))
        return None if found is None else found.id

    async def waiting(self, company_id: str, door: Door, user_ids: Collection[str]) -> Mapping[str, HeldChange]:
        found = self._tables.holds.get((company_id, door))
        return {one.user_id: one for one in found.changes if one.user_id in set(user_ids)} if found else {}

    async def hold_back(self, hold: Hold) -> None:
        await self.release(hold.company_id, hold.door, [change.user_id for change in hold.changes])
        with self._changing() as tables:
            found = tables.holds.get((hold.company_id, hold.door))
            changes = sorted((*(found.changes if found else ()), *hold.changes), key=lambda c: (c.at, c.user_id))
            if changes:
                tables.holds[hold.company_id, hold.door] = replace(hold, changes=tuple(changes))

    async def release(self, company_id: str, door: Door, user_ids: Collection[str]) -> None:
        with self._changing() as tables:
            tables.release(company_id, door, user_ids)
