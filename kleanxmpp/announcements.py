"""What is announced about a person: joined, changed, away, left, back. What it says, and what of earlier plans it ends.

An announcement is a patch with a name. A plan that was made is replaced by a newer one of the same kind, and plans that
would give access back do not survive a newer word that takes it; what is planned to take access ends only by a newer
word of the same kind, or by somebody who cancels it. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kleanxmpp.attributes import Attributes
from kleanxmpp.edits import UserPatch
from kleanxmpp.model import Absence, User
from kleanxmpp.scheduled_ports import ChangeKind, ScheduledChange

FACTS = ("display_name", "email", "locale", "attributes")
"""What `employee.updated` can be about."""
REPLACED, TAKEN_BACK = "a newer announcement of this kind replaced it", "a newer announcement took the access away"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What somebody said about a person. `username`: the one a joiner shall get. `hand_over_to`: who takes over groups.

    `patch` has everything that shall be different, `active` of joiners and leavers included.
    """

    kind: ChangeKind
    patch: UserPatch
    username: str | None = None
    hand_over_to: str | None = None

    @property
    def takes(self) -> bool:
        """Whether it is to take access."""
        withdrawn = self.kind is ChangeKind.PERMISSION and not self.patch.chat_permission
        return withdrawn or self.kind in {ChangeKind.LEFT, ChangeKind.PAUSED}

    @property
    def gives(self) -> bool:
        """Whether it is to give access."""
        granted = self.kind is ChangeKind.PERMISSION and self.patch.chat_permission
        return granted or self.kind in {ChangeKind.JOINED, ChangeKind.RETURNED}


def joined(patch: UserPatch, *, username: str | None) -> Announcement:
    """Somebody is employed from then on, maybe again. An absence goes on: HR repeats that people are employed."""
    patch = _with(patch, {"active": True})
    return Announcement(kind=ChangeKind.JOINED, patch=patch, username=username)


def updated(patch: UserPatch) -> Announcement:
    """Facts about somebody changed."""
    return Announcement(kind=ChangeKind.UPDATED, patch=patch)


def paused(absence: Absence, *, until: datetime | None, hand_over_to: str | None = None) -> Announcement:
    """Somebody is away for a while; until somebody ends it, if `until` is None."""
    patch = _with(UserPatch(fields=frozenset()), {"absence": absence, "absent_until": until})
    return Announcement(kind=ChangeKind.PAUSED, patch=patch, hand_over_to=hand_over_to)


def left(*, hand_over_to: str | None = None) -> Announcement:
    """Somebody goes for good."""
    patch = _with(UserPatch(fields=frozenset()), {"active": False})
    return Announcement(kind=ChangeKind.LEFT, patch=patch, hand_over_to=hand_over_to)


def returned() -> Announcement:
    """Somebody is back, from an absence or after leaving."""
    patch = _with(UserPatch(fields=frozenset()), {"active": True, "absence": None, "absent_until": None})
    return Announcement(kind=ChangeKind.RETURNED, patch=patch)


def permission(granted: bool) -> Announcement:
    """Somebody gets or loses the permission to chat."""
    patch = _with(UserPatch(fields=frozenset()), {"chat_permission": granted})
    return Announcement(kind=ChangeKind.PERMISSION, patch=patch)


def to_keep(announcement: Announcement) -> Mapping[str, Any]:
    """Return what was said as plain JSON, without the kind."""
    said = {name: _plain(getattr(announcement.patch, name)) for name in sorted(announcement.patch.fields)}
    more = {name: getattr(announcement, name) for name in ("username", "hand_over_to") if getattr(announcement, name)}
    return said | more


def kept(change: ScheduledChange) -> Announcement:
    """Return what a plan says."""
    said = dict(change.said)
    more = {name: said.pop(name, None) for name in ("username", "hand_over_to")}
    values = dict(said)
    if values.get("absence") is not None:
        values["absence"] = Absence(values["absence"])
    if values.get("absent_until") is not None:
        values["absent_until"] = datetime.fromisoformat(values["absent_until"])
    if "attributes" in values:
        values["attributes"] = {name: tuple(texts) for name, texts in values["attributes"].items()}
    return Announcement(kind=change.kind, patch=UserPatch(fields=frozenset(said), **values), **more)


def aware_of(user: User | None) -> Mapping[str, Any]:
    """Return the facts of a person that a plan must know of, if it is to give access; somebody who joins has it all."""
    if user is None:
        return {"active": True, "chat_permission": True, "absence": None}
    return {name: getattr(user, name) for name in ("active", "chat_permission", "absence")}


def is_outdated(plan: ScheduledChange, user: User) -> bool:
    """Whether the plan would give something back that it did not know was taken."""
    taken = {
        "active": not user.active,
        "chat_permission": not user.chat_permission,
        "absence": user.absence is not None,
    }
    given = kept(plan).patch.fields & taken.keys()
    return any(taken[name] and plan.aware_of.get(name) != getattr(user, name) for name in given)


def why_over(plan: ScheduledChange, *, new: Announcement, at: datetime, now: datetime) -> str | None:
    """Say why a pending plan ends because of a newer word about the same person, valid from `at`; None: it stays."""
    old = kept(plan)
    if old.kind is new.kind and _replaces(new, old, at=at, planned_at=plan.effective_at, now=now):
        return REPLACED
    undone = {
        ChangeKind.LEFT: {ChangeKind.JOINED, ChangeKind.RETURNED},
        ChangeKind.PAUSED: {ChangeKind.RETURNED},
        ChangeKind.PERMISSION: {ChangeKind.PERMISSION},
    }
    if new.takes and old.gives and old.kind in undone[new.kind] and plan.effective_at >= at:
        return TAKEN_BACK
    return None


def _replaces(new: Announcement, old: Announcement, *, at: datetime, planned_at: datetime, now: datetime) -> bool:
    """Whether the newer of two words of one kind stands for both."""
    if new.kind is ChangeKind.UPDATED:  # what is so from now on does not contradict what changes later
        return at > now and _names(old) <= _names(new)
    if new.kind is ChangeKind.PERMISSION:
        return new.patch.chat_permission is old.patch.chat_permission
    if new.kind is ChangeKind.PAUSED:  # two absences that do not touch each other
        return not (_is_over(old, by=at) or _is_over(new, by=planned_at))
    return True


def _is_over(absence: Announcement, *, by: datetime) -> bool:
    return absence.patch.absent_until is not None and absence.patch.absent_until <= by


def _names(announcement: Announcement) -> set[str]:
    """Return what an update is about, attribute by attribute."""
    attributes: Attributes = announcement.patch.attributes
    return set(announcement.patch.fields - {"attributes"}) | {f"attributes.{name}" for name in attributes}


def _with(patch: UserPatch, said: Mapping[str, Any]) -> UserPatch:
    """Return the patch with more that is meant."""
    known = {name: getattr(patch, name) for name in patch.fields}
    return UserPatch(fields=patch.fields | said.keys(), **(known | dict(said)))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: list(texts) for name, texts in value.items()}
    return value
