"""What the assistant may find out for a person. Everything here stays inside the person's own company.

Searching asks for whole names first and becomes forgiving only when nobody was found, so that a right
spelling is never drowned in similar ones.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kleanxmpp.desired import Person, may_chat
from kleanxmpp.model import Company, User
from kleanxmpp.names import fold
from kleanxmpp.ports import Directory
from kleanxmpp.search import best_matches


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPerson:
    """Somebody who may chat, as a colleague may see them."""

    username: str
    display_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Best matches first, and how many were left out. `exact`: their names contain every part of the query."""

    people: tuple[FoundPerson, ...] = ()
    more: int = 0
    exact: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Moderator:
    """A colleague who moderates groups of the asking person; `groups` are the names of these groups."""

    username: str
    display_name: str
    groups: tuple[str, ...]


async def person_who_may_chat(directory: Directory, *, domain: str, username: str) -> Person | None:
    """Return the person behind an address, None if nobody who may chat has it."""
    async with directory.read() as tx:
        company = await tx.company_by_domain(domain)
        user = await tx.user_by_username(company.id, username) if company else None
        if company is None or user is None or not may_chat(company, user):
            return None
        return await tx.person(company.id, user.id)


async def greet_once(directory: Directory, person: Person) -> bool:
    """Return True exactly once per person, for ever."""
    if person.user.greeted:
        return False
    async with directory.write(person.company.id) as tx:
        return await tx.mark_greeted(person.company.id, person.user.username)


async def find_people(directory: Directory, company: Company, query: str, *, limit: int) -> Found:
    """Find people of the company by parts of their names. A query without letters finds nobody."""
    parts = fold(query).split()
    if not parts:
        return Found()
    async with directory.read() as tx:
        holding = await tx.names(company.id, containing=parts)
        everybody = [] if holding else await tx.names(company.id)
    if holding:
        inside_words = sorted(holding, key=lambda name: fold(name[1]))
        return _found(best_matches(query, holding, limit=len(holding)) or inside_words, limit=limit, exact=True)
    # a tenth of a second for ten thousand names: not on the event loop
    similar = await asyncio.to_thread(best_matches, query, everybody, limit=len(everybody))
    return _found(similar, limit=limit, exact=False)


async def moderators_for(directory: Directory, person: Person) -> Sequence[Moderator]:
    """Return who moderates the person's groups, those of most groups first. Never the person themselves.

    Of archived groups nobody does.
    """
    names = {circle.group.id: circle.group.name for circle in person.circles if not circle.group.archived}
    async with directory.read() as tx:
        found = await tx.moderators(names.keys())
    people: dict[str, User] = {}
    groups_of: dict[str, list[str]] = defaultdict(list)
    for group_id, moderators in found.items():
        for user in moderators:
            people[user.id] = user
            groups_of[user.id].append(names[group_id])
    people.pop(person.user.id, None)
    return _in_order(person.company, people, groups_of)


def _found(matches: Sequence[tuple[str, str]], *, limit: int, exact: bool) -> Found:
    people = tuple(FoundPerson(username=username, display_name=name) for username, name in matches[:limit])
    return Found(people=people, more=len(matches) - len(people), exact=exact)


def _in_order(
    company: Company, users: Mapping[str, User], groups_of: Mapping[str, Sequence[str]]
) -> Sequence[Moderator]:
    found = [
        Moderator(
            username=user.username,
            display_name=user.display_name,
            groups=tuple(sorted(groups_of[user.id], key=str.casefold)),
        )
        for user in users.values()
        if may_chat(company, user)
    ]
    return sorted(found, key=lambda one: (-len(one.groups), one.display_name.casefold(), one.username))
