"""What waits for a confirmation, in JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field

from kleanxmpp.holds import SWEEP_ID, Confirmed
from kleanxmpp.model import Absence, Door, HeldChange, Hold, User
from kleanxmpp.sweep_report import SweepReport

from .sweeps import SweepReportView
from .types import RequestBody, View

_SHOWN = 100
_FACTS: tuple[Literal["active", "chat_permission"], ...] = ("active", "chat_permission")


class HeldChangeView(View):
    """Somebody who would be off-boarded."""

    user_id: str
    username: str
    display_name: str
    loses: list[Literal["active", "chat_permission"]]
    absence: Absence | None
    """The absence that would begin."""
    returns_on: datetime | None
    """When that absence would end by itself."""
    reason: str | None
    actor: str
    at: datetime

    @classmethod
    def of(cls, change: HeldChange, user: User) -> Self:
        """Return how a held change is shown."""
        return cls(
            user_id=user.id,
            username=user.username,
            display_name=user.display_name,
            loses=[name for name in _FACTS if not getattr(change, name)],
            absence=change.absence,
            returns_on=change.absent_until,
            reason=change.reason,
            actor=change.actor,
            at=change.at,
        )


class HoldView(View):
    """Everything of one door (an import, another system, the sweep) that waits for one confirmation."""

    id: str
    """For `confirm` and `discard`. Of a held sweep always `sweep`."""
    door: Door
    since: datetime
    people: int
    """How many would be off-boarded; of a sweep: from how many people, rooms and groups something would be taken."""
    why: str
    changes: list[HeldChangeView]
    """The first hundred. Of a sweep none: what it would do is told by a dry run."""

    @classmethod
    def of(cls, hold: Hold, users: Mapping[str, User]) -> Self:
        """Return how a hold is shown. `users`: those of the first changes, by id."""
        people = len(hold.changes)
        return cls(
            id=hold.id,
            door=hold.door,
            since=hold.since,
            people=people,
            why=f"These {people} would be off-boarded beyond what one door may do at once. They stay as they are.",
            changes=[HeldChangeView.of(one, users[one.user_id]) for one in hold.changes if one.user_id in users],
        )

    @classmethod
    def of_sweep(cls, report: SweepReport) -> Self:
        """Return how a held sweep is shown."""
        return cls(
            id=SWEEP_ID,
            door=Door.SWEEP,
            since=report.at,
            people=report.removing,
            why=report.held or "",
            changes=[],
        )


class HoldPage(View):
    """All of them; there are only a few doors."""

    items: list[HoldView]
    next_cursor: str | None


class ConfirmBody(RequestBody):
    """How to confirm."""

    people: Annotated[int, Field(ge=1)] | None = None
    """How many you were shown. If there are more or fewer by now, nothing is done."""


class SkippedView(View):
    """Somebody who was left as they are."""

    user_id: str
    why: str


class ConfirmedView(View):
    """What a confirmation did."""

    id: str
    door: Door
    off_boarded: list[str]
    """Ids of the people whose off-boarding began."""
    skipped: list[SkippedView]
    """Those who left, or came back, since they were held."""
    sweep: SweepReportView | None
    """What the sweep saw that was made instead of the held one."""

    @classmethod
    def of(cls, done: Confirmed) -> Self:
        """Return how a confirmation is shown."""
        return cls(
            id=done.hold.id,
            door=done.hold.door,
            off_boarded=list(done.off_boarded),
            skipped=[SkippedView(user_id=one.user_id, why=one.why) for one in done.skipped],
            sweep=None,
        )

    @classmethod
    def of_sweep(cls, report: SweepReportView) -> Self:
        """Return how the confirmation of a sweep is shown."""
        return cls(id=SWEEP_ID, door=Door.SWEEP, off_boarded=[], skipped=[], sweep=report)


def first_people(hold: Hold) -> list[str]:
    """Return the ids of the people who are shown."""
    return [change.user_id for change in hold.changes[:_SHOWN]]
