"""What an import changes, for people to read and for programs, with the same content. Pure.

Grouped by what matters most when somebody looks at it before it is done: who comes, who changes and how, who goes and
why, who waits for a confirmation, and then the groups.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

from kleanxmpp.guard import takes_access
from kleanxmpp.import_dates import Dated, Outcome
from kleanxmpp.import_plan import CircleChange, ImportPlan
from kleanxmpp.model import Company, GroupKind, Role, User

_FACTS = ("display_name", "external_id", "email", "locale", "active", "chat_permission")
_ACCESS = ("active", "chat_permission")


@dataclass(frozen=True, slots=True, kw_only=True)
class FactChange:
    """One fact as it is and as it will be. None: nothing is known."""

    fact: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonChange:
    """Somebody, and what becomes different. Of a new person: what is not as usual."""

    username: str
    display_name: str
    external_id: str | None
    changes: tuple[FactChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DateAhead:
    """What becomes of a later day in the file. `why` says why it is not scheduled.

    What is scheduled already as the file has it is not told.
    """

    username: str
    event: Literal["joins", "leaves"]
    on: date
    outcome: Outcome
    moved_from: date | None
    why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAdded:
    """A group that is new."""

    name: str
    kind: GroupKind


@dataclass(frozen=True, slots=True, kw_only=True)
class CircleDiff:
    """Who comes into a group (or gets another role), and who leaves it."""

    group: str
    put: Mapping[str, Role]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """All of it. `people` are in the file; `missing` are not, and leave; `held` wait, whether in the file or not.

    `strangers` left before they ever were in the directory, and stay out of it.
    """

    people: int
    unchanged: int
    strangers: int
    added: tuple[PersonChange, ...]
    changed: tuple[PersonChange, ...]
    off_boarded: tuple[PersonChange, ...]
    missing: tuple[PersonChange, ...]
    held: tuple[PersonChange, ...]
    dates: tuple[DateAhead, ...]
    groups: tuple[GroupAdded, ...]
    circles: tuple[CircleDiff, ...]


def diff(company: Company, plan: ImportPlan) -> Diff:
    """Return what the plan changes, in the order of the file."""
    leaving = {before.id for before, after in plan.changed if takes_access(company, before, after)}
    touched = {before.id for before, _ in (*plan.changed, *plan.held)} & plan.usernames.keys()
    return Diff(
        people=plan.people,
        unchanged=plan.people - plan.strangers - len(plan.added) - len(touched),
        strangers=plan.strangers,
        added=tuple(_added(user) for user in plan.added),
        changed=tuple(_person(before, after) for before, after in plan.changed if before.id not in leaving),
        off_boarded=tuple(_person(before, after) for before, after in plan.changed if before.id in leaving),
        missing=tuple(_person(before, after) for before, after in plan.missing),
        held=tuple(_person(before, after, facts=_ACCESS) for before, after in plan.held),
        dates=tuple(_ahead(one) for one in plan.dated),
        groups=tuple(GroupAdded(name=name, kind=kind) for name, kind in plan.new_groups.items()),
        circles=tuple(_circle(circle, plan.usernames) for circle in plan.circles),
    )


def as_json(found: Diff) -> dict[str, Any]:
    """Return it as mappings, lists, texts and numbers."""
    values: dict[str, Any] = asdict(found)
    for one in values["dates"]:
        one["on"] = one["on"].isoformat()
        one["moved_from"] = one["moved_from"].isoformat() if one["moved_from"] else None
    return values


def lines(found: Diff) -> Iterator[tuple[str, str]]:
    """Yield (section, line) for each change: the section is the name of the diff's part, the line plain text."""
    for one in found.added:
        yield "added", f"add user {one.username}: {one.display_name}{_with(one)}"
    for one in found.changed:
        yield "changed", f"change user {one.username}{_with(one)}"
    for one in found.off_boarded:
        yield "off_boarded", f"off-board user {one.username}{_with(one)}"
    for one in found.missing:
        yield "missing", f"off-board user {one.username}: is not in the file"
    for one in found.held:
        yield "held", f"hold user {one.username}{_with(one)} waits for a confirmation"
    for ahead in found.dates:
        yield "dates", f"user {ahead.username} {ahead.event} on {ahead.on}: {_becomes(ahead)}"
    for group in found.groups:
        yield "groups", f"add group {group.name} ({group.kind.value})"
    for circle in found.circles:
        put = [f"+ {name}{' (moderator)' * (role is Role.MODERATOR)}" for name, role in circle.put.items()]
        yield "circles", f"change circle of {circle.group}: {', '.join([*put, *(f'- {n}' for n in circle.removed)])}"


def summary(found: Diff) -> str:
    """Return the counts in one sentence, without its full stop."""
    counts = [
        (found.added, "added"),
        (found.changed, "changed"),
        (found.off_boarded, "off-boarded"),
        (found.missing, "missing and off-boarded"),
        (found.held, "held"),
    ]
    always = {"added", "changed"}
    told = [f"{len(several)} {word}" for several, word in counts if several or word in always]
    if found.strangers:
        told.append(f"{found.strangers} left before they came")
    planned = sum(one.outcome != "not_scheduled" for one in found.dates)
    return (
        f"{found.people} people in the file: {', '.join(told)}, {found.unchanged} unchanged; "
        f"{len(found.groups)} groups added, {len(found.circles)} circles changed"
        + (f", {planned} dates planned" if planned else "")
    )


def _ahead(one: Dated) -> DateAhead:
    return DateAhead(
        username=one.user.username,
        event="leaves" if one.leaves else "joins",
        on=one.on,
        outcome=one.outcome,
        moved_from=one.moved_from,
        why=one.why,
    )


def _becomes(ahead: DateAhead) -> str:
    match ahead.outcome:
        case "scheduled":
            return "will be scheduled"
        case "moved":
            return f"moved from {ahead.moved_from} to {ahead.on}"
        case "cancelled":
            return "will be cancelled"
        case "not_scheduled":
            return f"not scheduled, because {ahead.why}"


def _added(user: User) -> PersonChange:
    changes = [FactChange(fact=fact, old=None, new="no") for fact in _ACCESS if not getattr(user, fact)]
    return PersonChange(
        username=user.username,
        display_name=user.display_name,
        external_id=user.external_id,
        changes=(*changes, *_attributes({}, user.attributes)),
    )


def _person(before: User, after: User, *, facts: Sequence[str] = _FACTS) -> PersonChange:
    changes = [
        FactChange(fact=fact, old=_shown(getattr(before, fact)), new=_shown(getattr(after, fact)))
        for fact in facts
        if getattr(before, fact) != getattr(after, fact)
    ]
    if facts is _FACTS:
        changes += _attributes(before.attributes, after.attributes)
    return PersonChange(
        username=before.username,
        display_name=after.display_name,
        external_id=after.external_id,
        changes=tuple(changes),
    )


def _attributes(before: Mapping[str, tuple[str, ...]], after: Mapping[str, tuple[str, ...]]) -> Iterator[FactChange]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name, ()), after.get(name, ())
        if old != new:
            yield FactChange(fact=f"attributes.{name}", old="; ".join(old) or None, new="; ".join(new) or None)


def _circle(circle: CircleChange, usernames: Mapping[str, str]) -> CircleDiff:
    put = {user: role for user, role in circle.after.items() if circle.before.get(user) is not role}
    return CircleDiff(
        group=circle.group,
        put={usernames[user]: role for user, role in put.items()},
        removed=tuple(sorted(usernames[user] for user in circle.before.keys() - circle.after.keys())),
    )


def _shown(value: object) -> str | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return None if value is None else str(value)


def _with(one: PersonChange) -> str:
    if not one.changes:
        return ""
    return ": " + ", ".join(f"{c.fact} {'—' if c.old is None else c.old} → {c.new or '—'}" for c in one.changes)
