"""The part of `MemoryDirectory`'s transaction about rules."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from kleanxmpp import errors
from kleanxmpp.rule_ports import GroupException, Standing
from kleanxmpp.rules import Rule
from kleanxmpp.testing_tables import MemoryPart


class MemoryRules(MemoryPart):
    """Rules, who is in a circle by one, and who is excepted."""

    async def rules(self, company_id: str) -> Mapping[str, Rule]:
        return {
            group.id: group.rule
            for group in self._tables.groups.values()
            if group.company_id == company_id and group.rule is not None and not group.deleted
        }

    async def standings(
        self, group_ids: Collection[str], user_ids: Collection[str] | None = None
    ) -> Mapping[str, Mapping[str, Standing]]:
        found: dict[str, dict[str, Standing]] = {}
        for group_id in group_ids:
            circle = self._tables.circles.get(group_id, {})
            chosen = circle if user_ids is None else [user_id for user_id in user_ids if user_id in circle]
            if chosen:
                found[group_id] = {
                    user_id: Standing(role=circle[user_id], by_rule=(group_id, user_id) in self._tables.by_rule)
                    for user_id in chosen
                }
        return found

    async def excepted(
        self, group_ids: Collection[str], user_ids: Collection[str] | None = None
    ) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for group_id, user_id in self._tables.exceptions:
            if group_id in group_ids and (user_ids is None or user_id in user_ids):
                found[group_id].add(user_id)
        return {group_id: frozenset(some) for group_id, some in found.items()}

    async def by_rule_count(self, group_id: str) -> int:
        return sum(one == group_id for one, _ in self._tables.by_rule)

    async def page_exceptions(self, group_id: str, *, after: str | None, limit: int) -> Sequence[GroupException]:
        found = [self._exception(one) for one in self._tables.exceptions if one[0] == group_id]
        found.sort(key=lambda one: one.user.username)
        return [one for one in found if one.user.username > (after or "")][:limit]

    async def exception(self, group_id: str, user_id: str) -> GroupException | None:
        key = (group_id, user_id)
        return self._exception(key) if key in self._tables.exceptions else None

    async def add_exception(self, group_id: str, user_id: str, *, at: datetime) -> bool:
        with self._changing() as tables:
            group, user = tables.groups.get(group_id), tables.users.get(user_id)
            if group is None or user is None or user.company_id != group.company_id:
                raise errors.NotFound
            new = (group_id, user_id) not in tables.exceptions
            tables.exceptions.setdefault((group_id, user_id), at)
            return new

    async def remove_exception(self, group_id: str, user_id: str) -> bool:
        with self._changing() as tables:
            return tables.exceptions.pop((group_id, user_id), None) is not None

    def _exception(self, key: tuple[str, str]) -> GroupException:
        group_id, user_id = key
        role = self._tables.circles.get(group_id, {}).get(user_id)
        standing = None if role is None else Standing(role=role, by_rule=key in self._tables.by_rule)
        return GroupException(user=self._tables.users[user_id], since=self._tables.exceptions[key], standing=standing)
