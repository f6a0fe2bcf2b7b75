"""From matched rows to what an import would change. Pure; the dry run prints it, the import applies it.

The file is the truth for the people it lists and, among their memberships, for the groups it names anywhere.
Everything else stays: people who are missing, groups that are not named, facts whose cell is empty.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from kleanxmpp import names
from kleanxmpp.csv_file import Fault, FaultyFile
from kleanxmpp.guard import Admission
from kleanxmpp.import_matching import Match
from kleanxmpp.model import Company, Group, GroupKind, Role, User

NICKNAMES_TRIED = 4
_FACTS = ("display_name", "external_id", "email", "locale", "active", "chat_permission")


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """What the directory has that the plan depends on.

    `nicknames`: nickname as asked -> id of its holder. `roles`: group id -> roles of the people the file lists.
    """

    nicknames: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    roles: Mapping[str, Mapping[str, Role]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CircleChange:
    """Roles (user id -> role) of the people the file lists in one group, by its name."""

    group: str
    before: Mapping[str, Role]
    after: Mapping[str, Role]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    """What an import changes. `people` counts the rows; `held` are those who are off-boarded only if confirmed."""

    people: int
    added: tuple[User, ...]
    changed: tuple[tuple[User, User], ...]
    new_groups: Mapping[str, GroupKind]
    circles: tuple[CircleChange, ...]
    held: tuple[tuple[User, User], ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing would change now."""
        return not (self.added or self.changed or self.new_groups or self.circles)


def plan_import(
    matches: Sequence[Match],
    existing: Existing,
    *,
    company: Company,
    announcements: frozenset[str] = frozenset(),
    now: datetime,
    make_id: Callable[[], str],
) -> ImportPlan:
    """Return the plan. New groups among `announcements` become announcement groups. Raises FaultyFile."""
    faults = _kind_faults(matches, existing, announcements)
    taken: dict[str, str] = {}
    pairs: list[tuple[Match, User]] = []
    for match in matches:
        user = _wanted(match, company=company, now=now, make_id=make_id)
        if match.user is None or match.user.display_name != user.display_name:
            nickname = _nickname(user, existing.nicknames, taken)
            if nickname is None:
                faults.append(Fault(line=match.row.line, reason="several people appear under this name already"))
            user = replace(user, nickname=nickname or user.nickname)
        pairs.append((match, user))
    if faults:
        raise FaultyFile(faults)
    named = sorted({group for match in matches for group in match.row.groups or ()})
    changed = tuple((m.user, replace(u, version=u.version + 1)) for m, u in pairs if m.user and m.user != u)
    return ImportPlan(
        people=len(matches),
        added=tuple(user for match, user in pairs if match.user is None),
        changed=changed,
        new_groups={
            name: GroupKind.ANNOUNCEMENT if name in announcements else GroupKind.TEAM
            for name in named
            if name not in existing.groups
        },
        circles=tuple(_circle_changes(named, pairs, existing)),
    )


def affirmed(matches: Sequence[Match]) -> Mapping[str, frozenset[str]]:
    """Return what the file expressly says that people have: user id -> `active`, `chat_permission` or both."""
    facts = ("active", "chat_permission")
    return {one.user.id: frozenset(f for f in facts if getattr(one.row, f)) for one in matches if one.user}


def without_held(plan: ImportPlan, admission: Admission) -> ImportPlan:
    """Return the plan with only what the guard admits. The circles of those who wait stay as they are, too."""
    waiting = {before.id for before, _ in admission.held}
    circles = (
        replace(
            circle,
            after={user: role for user, role in circle.after.items() if user not in waiting}
            | {user: role for user, role in circle.before.items() if user in waiting},
        )
        for circle in plan.circles
    )
    return replace(
        plan,
        changed=admission.passing,
        circles=tuple(circle for circle in circles if circle.before != circle.after),
        held=admission.held,
    )


def describe(plan: ImportPlan) -> Iterator[str]:
    """Yield one line per change, and a last one with the counts."""
    for user in plan.added:
        facts = "".join([", not active" * (not user.active), ", without chat permission" * (not user.chat_permission)])
        yield f"add user {user.username}: {user.display_name}{facts}"
    for before, after in plan.changed:
        yield f"change user {after.username}: {', '.join(_differences(before, after))}"
    for before, after in plan.held:
        facts = ", ".join(_differences(before, after, names=("active", "chat_permission")))
        yield f"hold user {after.username}: {facts} waits for a confirmation"
    for name, kind in plan.new_groups.items():
        yield f"add group {name} ({kind.value})"
    for circle in plan.circles:
        gone = len(circle.before.keys() - circle.after.keys())
        put = sum(circle.before.get(user) is not role for user, role in circle.after.items())
        yield f"change circle of {circle.group}: {put} put, {gone} removed"
    touched = {before.id for before, _ in (*plan.changed, *plan.held)}
    unchanged = plan.people - len(plan.added) - len(touched)
    held = f"{len(plan.held)} held, " if plan.held else ""
    yield (
        f"{plan.people} people in the file: {len(plan.added)} added, {len(plan.changed)} changed, {held}{unchanged} "
        f"unchanged; {len(plan.new_groups)} groups added, {len(plan.circles)} circles changed"
    )


def _wanted(match: Match, *, company: Company, now: datetime, make_id: Callable[[], str]) -> User:
    row = match.row
    user = match.user or User(
        id=make_id(),
        company_id=company.id,
        username=match.username,
        display_name=row.display_name,
        nickname=row.display_name,
        locale=company.locale,
        created_at=now,
    )
    return replace(
        user,
        display_name=row.display_name,
        external_id=row.external_id or user.external_id,
        email=row.email or user.email,
        locale=row.locale or user.locale,
        active=user.active if row.active is None else row.active,
        chat_permission=user.chat_permission if row.chat_permission is None else row.chat_permission,
    )


def _nickname(user: User, holders: Mapping[str, str], taken: dict[str, str]) -> str | None:
    """Return a nickname that nobody has and no earlier row got, and note it in `taken`."""
    for nickname in islice(names.nicknames_from(user.display_name, user.username), NICKNAMES_TRIED):
        if holders.get(nickname, user.id) == user.id:
            key = names.nickname_key(nickname)
            if taken.setdefault(key, user.id) == user.id:
                return nickname
    return None


def _circle_changes(
    named: Sequence[str], pairs: Sequence[tuple[Match, User]], existing: Existing
) -> Iterator[CircleChange]:
    circles: dict[str, dict[str, Role]] = {name: {} for name in named}
    for match, user in pairs:
        for name, role in (match.row.groups or {}).items():
            circles[name][user.id] = role
    for name, after in circles.items():
        group = existing.groups.get(name)
        before = existing.roles.get(group.id, {}) if group else {}
        if before != after:
            yield CircleChange(group=name, before=before, after=after)


def _kind_faults(matches: Sequence[Match], existing: Existing, announcements: frozenset[str]) -> list[Fault]:
    """Refuse announcement names that would have no effect: unknown ones, and groups that are teams already."""
    named = {group for match in matches for group in match.row.groups or ()}
    faults = []
    for name in sorted(announcements):
        group = existing.groups.get(name)
        if name not in named:
            faults.append(Fault(line=1, reason=f"the file has no group “{name}” that could be an announcement group"))
        elif group is not None and group.kind is not GroupKind.ANNOUNCEMENT:
            faults.append(Fault(line=1, reason=f"the group “{name}” exists already and is no announcement group"))
    return faults


def _differences(before: User, after: User, *, names: Sequence[str] = _FACTS) -> Iterator[str]:
    for name in names:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield f"{name} {'—' if old is None else old} → {new}"
