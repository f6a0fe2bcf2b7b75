"""What is announced about a person, in JSON: the fields that events of the HR hook and plans have in common.

One object for all kinds, because senders fill one form; which fields belong to which kind is checked here, and said by
name.
"""

from typing import Annotated, Literal

from pydantic import Field

from kleanxmpp import announcements, errors, moments, returns
from kleanxmpp.announcements import Announcement
from kleanxmpp.edits import UserPatch
from kleanxmpp.model import Absence, Company
from kleanxmpp.scheduled_ports import ChangeKind

from .types import PatchBody
from .users import AttributesBody, DisplayName, Email, Locale, Username, values_by_name

Moment = Annotated[str, Field(pattern=moments.PATTERN, max_length=32, examples=["2026-12-31T18:00"])]
_BELONGS: dict[ChangeKind, frozenset[str]] = {
    ChangeKind.JOINED: frozenset({"display_name", "username", "email", "locale", "attributes", "chat_permission"}),
    ChangeKind.UPDATED: frozenset(announcements.FACTS),
    ChangeKind.PAUSED: frozenset({"mode", "returns_on", "hand_over_to"}),
    ChangeKind.LEFT: frozenset({"hand_over_to"}),
    ChangeKind.RETURNED: frozenset(),
    ChangeKind.PERMISSION: frozenset({"chat_permission"}),
}
_NEEDED = {ChangeKind.JOINED: "display_name", ChangeKind.PERMISSION: "chat_permission"}
_ABOUT_ALL = frozenset({"external_id", "user_id", "type", "effective_at", "reason"})


class SaidBody(PatchBody):
    """What is said about a person. What is left out stays as it is."""

    display_name: DisplayName = ""
    """The name that colleagues see. Needed for `employee.joined`, allowed for `employee.updated`."""
    username: Username = ""
    """The first part of the chat address, for ever. Only for `employee.joined`; made from the name when left out."""
    email: Email | None = None
    """`null` removes it. For `employee.joined` and `employee.updated`."""
    locale: Locale = ""
    """The language the assistant speaks. For `employee.joined` and `employee.updated`."""
    attributes: AttributesBody = Field(default_factory=dict)
    """What rules about circles read; an empty list removes one. For `employee.joined` and `employee.updated`."""
    chat_permission: bool = True
    """Has the permission "Chat". Needed for `permission.changed`, allowed for `employee.joined`."""
    mode: Literal["paused", "garden_leave"] = "paused"
    """How somebody is away; only for `employee.paused`. Left out: `paused`, no access at all."""
    returns_on: Annotated[str, Field(pattern=returns.PATTERN, max_length=32, examples=["2027-03-01"])] | None = None
    """When an absence ends by itself: a date (the beginning of that day) or a date-time with offset. Only for
    `employee.paused`."""


def announcement_of(kind: ChangeKind, body: SaidBody, *, company: Company, hand_over_to: str | None) -> Announcement:
    """Return the core's value. Raises Invalid with the field named for what does not belong together."""
    said = body.model_fields_set - _ABOUT_ALL
    for name in sorted(said - _BELONGS[kind]):
        raise errors.Invalid(f"This does not belong to {kind.value}.", field=name)
    needed = _NEEDED.get(kind)
    if needed is not None and needed not in said:
        raise errors.Invalid(f"This is needed for {kind.value}.", field=needed)
    match kind:
        case ChangeKind.JOINED:
            return announcements.joined(_patch(body, said - {"username"}), username=body.username or None)
        case ChangeKind.UPDATED:
            if not said:
                raise errors.Invalid("Say what changed.", field="type")
            return announcements.updated(_patch(body, said))
        case ChangeKind.PAUSED:
            until = None if body.returns_on is None else returns.moment(body.returns_on, company=company)
            return announcements.paused(Absence(body.mode), until=until, hand_over_to=hand_over_to)
        case ChangeKind.LEFT:
            return announcements.left(hand_over_to=hand_over_to)
        case ChangeKind.RETURNED:
            return announcements.returned()
        case ChangeKind.PERMISSION:
            return announcements.permission(body.chat_permission)


def _patch(body: SaidBody, said: set[str] | frozenset[str]) -> UserPatch:
    values = {name: getattr(body, name) for name in said}
    if "attributes" in said:
        values["attributes"] = values_by_name(body.attributes)
    return UserPatch(fields=frozenset(said), **values)
