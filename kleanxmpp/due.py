"""The unit of work: which part of what may be out of step with the server, and how urgent that is."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntFlag, StrEnum


class ScopeKind(StrEnum):
    """What a unit of work is about. `company` holds what belongs to no single person or group: the gate's existence."""

    COMPANY = "company"
    GROUP = "group"
    USER = "user"


class Aspect(IntFlag):
    """Which part of a user's scope is to be looked at, so that cost follows the change.

    Group and company scopes are always looked at whole (`ALL`).
    """

    ACCESS = 1  # the gate and live sessions
    PROFILE = 2  # names and photo on the server
    CIRCLES = 4  # affiliations and contact groups
    BOOKMARKS = 8
    LEFTOVERS = 16  # push registrations, waiting messages, tokens of who has no access
    ALL = 31


class Priority(StrEnum):
    """Order of work: off-boardings before everything, what a sweep found after everything. Sorts alphabetically."""

    OFFBOARDING = "0-offboarding"
    CHANGE = "1-change"
    BACKGROUND = "2-background"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The unit of work: one user, one group, or what the company holds as a whole."""

    kind: ScopeKind
    company_id: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A scope that is, or may be, out of step. `revision` grows with every mark, so a mark made meanwhile is seen."""

    scope: Scope
    aspects: Aspect = Aspect.ALL
    priority: Priority = Priority.CHANGE
    revision: int = 0
    attempts: int = 0
    marked_at: datetime | None = None
    next_attempt_at: datetime | None = None
    last_error: str | None = None
