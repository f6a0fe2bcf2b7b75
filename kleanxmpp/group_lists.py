"""The groups of a company as somebody looks through them: found by parts of their names, theirs first, with sizes.

All names are read, because they are compared as people write them (`naechte` finds „Nächte“); a company has few groups.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from kleanxmpp import names
from kleanxmpp.model import Company, Group
from kleanxmpp.ports import Transaction

PER_PAGE = 50
_AT_ONCE = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedGroup:
    """A group with the number of its members. `own`: of those that were to come first."""

    group: Group
    size: int
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupList:
    """A page of the groups that were found. `found` of `total` groups; pages count from 1.

    `archived`: how many archived groups there are, whichever were asked for.
    """

    rows: Sequence[ListedGroup]
    page: int
    pages: int
    found: int
    total: int
    archived: int


async def listed(
    tx: Transaction,
    company: Company,
    *,
    text: str = "",
    own: Collection[str] = (),
    page: int = 1,
    archived: bool = False,
) -> GroupList:
    """Return a page of the groups with all words of `text` in name or description, those in `own` (ids) first.

    Of the archived ones, or of all others.
    """
    everything = await _all(tx, company)
    groups = [group for group in everything if group.archived is archived]
    words = names.fold(text).split()
    found = [group for group in groups if not words or _fits(group, words)]
    found.sort(key=lambda group: (group.id not in own, names.fold(group.name), group.slug))
    pages = max(1, -(-len(found) // PER_PAGE))
    page = min(max(page, 1), pages)
    shown = found[(page - 1) * PER_PAGE : page * PER_PAGE]
    sizes = await tx.member_counts([group.id for group in shown])
    rows = [ListedGroup(group=group, size=sizes.get(group.id, 0), own=group.id in own) for group in shown]
    count = len(groups) if archived else len(everything) - len(groups)
    return GroupList(rows=rows, page=page, pages=pages, found=len(found), total=len(groups), archived=count)


async def _all(tx: Transaction, company: Company) -> list[Group]:
    found: list[Group] = []
    after: str | None = None
    while page := await tx.page_groups(company.id, after=after, limit=_AT_ONCE):
        found += page
        if len(page) < _AT_ONCE:
            break
        after = page[-1].slug
    return found


def _fits(group: Group, words: Sequence[str]) -> bool:
    about = f"{names.fold(group.name)} {names.fold(group.description)}"
    return all(word in about for word in words)
