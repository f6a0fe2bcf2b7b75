"""What a sweep saw: how far the server differs from the directory, and what would mend it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kleanxmpp import changes
from kleanxmpp.due import Aspect, Due, Priority, Scope
from kleanxmpp.plan import Plan, removals

_KEPT_PLANS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A scope that is out of step, and what would mend it."""

    scope: Scope
    aspects: Aspect
    plan: Plan


@dataclass(slots=True, kw_only=True)
class SweepReport:
    """What a sweep saw. `drift` holds the first 200 differences, `differing` counts all.

    `strangers` are in the gate but not in the directory; strange rooms and shared groups are not the directory's;
    `traces` takes people without access out of strange rooms. `leftovers` counts by kind what people without access
    still had. `held` says why nothing was mended, until somebody `discarded` that.
    """

    at: datetime
    seconds: float = 0.0
    people: int = 0
    groups: int = 0
    differing: int = 0
    removing: int = 0
    present: int = 0
    held: str | None = None
    discarded: bool = False
    leftovers: Mapping[str, int] = field(default_factory=dict)
    drift: list[Drift] = field(default_factory=list)
    strangers: tuple[str, ...] = ()
    strange_rooms: tuple[str, ...] = ()
    strange_shared_groups: tuple[str, ...] = ()
    traces: list[changes.SetAffiliations] = field(default_factory=list)
    _marks: list[Due] = field(default_factory=list)

    @property
    def waits(self) -> bool:
        """Whether somebody has to decide about it."""
        return self.held is not None and not self.discarded

    def add(self, scope: Scope, aspects: Aspect, plan: Plan) -> None:
        """Note that a scope differs."""
        self.differing += 1
        self.removing += removals(plan)
        if len(self.drift) < _KEPT_PLANS:
            self.drift.append(Drift(scope=scope, aspects=aspects, plan=plan))
        self._marks.append(Due(scope=scope, aspects=aspects, priority=Priority.BACKGROUND, marked_at=self.at))

    def marks(self) -> Sequence[Due]:
        """Return what is to be marked due."""
        return self._marks
