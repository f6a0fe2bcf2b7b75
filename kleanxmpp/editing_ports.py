"""The directory's part for those who edit circles by hand: everybody by what one writes on a list, sizes, progress.

Whole companies are read as few short rows here, because a pasted list or a whole site is found among all people.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kleanxmpp.attributes import Attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPerson:
    """Somebody by what others may call them."""

    id: str
    username: str
    display_name: str
    email: str | None = None
    external_id: str | None = None
    attributes: Attributes = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleDue:
    """How many people of a circle, or on their way out of it, the server does not have as they should be.

    `failing`: those of them for whom an attempt failed; `error` is the last one of these.
    """

    waiting: int = 0
    failing: int = 0
    error: str | None = None


class EditingRecords(Protocol):
    """A part of `kleanxmpp.ports.Transaction`."""

    async def known_people(self, company_id: str) -> Sequence[KnownPerson]:
        """Return everybody but those who are being erased, in the order of their usernames. One query."""

    async def member_counts(self, group_ids: Collection[str]) -> Mapping[str, int]:
        """Return how many memberships these groups have; groups without any are missing. Few queries."""

    async def people_due(self, company_id: str, group_id: str) -> PeopleDue:
        """Count the due scopes of a circle's people that are about circles or bookmarks. One query."""
