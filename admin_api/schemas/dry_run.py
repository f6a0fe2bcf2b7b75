"""What a dry run found, in JSON."""

from typing import Literal, Self

from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from kleanxmpp.differences import Difference
from kleanxmpp.model import Mode, Role

from .types import View


class ValueChange(View):
    """One value, as it is and as it would be; null: none."""

    before: JsonValue
    after: JsonValue


class PlaceChange(View):
    """Somebody's place in a circle, as it is and as it would be; null: no member."""

    user_id: str
    before: Role | None
    after: Role | None


class DifferenceView(View):
    """What would be different about somebody or something."""

    subject: str
    """`user:ID`, `group:ID`, … as in the audit log. The id of what does not exist yet is another one each time."""
    name: str | None
    """What people call it."""
    actions: list[str]
    """What the audit log would say, for example `user.changed`, or `user.held` for what would wait."""
    values: dict[str, ValueChange]
    """Field by field, only what differs."""
    off_boarding: Mode | None
    """Why an off-boarding would begin; null: none would."""
    circle: list[PlaceChange]
    """Who would come into the circle, go, or get another role."""

    @classmethod
    def of(cls, found: Difference) -> Self:
        """Return how a difference is shown."""
        values = {
            name: ValueChange(before=to_jsonable_python(before), after=to_jsonable_python(after))
            for name, (before, after) in found.values.items()
        }
        return cls(
            subject=found.subject,
            name=found.name,
            actions=list(found.actions),
            values=values,
            off_boarding=found.off_boarding,
            circle=[PlaceChange(user_id=p.user_id, before=p.before, after=p.after) for p in found.circle],
        )


class DryRunView(View):
    """What the request would change. Nothing was changed."""

    dry_run: Literal[True] = True
    status: int
    """The status that the request itself would be answered with."""
    changes: list[DifferenceView]
    """Subject by subject; empty: everything is like that already."""
