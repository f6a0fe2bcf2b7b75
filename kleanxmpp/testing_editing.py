"""The part of `MemoryDirectory`'s transaction for those who edit circles."""

from collections.abc import Collection, Mapping, Sequence

from kleanxmpp.due import Aspect, Scope, ScopeKind
from kleanxmpp.editing_ports import KnownPerson, PeopleDue
from kleanxmpp.testing_tables import MemoryPart


class MemoryEditing(MemoryPart):
    """Everybody by what they are called, sizes of circles, and what is on its way."""

    async def known_people(self, company_id: str) -> Sequence[KnownPerson]:
        users = (u for u in self._tables.users.values() if u.company_id == company_id and not u.erasing)
        return [
            KnownPerson(**{name: getattr(user, name) for name in KnownPerson.__dataclass_fields__})
            for user in sorted(users, key=lambda user: user.username)
        ]

    async def member_counts(self, group_ids: Collection[str]) -> Mapping[str, int]:
        counts = {group_id: len(self._tables.circles.get(group_id, {})) for group_id in group_ids}
        return {group_id: count for group_id, count in counts.items() if count}

    async def people_due(self, company_id: str, group_id: str) -> PeopleDue:
        people = {*self._tables.circles.get(group_id, {}), *(u for g, u in self._tables.departures if g == group_id)}
        marks = [self._tables.due.get(Scope(kind=ScopeKind.USER, company_id=company_id, id=u)) for u in people]
        due = [mark for mark in marks if mark and mark.aspects & (Aspect.CIRCLES | Aspect.BOOKMARKS)]
        failing = [mark for mark in due if mark.attempts]
        error = max((mark.last_error for mark in failing if mark.last_error), default=None)
        return PeopleDue(waiting=len(due), failing=len(failing), error=error)
