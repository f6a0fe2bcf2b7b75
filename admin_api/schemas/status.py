"""What is out of step and why, in JSON."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Self

from kleanxmpp.changes import Change
from kleanxmpp.model import Due, ScopeKind
from kleanxmpp.sweep import Drift, SweepReport

from .offboardings import OffboardingView
from .types import RequestBody, View


class DueView(View):
    """Somebody or something that is, or may be, out of step."""

    kind: ScopeKind
    id: str
    priority: Literal["offboarding", "change", "background"]
    attempts: int
    marked_at: datetime | None
    next_attempt_at: datetime | None
    last_error: str | None

    @classmethod
    def of(cls, due: Due) -> Self:
        """Return how a due scope is shown."""
        return cls.model_validate(
            {
                "kind": due.scope.kind,
                "id": due.scope.id,
                "priority": due.priority.value.partition("-")[2],
                "attempts": due.attempts,
                "marked_at": due.marked_at,
                "next_attempt_at": due.next_attempt_at,
                "last_error": due.last_error,
            }
        )


class DueSummary(View):
    """All that is out of step: how much, since when, and the first hundred."""

    count: int
    oldest: datetime | None
    items: list[DueView]


class ServerView(View):
    """Whether the XMPP server can be observed and changed. Null: this process does not know, it runs only the API."""

    reachable: bool | None
    why: str | None
    """Why it is not reachable."""
    unreachable_since: datetime | None


class SweepView(View):
    """What the last full comparison saw."""

    at: datetime
    seconds: float
    people: int
    groups: int
    differing: int
    """How many people and groups were out of step."""
    repairing: int
    """How many of them were set going; 0 on a dry run and when the sweep was held back."""
    removing: int
    """From how many people, rooms and groups the repair takes something."""
    held: str | None
    """Why nothing was repaired: it would have removed too much."""
    strangers: list[str]
    """Usernames that the server let in and the directory does not know."""
    strange_rooms: list[str]
    """Rooms that the directory does not know; they are never changed."""
    strange_shared_groups: list[str]


class StepView(View):
    """One change that would be made."""

    change: str
    target: str
    """The room, contact group or username that it is about."""
    people: int
    """How many people it touches."""


class DriftView(View):
    """A person or group that is out of step, and what would mend it."""

    kind: ScopeKind
    id: str
    plan: list[StepView]

    @classmethod
    def of(cls, drift: Drift) -> Self:
        """Return how a difference is shown."""
        return cls(kind=drift.scope.kind, id=drift.scope.id, plan=[_step(change) for change in drift.plan])


class SweepReportView(SweepView):
    """What a sweep saw, with the first 200 differences."""

    dry_run: bool
    drift: list[DriftView]


class StatusView(View):
    """What is out of step and why."""

    due: DueSummary
    open_offboardings: list[OffboardingView]
    """Off-boardings that are not proven yet, among the first hundred due."""
    server: ServerView
    last_sweep: SweepView | None
    """Null: no sweep of this company since the process started."""


class ReconcileBody(RequestBody):
    """How to sweep."""

    force: bool = False
    """Also when it would remove more than the allowed share."""
    dry_run: bool = False
    """Only look and report."""


def sweep_view(report: SweepReport) -> SweepView:
    """Return how the last sweep is shown."""
    return SweepView.model_validate(_facts(report, dry_run=False))


def report_view(report: SweepReport, *, dry_run: bool) -> SweepReportView:
    """Return how a sweep that was asked for is shown."""
    drift = [DriftView.of(one) for one in report.drift]
    return SweepReportView.model_validate(_facts(report, dry_run=dry_run) | {"dry_run": dry_run, "drift": drift})


def _facts(report: SweepReport, *, dry_run: bool) -> dict[str, object]:
    plain = ("at", "seconds", "people", "groups", "differing", "removing", "held")
    lists = ("strangers", "strange_rooms", "strange_shared_groups")
    facts: dict[str, object] = {name: getattr(report, name) for name in plain}
    facts |= {name: list(getattr(report, name)) for name in lists}
    return facts | {"repairing": 0 if dry_run or report.held else report.differing}


def _step(change: Change) -> StepView:
    fields = {name: getattr(change, name) for name in change.__dataclass_fields__}
    target = next(str(fields[name]) for name in ("room", "username", "name") if name in fields)
    people: Sequence[str] = [*fields.get("affiliations", ()), *fields.get("usernames", ())]
    return StepView(change=type(change).__name__, target=target, people=len(people) or int("username" in fields))
