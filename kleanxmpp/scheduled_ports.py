"""The directory's part about what is to happen later: somebody leaves on 31.12., and nobody has to remember it.

What is planned is kept as plain JSON (`said`), because it outlives versions of this program; what it means is in
`kleanxmpp.announcements`. Of what is over only that it happened is kept.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from kleanxmpp.model import Door


class ChangeKind(StrEnum):
    """What HR says about somebody, in the words of the hook."""

    JOINED = "employee.joined"
    UPDATED = "employee.updated"
    PAUSED = "employee.paused"
    LEFT = "employee.left"
    RETURNED = "employee.returned"
    PERMISSION = "permission.changed"


class ScheduleState(StrEnum):
    """What became of something that was planned."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledChange:
    """Something that is to happen to a person at a moment. `user_id` None: the person joins until then.

    `door` None: planned by name, so no guard holds it. Whoever planned it knew of all off-boardings until `aware_at`,
    and that these facts of the person were as in `aware_of`; what gives access must not undo anything else. `result`
    says in words what came of it.
    """

    id: str
    company_id: str
    user_id: str | None = None
    external_id: str | None = None
    kind: ChangeKind
    said: Mapping[str, Any] = field(default_factory=dict, hash=False)
    effective_at: datetime
    created_at: datetime
    aware_at: datetime
    aware_of: Mapping[str, Any] = field(default_factory=dict, hash=False)
    actor: str
    door: Door | None = None
    reason: str | None = None
    state: ScheduleState = ScheduleState.PENDING
    result: str | None = None
    finished_at: datetime | None = None
    version: int = 1


class ScheduledRecords(Protocol):
    """What is planned; a part of `kleanxmpp.ports.Transaction`. In order means: by moment, then as it was planned."""

    async def add_scheduled(self, change: ScheduledChange) -> None:
        """Insert. Wakes `Directory.wait_for_change` after the commit."""

    async def save_scheduled(self, change: ScheduledChange) -> None:
        """Replace an existing one, whole value. Wakes as `add_scheduled`."""

    async def scheduled(self, company_id: str, change_id: str) -> ScheduledChange | None:
        """Return it, whatever its state."""

    async def pending_of(
        self, company_id: str, *, user_id: str | None, external_id: str | None
    ) -> Sequence[ScheduledChange]:
        """Return what is pending for the person with one of these ids, in order; None is nobody's id."""

    async def page_scheduled(
        self,
        company_id: str,
        *,
        user_id: str | None,
        states: Collection[ScheduleState],
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> Sequence[ScheduledChange]:
        """Return up to `limit` by (moment, id), those after `after`; of one person or (None) of everybody."""

    async def due_changes(self, *, now: datetime, limit: int) -> Sequence[ScheduledChange]:
        """Return what is pending in all companies and whose moment has come, in order."""

    async def next_change_at(self, company_id: str | None = None) -> datetime | None:
        """Return the earliest pending moment, of one company or (None) of all, be it past."""

    async def count_scheduled(self, company_id: str) -> Mapping[ScheduleState, int]:
        """Return how many there are in each state; a state that none is in is missing."""
