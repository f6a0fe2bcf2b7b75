"""Who comes into a circle and who leaves it by the group's rule. Reads only; `groups` and `following` make it so.

Meant is everybody of the company whom the rule matches, whether they may chat or not (their membership is then just
not effective), but nobody who is excepted. Who is fixed stays whatever the rule says. Whoever is being erased stays
where they are until they are gone.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass

from kleanxmpp import rules
from kleanxmpp.attributes import Attributes
from kleanxmpp.model import Group, User
from kleanxmpp.ports import Transaction, UserFilter
from kleanxmpp.rules import Rule

_PAGE = 2000
_EVERYBODY = UserFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """The ids of the people who come into a circle by its rule, and of those who leave it."""

    joining: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Who stays by the rule although they are taken out: who is in by it already, and who was fixed until now."""

    by_rule: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()


def known_of(user: User) -> Attributes:
    """Return everything that rules may ask about a person."""
    return rules.known(user.attributes, locale=user.locale, email=user.email)


def meant(rule: Rule | None, user: User) -> bool:
    """Whether the rule makes this person a member, exceptions aside."""
    return rule is not None and not user.erasing and rules.matches(rule, rules.facts(known_of(user)))


async def moves(tx: Transaction, group: Group, rule: Rule | None) -> Moves:
    """Return who would come and go if the group had this rule. Reads everybody, page by page."""
    standing = (await tx.standings([group.id])).get(group.id, {})
    staying = {user_id for user_id, one in standing.items() if not one.by_rule}
    excepted = (await tx.excepted([group.id])).get(group.id, frozenset())
    joining: list[str] = []
    if rule is not None:
        async for user in _everybody(tx, group.company_id):
            if user.erasing:
                staying.add(user.id)
            elif user.id not in excepted and meant(rule, user):
                (staying.add if user.id in standing else joining.append)(user.id)
    return Moves(joining=tuple(joining), leaving=tuple(sorted(standing.keys() - staying)))


async def moves_of(tx: Transaction, company_id: str, pairs: Sequence[tuple[User | None, User]]) -> Mapping[str, Moves]:
    """Return who of these people comes and goes now that they changed (None: they are new), by group id.

    Groups that nobody comes into or leaves are missing. The number of queries depends on nothing, and is 0 where
    nothing changed that rules read.
    """
    changed = [(old, new) for old, new in pairs if not new.erasing and (old is None or known_of(old) != known_of(new))]
    if not changed:
        return {}
    found: dict[str, dict[str, bool]] = defaultdict(dict)
    company_rules = await tx.rules(company_id)
    for old, new in changed:
        was, now = rules.facts(known_of(old)) if old else {}, rules.facts(known_of(new))
        for group_id, rule in company_rules.items():
            matches = rules.matches(rule, now)
            if matches is not rules.matches(rule, was):
                found[group_id][new.id] = matches
    return await _settled(tx, found) if found else {}


async def by_rule(tx: Transaction, group: Group, user_ids: Collection[str] | None = None) -> frozenset[str]:
    """Return which of these users (None: of all) are in the circle by the rule. No query for a group without one."""
    if group.rule is None:
        return frozenset()
    standing = (await tx.standings([group.id], user_ids)).get(group.id, {})
    return frozenset(user_id for user_id, one in standing.items() if one.by_rule)


async def kept(tx: Transaction, group: Group, user_ids: Sequence[str]) -> Kept:
    """Say whom of these, who are taken out, the rule keeps in. Cost follows them."""
    if group.rule is None or not user_ids:
        return Kept()
    standing = (await tx.standings([group.id], user_ids)).get(group.id, {})
    excepted = (await tx.excepted([group.id], user_ids)).get(group.id, frozenset())
    fixed = {user_id for user_id, one in standing.items() if not one.by_rule} - excepted
    people = await tx.users_by_id(group.company_id, fixed)
    return Kept(
        by_rule=frozenset(user_id for user_id, one in standing.items() if one.by_rule),
        fixed=frozenset(user.id for user in people.values() if meant(group.rule, user)),
    )


async def _settled(tx: Transaction, found: Mapping[str, Mapping[str, bool]]) -> Mapping[str, Moves]:
    """Turn who matches a group's rule or does not any more into who comes and goes."""
    people = {user_id for matching in found.values() for user_id in matching}
    standings, excepted = await tx.standings(found, people), await tx.excepted(found, people)
    settled: dict[str, Moves] = {}
    for group_id, matching in found.items():
        standing, out = standings.get(group_id, {}), excepted.get(group_id, frozenset())
        one = Moves(
            joining=tuple(u for u, matches in matching.items() if matches and u not in standing and u not in out),
            leaving=tuple(
                u for u, matches in matching.items() if not matches and u in standing and standing[u].by_rule
            ),
        )
        if one != Moves():
            settled[group_id] = one
    return settled


async def _everybody(tx: Transaction, company_id: str) -> AsyncIterator[User]:
    after: str | None = None
    while page := await tx.page_users(company_id, after=after, limit=_PAGE, matching=_EVERYBODY):
        for user in page:
            yield user
        if len(page) < _PAGE:
            return
        after = page[-1].username
