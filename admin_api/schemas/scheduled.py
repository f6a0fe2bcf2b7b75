"""What is to happen later, in JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from kleanxmpp import announcements, errors, moments
from kleanxmpp.announcements import Announcement
from kleanxmpp.model import Company, Door
from kleanxmpp.scheduled_ports import ChangeKind, ScheduledChange, ScheduleState

from .announcements import Moment, SaidBody, announcement_of
from .types import Id, ListQuery, PatchBody, View, cursor_after
from .users import Reason

OPEN = (ScheduleState.PENDING, ScheduleState.FAILED)


class NewScheduledBody(SaidBody):
    """Something to plan for a person."""

    user_id: Id
    type: Literal["employee.updated", "employee.paused", "employee.left", "employee.returned", "permission.changed"]
    """What is to happen."""
    effective_at: Moment
    """When. Without offset: in the company's time zone. A date alone: the end of that day for `employee.left`, the last
    one that counts; its beginning for everything else."""
    hand_over_to: Id | None = None
    """Who becomes moderator of the groups that the person moderates; for `employee.left` and `employee.paused`."""
    reason: Reason | None = None

    def announcement(self, company: Company) -> Announcement:
        """Return the core's value. Raises Invalid."""
        return announcement_of(ChangeKind(self.type), self, company=company, hand_over_to=self.hand_over_to)


class ScheduledPatchBody(PatchBody):
    """What shall be different."""

    effective_at: Moment | None = None
    """The new moment, written like the old one. Left out: it stays."""
    reason: Reason | None = None


class ScheduledQuery(ListQuery):
    """Which of them."""

    user_id: Id | None = None
    """Only what is planned for this person."""
    state: Literal["pending", "done", "failed", "cancelled"] | None = None
    """Only those in this state. Left out: what is pending, and what failed and needs somebody."""

    def states(self) -> tuple[ScheduleState, ...]:
        """Return the states to show."""
        return OPEN if self.state is None else (ScheduleState(self.state),)

    def after_moment(self) -> tuple[datetime, str] | None:
        """Return where the page before ended. Raises Invalid for a cursor that this list did not give out."""
        key = self.after()
        if key is None:
            return None
        moment, _, change_id = key.partition("|")
        try:
            at = datetime.fromisoformat(moment)
        except ValueError:
            at = None
        if at is None or at.tzinfo is None or not change_id:
            raise errors.Invalid("This is not a cursor that this list gave out.", field="cursor")
        return at, change_id


class ScheduledView(View):
    """Something that is to happen to a person at a moment, or happened then."""

    id: str
    user_id: str | None
    """Null: somebody who joins then."""
    external_id: str | None
    """Of somebody who joins then."""
    type: ChangeKind
    effective_at: datetime
    """In the company's time zone. The moment stays when the company's zone changes."""
    data: Mapping[str, Any]
    """What will be different. Empty when it is over."""
    reason: str | None
    actor: str
    """Who planned it, as in the audit log."""
    door: Door | None
    """By which door it came. Null: planned by name, so that nothing holds it back."""
    state: ScheduleState
    result: str | None
    """What came of it: `applied`, `held` (waits for a confirmation), `nothing to change`, or why it failed or was
    cancelled."""
    created_at: datetime
    finished_at: datetime | None
    version: int

    @classmethod
    def of(cls, change: ScheduledChange, *, company: Company) -> Self:
        """Return how a plan is shown."""
        names = (
            "id", "user_id", "external_id", "reason", "actor", "door", "state", "result", "created_at", "finished_at",
            "version",
        )  # fmt: skip
        facts = {name: getattr(change, name) for name in names}
        moment = local(change.effective_at, company=company)
        return cls(type=change.kind, effective_at=moment, data=change.said, **facts)


class ScheduledPage(View):
    """By moment, the next first."""

    items: list[ScheduledView]
    next_cursor: str | None


class ScheduledSummary(View):
    """How much is planned."""

    pending: int
    next_at: datetime | None
    """When the next of it happens."""
    failed: int
    """How much could not be done and waits for somebody: look at it in the list."""


def local(moment: datetime, *, company: Company) -> datetime:
    """Return the moment as the company's clocks show it."""
    return moment.astimezone(ZoneInfo(company.timezone))


def moment_of(text: str, what: Announcement, *, company: Company) -> datetime:
    """Return when an announcement takes effect. Raises Invalid."""
    ends_day = what.kind is ChangeKind.LEFT
    return moments.effective(text, timezone=company.timezone, takes=what.takes, ends_day=ends_day)


def new_moment_of(text: str, change: ScheduledChange, *, company: Company) -> datetime:
    """Return when a plan shall take effect instead. Raises Invalid."""
    return moment_of(text, announcements.kept(change), company=company)


def cursor_of(change: ScheduledChange) -> str:
    """Return the cursor of what follows this plan."""
    return cursor_after(f"{change.effective_at.isoformat()}|{change.id}")
