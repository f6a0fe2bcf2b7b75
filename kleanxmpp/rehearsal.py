"""A dry run: use cases are carried out for real in a transaction that is never committed, and watched.

So a dry run says exactly what would happen, refusals included, and no rule is written twice. Nothing is woken, because
only a commit wakes. `differences` says in values what was seen.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from kleanxmpp.lending import Lent
from kleanxmpp.model import AuditEntry, Company, Door, Group, Offboarding, Role, User
from kleanxmpp.ports import Directory, Transaction
from kleanxmpp.source_ports import Expectation

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What use cases changed: by id, what was there before (None: nothing) and what is there after.

    `roles` are by group id and user id; a role of None: no member. `begun` are off-boardings, by user id. `values` are
    of what is kept beside the rest: subject -> field -> before and after.
    """

    users: dict[str, tuple[User | None, User]] = field(default_factory=dict)
    groups: dict[str, tuple[Group | None, Group]] = field(default_factory=dict)
    companies: dict[str, tuple[Company | None, Company]] = field(default_factory=dict)
    roles: dict[tuple[str, str], tuple[Role | None, Role | None]] = field(default_factory=dict)
    begun: dict[str, Offboarding] = field(default_factory=dict)
    values: dict[str, dict[str, tuple[object, object]]] = field(default_factory=dict)
    entries: list[AuditEntry] = field(default_factory=list)


class _Undone(Exception):
    """Ends the transaction without a commit."""


async def rehearse(directory: Directory, company_id: str, run: Callable[[Directory], Awaitable[T]]) -> tuple[T, Noted]:
    """Run this on a directory that forgets it all; return what it returned, and what it would have changed."""
    noted = Noted()
    found: list[T] = []
    try:
        async with directory.write(company_id) as tx:
            watched = cast(Transaction, _Watched(tx, noted))  # all else is the transaction's own: `__getattr__`
            found.append(await run(Lent(directory, watched)))
            raise _Undone
    except _Undone:
        return found[0], noted


class _Watched:
    """A transaction that notes what is saved through it."""

    def __init__(self, transaction: Transaction, noted: Noted) -> None:
        self._transaction = transaction
        self._noted = noted

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the transaction has
        return getattr(self._transaction, name)

    async def add_users(self, users: Sequence[User]) -> None:
        await self._transaction.add_users(users)
        self._noted.users.update({user.id: (None, user) for user in users})

    async def save_users(self, users: Sequence[User]) -> None:
        fresh = [user for user in users if user.id not in self._noted.users]
        before = await self._transaction.users_by_id(fresh[0].company_id, [u.id for u in fresh]) if fresh else {}
        await self._transaction.save_users(users)
        for user in users:
            first = before.get(user.id) if user.id in before else self._noted.users[user.id][0]
            self._noted.users[user.id] = (first, user)

    async def add_groups(self, groups: Sequence[Group]) -> None:
        await self._transaction.add_groups(groups)
        self._noted.groups.update({group.id: (None, group) for group in groups})

    async def save_group(self, group: Group) -> None:
        known = self._noted.groups.get(group.id)
        before = known[0] if known else await self._transaction.group(group.company_id, group.id)
        await self._transaction.save_group(group)
        self._noted.groups[group.id] = (before, group)

    async def save_company(self, company: Company) -> None:
        known = self._noted.companies.get(company.id)
        before = known[0] if known else await self._transaction.company(company.id)
        await self._transaction.save_company(company)
        self._noted.companies[company.id] = (before, company)

    async def put_members(self, group_id: str, roles: Mapping[str, Role], *, by_rule: bool = False) -> None:
        before = await self._roles_before(group_id, roles)
        await self._transaction.put_members(group_id, roles, by_rule=by_rule)
        self._noted.roles.update({(group_id, one): (before[one], role) for one, role in roles.items()})

    async def remove_members(self, group_id: str, user_ids: Collection[str]) -> None:
        before = await self._roles_before(group_id, user_ids)
        await self._transaction.remove_members(group_id, user_ids)
        self._noted.roles.update({(group_id, one): (before[one], None) for one in user_ids})

    async def add_offboardings(self, begun: Sequence[Offboarding]) -> None:
        await self._transaction.add_offboardings(begun)
        self._noted.begun.update({one.user_id: one for one in begun})

    async def add_audit(self, entries: Sequence[AuditEntry]) -> None:
        await self._transaction.add_audit(entries)
        self._noted.entries.extend(entries)

    async def expect(self, company_id: str, door: Door, expectation: Expectation | None) -> None:
        known = {one.door: one.expected for one in await self._transaction.sources(company_id)}
        await self._transaction.expect(company_id, door, expectation)
        before = known.get(door)
        self._noted.values.setdefault(f"company:{company_id}", {})[f"sources_expected.{door.value}"] = (
            before and before.every,
            expectation and expectation.every,
        )

    async def _roles_before(self, group_id: str, user_ids: Collection[str]) -> Mapping[str, Role | None]:
        known = {one: self._noted.roles[group_id, one][0] for one in user_ids if (group_id, one) in self._noted.roles}
        asked = [one for one in user_ids if one not in known]
        found = await self._transaction.roles_of(group_id, asked) if asked else {}
        return {one: known[one] if one in known else found.get(one) for one in user_ids}
