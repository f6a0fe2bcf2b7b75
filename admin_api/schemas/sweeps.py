"""Sweeps and what they saw, in JSON."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from kleanxmpp.changes import Change
from kleanxmpp.due import ScopeKind
from kleanxmpp.sweep_report import Drift, SweepReport

from .types import RequestBody, View


class TraceView(View):
    """People without access in a room that the directory does not know; they are taken out, the room stays."""

    room: str
    people: list[str]
    """Their addresses."""


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
    """Rooms that the directory does not know; they stay as they are, but for `traces`."""
    strange_shared_groups: list[str]
    traces: list[TraceView]
    leftovers: dict[str, int]
    """What people without access still had: `gate`, `sessions`, `rooms`, `strange_rooms`, `contact_groups`,
    `bookmarks`, `push`, `offline_messages`, `tokens`. Kinds of which nothing was found are missing."""


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
    facts["leftovers"] = dict(report.leftovers)
    facts["traces"] = [TraceView(room=step.room, people=sorted(step.affiliations)) for step in report.traces]
    return facts | {"repairing": 0 if dry_run or report.held else report.differing}


def _step(change: Change) -> StepView:
    fields = {name: getattr(change, name) for name in change.__dataclass_fields__}
    target = next(str(fields[name]) for name in ("room", "username", "name") if name in fields)
    people: Sequence[str] = [*fields.get("affiliations", ()), *fields.get("usernames", ())]
    return StepView(change=type(change).__name__, target=target, people=len(people) or int("username" in fields))
