"""The directory's part about what was done: the audit log's chains, and off-boardings with their evidence."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from kleanxmpp.model import AuditEntry, ChainHead, Offboarding


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries of the audit log are meant; None: all of them.

    `people`: ids of whom an entry is about or who acted. `actors`: beginnings of the actor. `since` is included,
    `until` is not.
    """

    people: frozenset[str] | None = None
    action: str | None = None
    actors: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def references(self) -> frozenset[str] | None:
        """The people, as entries name them."""
        return None if self.people is None else frozenset(f"user:{user_id}" for user_id in self.people)


EVERY_ENTRY = AuditFilter()


class WrittenEntry(NamedTuple):
    """An entry of the audit log as plain columns: `at` is spelled as the hash covers it, `details` is the JSON text.

    Nothing of it is looked at: what somebody changed past the program may be anything.
    """

    id: int
    number: int
    previous: str
    hash: str
    at: str
    actor: str
    action: str
    subject: str
    reason: str | None
    details: str


class KeptRecords(Protocol):
    """What was done, and the proof of it; a part of `kleanxmpp.ports.Transaction`."""

    async def add_audit(self, entries: Sequence[AuditEntry]) -> None:
        """Append to the chains of the entries' companies, in this order. Number and hashes are filled in here."""

    async def page_audit(
        self, company_id: str | None, *, before: int | None, limit: int, matching: AuditFilter = EVERY_ENTRY
    ) -> Sequence[AuditEntry]:
        """Return the entries that match, newest first, those with an id smaller than `before`."""

    async def page_chain(self, company_id: str | None, *, after: tuple[int, int], limit: int) -> Sequence[AuditEntry]:
        """Return entries in the order of (number, id), those after `after`. Raises Damaged for what cannot be read."""

    async def page_written(
        self, company_id: str | None, *, after: tuple[int, int], limit: int
    ) -> Sequence[WrittenEntry]:
        """Return the same as plain columns, for whoever goes through a whole chain."""

    async def chain_head(self, company_id: str | None) -> ChainHead | None:
        """Return where the chain ends according to its last append; None if nothing was ever added."""

    async def chains(self) -> frozenset[str | None]:
        """Return the company ids of all chains, those of which only entries or only the head are left included."""

    async def add_offboardings(self, begun: Sequence[Offboarding]) -> None: ...
    async def save_offboardings(self, changed: Sequence[Offboarding]) -> None:
        """Replace existing ones, whole values. Few statements."""

    async def offboarding(self, company_id: str, offboarding_id: str) -> Offboarding | None: ...
    async def offboardings_by_id(self, company_id: str, offboarding_ids: Collection[str]) -> Mapping[str, Offboarding]:
        """Return the off-boardings found, by id; unknown ids are missing. Few queries."""

    async def open_offboarding(self, user_id: str) -> Offboarding | None:
        """Return the one that is neither completed nor cancelled, if there is one."""

    async def open_offboardings(
        self, company_id: str, user_ids: Collection[str] | None = None
    ) -> Sequence[Offboarding]:
        """Return those of these users (None: of everybody) that are neither completed nor cancelled, oldest first."""

    async def page_offboardings(self, company_id: str, user_id: str, *, limit: int) -> Sequence[Offboarding]:
        """Return the newest first."""

    async def newest_offboardings(self, company_id: str, user_ids: Collection[str]) -> Mapping[str, Offboarding]:
        """Return each user's newest off-boarding, however it ended; who has none is missing."""
