"""What an import changes, in JSON: the same content as `kleanxmpp import --json`."""

from dataclasses import asdict
from datetime import date
from typing import Literal, Self

from kleanxmpp.import_diff import Diff
from kleanxmpp.model import GroupKind, Role

from .types import Query, View


class ImportQuery(Query):
    """How to import."""

    dry_run: bool = False
    """Only say what would change."""
    missing: Literal["keep", "off-board"] = "keep"
    """Who has an external id, is no admin and is not in the file: stays, or has left."""


class FactChangeView(View):
    """One fact as it is and as it will be."""

    fact: str
    old: str | None
    new: str | None


class PersonChangeView(View):
    """Somebody, and what becomes different. Of a new person: what is not as usual."""

    username: str
    display_name: str
    external_id: str | None
    changes: list[FactChangeView]


class DateAheadView(View):
    """What becomes of a later day in the file. What is scheduled already as the file has it is not here."""

    username: str
    event: Literal["joins", "leaves"]
    on: date
    outcome: Literal["scheduled", "moved", "cancelled", "not_scheduled"]
    moved_from: date | None
    why: str | None
    """Why it is not scheduled."""


class GroupAddedView(View):
    """A group that is new."""

    name: str
    kind: GroupKind


class CircleDiffView(View):
    """Who comes into a group (or gets another role), and who leaves it, by username."""

    group: str
    put: dict[str, Role]
    removed: list[str]


class ImportView(View):
    """What the import changed, or would change."""

    dry_run: bool
    people: int
    """How many are in the file."""
    unchanged: int
    strangers: int
    """People of the file who left before they ever were in the directory. They stay out of it."""
    added: list[PersonChangeView]
    changed: list[PersonChangeView]
    off_boarded: list[PersonChangeView]
    """People of the file who lose access."""
    missing: list[PersonChangeView]
    """People who are not in the file and leave, if that was asked for."""
    held: list[PersonChangeView]
    """People who would be off-boarded beyond what one door may do at once. They stay until somebody confirms it."""
    dates: list[DateAheadView]
    groups: list[GroupAddedView]
    circles: list[CircleDiffView]

    @classmethod
    def of(cls, diff: Diff, *, dry_run: bool) -> Self:
        """Return how a diff is shown."""
        return cls.model_validate({"dry_run": dry_run, **asdict(diff)})
