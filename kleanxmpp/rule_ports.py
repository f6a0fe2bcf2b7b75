"""The directory's part about rules: which groups have one, who is in by it, and who is excepted from it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kleanxmpp.model import Role, User
from kleanxmpp.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How somebody is in a circle. `by_rule`: the rule put them in; else they are fixed."""

    role: Role
    by_rule: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupException:
    """Somebody whom a group's rule never makes a member, since when, and how they are in the circle nevertheless."""

    user: User
    since: datetime
    standing: Standing | None = None


class RuleRecords(Protocol):
    """Rules, who is in by them, and exceptions; a part of `kleanxmpp.ports.Transaction`."""

    async def rules(self, company_id: str) -> Mapping[str, Rule]:
        """Return the rules of all groups that are not deleted, by group id. Read once in a transaction."""

    async def standings(
        self, group_ids: Collection[str], user_ids: Collection[str] | None = None
    ) -> Mapping[str, Mapping[str, Standing]]:
        """Return how these users (None: all) are in these groups: group id -> user id -> standing.

        Groups without any of them are missing. Few queries.
        """

    async def excepted(
        self, group_ids: Collection[str], user_ids: Collection[str] | None = None
    ) -> Mapping[str, frozenset[str]]:
        """Return which of these users (None: of all) are excepted from these groups' rules, by group id.

        Groups without any are missing. Few queries.
        """

    async def by_rule_count(self, group_id: str) -> int:
        """Return how many members the group's rule put in."""

    async def page_exceptions(self, group_id: str, *, after: str | None, limit: int) -> Sequence[GroupException]:
        """Return up to `limit` exceptions in the order of the usernames, those after the username `after`."""

    async def exception(self, group_id: str, user_id: str) -> GroupException | None:
        """Return the exception of this user, if there is one."""

    async def add_exception(self, group_id: str, user_id: str, *, at: datetime) -> bool:
        """Return whether it is new. Raises NotFound for somebody who is not in the group's company."""

    async def remove_exception(self, group_id: str, user_id: str) -> bool:
        """Return whether there was one."""
