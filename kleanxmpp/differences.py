"""What a dry run would change, subject by subject: the audit log's words, and with them the values themselves. Pure.

The audit log never holds values; a dry run is shown to whoever may make the change, and kept nowhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

from kleanxmpp import rule_text
from kleanxmpp.model import Company, Group, Mode, Role, User
from kleanxmpp.rehearsal import Noted
from kleanxmpp.rules import Rule

_NEVER_SHOWN = frozenset({"id", "company_id", "created_at", "version", "circle_version", "nickname", "greeted",
                          "sessions_valid_from"})  # fmt: skip
"""What follows from the rest, or says nothing to people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Somebody's place in a circle, before and after; None: no member."""

    user_id: str
    before: Role | None
    after: Role | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What would be different about one subject (`user:ID`, `group:ID` …).

    `values`: field -> before and after. `off_boarding`: why one would begin. `circle`: who would come, go or change.
    """

    subject: str
    name: str | None = None
    actions: tuple[str, ...] = ()
    values: Mapping[str, tuple[object, object]] = field(default_factory=dict)
    off_boarding: Mode | None = None
    circle: tuple[Place, ...] = ()


def differences(noted: Noted) -> Sequence[Difference]:
    """Return what would change, in the order in which it would be written into the audit log."""
    actions: dict[str, list[str]] = {}
    for entry in noted.entries:
        actions.setdefault(entry.subject, []).append(entry.action)
    for subject in _subjects(noted):
        actions.setdefault(subject, [])
    for subject in noted.values:
        actions.setdefault(subject, [])
    plain = (_difference(noted, subject, tuple(words)) for subject, words in actions.items())
    found = [replace(one, values={**one.values, **noted.values.get(one.subject, {})}) for one in plain]
    return [one for one in found if one.actions or one.values or one.off_boarding or one.circle]


def _subjects(noted: Noted) -> Iterator[str]:
    yield from (f"company:{one}" for one in noted.companies)
    yield from (f"user:{one}" for one in (*noted.users, *noted.begun))
    yield from (f"group:{one}" for one in (*noted.groups, *(group_id for group_id, _ in noted.roles)))


def _difference(noted: Noted, subject: str, actions: tuple[str, ...]) -> Difference:
    kind, _, key = subject.partition(":")
    match kind:
        case "user":
            user = noted.users.get(key)
            begun = noted.begun.get(key)
            return Difference(
                subject=subject,
                name=user[1].display_name if user else None,
                actions=actions,
                values=_values(*user) if user else {},
                off_boarding=begun.mode if begun else None,
            )
        case "group":
            group = noted.groups.get(key)
            return Difference(
                subject=subject,
                name=group[1].name if group else None,
                actions=actions,
                values=_values(*group) if group else {},
                circle=tuple(_circle(noted, key)),
            )
        case "company" if key in noted.companies:
            before, after = noted.companies[key]
            return Difference(subject=subject, name=after.name, actions=actions, values=_values(before, after))
        case _:
            return Difference(subject=subject, actions=actions)


def _values(
    before: User | Group | Company | None, after: User | Group | Company
) -> Mapping[str, tuple[object, object]]:
    found = {}
    for one in fields(after):
        old, new = getattr(before, one.name, None), getattr(after, one.name)
        if one.name not in _NEVER_SHOWN and old != new:
            found[one.name] = (_shown(old), _shown(new))
    return found


def _shown(value: object) -> object:
    """Return a value as people write it."""
    return rule_text.printed(value) if isinstance(value, Rule) else value


def _circle(noted: Noted, group_id: str) -> Iterator[Place]:
    for (group, user_id), (before, after) in noted.roles.items():
        if group == group_id and before is not after:
            yield Place(user_id=user_id, before=before, after=after)
