"""The directory's part of the guard against mass changes: what is held, and how much each door has done lately."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from kleanxmpp.model import Door, HeldChange, Hold


class GuardRecords(Protocol):
    """What doors must not do yet, and what they did; a part of `kleanxmpp.ports.Transaction`."""

    async def count_may_chat(self, company_id: str) -> int: ...
    async def passed(self, company_id: str, door: Door, *, since: datetime) -> int:
        """Return how many people the door off-boarded at `since` or later, as `add_passed` was told."""

    async def add_passed(self, company_id: str, door: Door, *, people: int, at: datetime) -> None: ...
    async def forget_passed(self, company_id: str, door: Door, *, before: datetime) -> None: ...
    async def holds(self, company_id: str) -> Sequence[Hold]:
        """Return what waits for a confirmation, at most one hold of each door, in the order of the doors' names."""

    async def hold_id(self, company_id: str, door: Door) -> str | None:
        """Return the id of the door's hold, if anything of it waits."""

    async def waiting(self, company_id: str, door: Door, user_ids: Collection[str]) -> Mapping[str, HeldChange]:
        """Return what the door's hold has about these people, by user id; cost follows them, not the hold."""

    async def hold_back(self, hold: Hold) -> None:
        """Add these changes to the door's hold, whose id is this one. A person's earlier change is replaced."""

    async def release(self, company_id: str, door: Door, user_ids: Collection[str]) -> None:
        """Take these people out of the door's hold, if they are in it."""
