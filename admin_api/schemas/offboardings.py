"""Off-boardings and their evidence in JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field

from kleanxmpp.model import Evidence, Handover, Mode, Offboarding

from .types import Query, View


class EvidenceView(View):
    """One door: what was found behind it, what was done, and what was seen when it was looked at again."""

    item: str
    found: int | None
    """How many were there; null: it was not counted."""
    done: int
    left: int | None
    """How many were there at the second look; null: it could not be looked at."""
    closed: bool | None
    """Whether the second look found it closed; null: not known."""
    milliseconds: int
    """From the request to the second look."""

    @classmethod
    def of(cls, line: Evidence) -> Self:
        """Return how a line of evidence is shown."""
        return cls(
            item=line.item,
            found=line.found,
            done=line.done,
            left=line.left,
            closed=line.closed,
            milliseconds=line.milliseconds,
        )


class HandoverView(View):
    """A group that the person moderated, and who moderates it now."""

    group_id: str
    group_name: str | None
    """Null: the group was deleted since."""
    to: list[str]
    """The ids of the people who became moderators for it."""
    others: int
    """How many moderators were there already. If this is 0 and `to` is empty, nobody could take over."""

    @classmethod
    def of(cls, handover: Handover, *, names: Mapping[str, str]) -> Self:
        """Return how a handover is shown. `names` are those of groups that exist, by id."""
        name = names.get(handover.group_id)
        return cls(group_id=handover.group_id, group_name=name, to=list(handover.to), others=handover.others)


class OffboardingView(View):
    """Everything that happened when a person stopped being allowed to chat. Stays readable after erasure."""

    id: str
    user_id: str
    state: Literal["running", "complete", "cancelled"]
    """`cancelled`: the person was let in again before it was complete."""
    complete: bool
    """True only when every door was looked at again and found closed."""
    mode: Mode
    """Why it happened."""
    reason: str | None
    actor: str
    """Who asked, as in the audit log: `token:ID`, `shell:NAME`."""
    requested_at: datetime
    completed_at: datetime | None
    milliseconds: int | None
    """From the request to the proof."""
    status_url: str
    """Where this can be read again."""
    evidence: list[EvidenceView]
    """While it is running: what the last attempt saw."""
    handovers: list[HandoverView]

    @classmethod
    def of(cls, found: Offboarding, *, names: Mapping[str, str]) -> Self:
        """Return how an off-boarding is shown. `names` are those of groups that exist, by id."""
        state: Literal["running", "complete", "cancelled"] = "running"
        if found.cancelled_at is not None:
            state = "cancelled"
        elif found.complete:
            state = "complete"
        took = None if found.completed_at is None else found.completed_at - found.requested_at
        return cls(
            id=found.id,
            user_id=found.user_id,
            state=state,
            complete=found.complete,
            mode=found.mode,
            reason=found.reason,
            actor=found.actor,
            requested_at=found.requested_at,
            completed_at=found.completed_at,
            milliseconds=None if took is None else round(took.total_seconds() * 1000),
            status_url=status_url(found),
            evidence=[EvidenceView.of(line) for line in found.evidence],
            handovers=[HandoverView.of(one, names=names) for one in found.handovers],
        )


class OffboardingQuery(Query):
    """How many."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100


class PrintQuery(Query):
    """In which language."""

    lang: Literal["de", "en"] | None = None
    """Left out: what Accept-Language prefers, else the company's."""


class OffboardingPage(View):
    """The newest first."""

    items: list[OffboardingView]
    next_cursor: str | None


def status_url(offboarding: Offboarding) -> str:
    """Return the address under which an off-boarding can be read."""
    return f"/api/v1/users/{offboarding.user_id}/offboardings/{offboarding.id}"
