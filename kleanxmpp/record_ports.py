"""The directory's part about what was done: the audit log's chains, and off-boardings with their evidence."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from kleanxmpp.model import AuditEntry, ChainHead, Offboarding


class KeptRecords(Protocol):
    """What was done, and the proof of it; a part of `kleanxmpp.ports.Transaction`."""

    async def add_audit(self, entries: Sequence[AuditEntry]) -> None:
        """Append to the chains of the entries' companies, in this order. Number and hashes are filled in here."""

    async def page_audit(self, company_id: str | None, *, before: int | None, limit: int) -> Sequence[AuditEntry]:
        """Return entries, newest first, those with an id smaller than `before`."""

    async def page_chain(self, company_id: str | None, *, after: tuple[int, int], limit: int) -> Sequence[AuditEntry]:
        """Return entries in the order of (number, id), those after `after`. Raises Damaged for what cannot be read."""

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
