"""From matched rows to what an import would change. Pure; the dry run prints it, the import applies it.

The file is the truth for the people it lists and, among their memberships, for the groups it names anywhere.
Everything else stays: groups that are not named, facts whose cell is empty, and people who are missing unless the
caller says that they leave. A date only ever closes: who left is not active, whoever has not begun yet is not let in.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from kleanxmpp import attributes, errors, import_dates, names
from kleanxmpp.guard import Admission
from kleanxmpp.import_dates import NO_PLANS, Dated, Plans
from kleanxmpp.import_matching import Match
from kleanxmpp.import_rows import Fault, FaultyFile, Row
from kleanxmpp.model import Company, Group, GroupKind, Role, User

NICKNAMES_TRIED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """What the directory has that the plan depends on.

    `nicknames`: nickname as asked -> id of its holder. `roles`: group id -> roles of the people the file lists.
    `joiners` are people whom an earlier file planned to let in and a file of everybody does not list any more.
    """

    nicknames: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    roles: Mapping[str, Mapping[str, Role]] = field(default_factory=dict)
    plans: Plans = NO_PLANS
    joiners: Mapping[str, User] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CircleChange:
    """Roles (user id -> role) of the people the file lists in one group, by its name."""

    group: str
    before: Mapping[str, Role]
    after: Mapping[str, Role]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    """What an import changes. `people` counts the rows; `held` are those who are off-boarded only if confirmed.

    `strangers` counts who left before ever being in the directory: they stay out. `missing` are those who leave because
    the file lacks them, `usernames` those of all people of the file by id.
    """

    people: int
    strangers: int = 0
    added: tuple[User, ...]
    changed: tuple[tuple[User, User], ...]
    new_groups: Mapping[str, GroupKind]
    circles: tuple[CircleChange, ...]
    missing: tuple[tuple[User, User], ...] = ()
    held: tuple[tuple[User, User], ...] = ()
    dated: tuple[Dated, ...] = ()
    usernames: Mapping[str, str] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether nothing would change, now or later."""
        planned = any(one.outcome != "not_scheduled" for one in self.dated)
        return not (self.added or self.changed or self.missing or self.new_groups or self.circles or planned)


def plan_import(
    matches: Sequence[Match],
    existing: Existing,
    *,
    company: Company,
    announcements: frozenset[str] = frozenset(),
    missing: Sequence[User] = (),
    now: datetime,
    make_id: Callable[[], str],
) -> ImportPlan:
    """Return the plan. New groups among `announcements` become announcement groups. Raises FaultyFile.

    `missing` are people who leave because the file lacks them.
    """
    today = local_day(company, now)
    listed, matches = matches, [one for one in matches if one.user or not _gone(one.row, today)]
    faults = _kind_faults(matches, existing, announcements)
    taken: dict[str, str] = {}
    pairs: list[tuple[Match, User]] = []
    dated: list[Dated] = []
    for match in matches:
        try:
            user = _wanted(match, company=company, now=now, today=today, make_id=make_id)
            dated += import_dates.dated(
                match.row, user, new=match.user is None, plans=existing.plans, company=company, today=today
            )
        except errors.Invalid as error:
            faults.append(Fault(line=match.row.line, reason=str(error)))
            continue
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
        people=len(listed),
        strangers=len(listed) - len(matches),
        added=tuple(user for match, user in pairs if match.user is None),
        changed=changed,
        new_groups={
            name: GroupKind.ANNOUNCEMENT if name in announcements else GroupKind.TEAM
            for name in named
            if name not in existing.groups
        },
        circles=tuple(_circle_changes(named, pairs, existing)),
        missing=tuple((user, replace(user, active=False, version=user.version + 1)) for user in missing),
        dated=(*dated, *import_dates.withdrawn(existing.plans, existing.joiners, company=company)),
        usernames={user.id: user.username for _, user in pairs},
    )


def local_day(company: Company, now: datetime) -> date:
    """Return which day it is where the company is."""
    return now.astimezone(ZoneInfo(company.timezone)).date()


def affirmed(matches: Sequence[Match], *, today: date, listed: bool = False) -> Mapping[str, frozenset[str]]:
    """Return what the file expressly says that people have: user id -> `active`, `chat_permission` or both.

    `listed`: whoever is in the file is employed unless it says otherwise, because the missing ones leave.
    """
    found = {}
    for one in matches:
        if one.user is None:
            continue
        employed = one.row.active or (listed and one.row.active is None)
        facts = {"active"} if employed and not _gone(one.row, today) else set()
        found[one.user.id] = frozenset(facts | ({"chat_permission"} if one.row.chat_permission else set()))
    return found


def without_held(plan: ImportPlan, admission: Admission) -> ImportPlan:
    """Return the plan with only what the guard admits. The circles of those who wait stay as they are, too."""
    waiting = {before.id for before, _ in admission.held}
    missing = {before.id for before, _ in plan.missing}
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
        changed=tuple(pair for pair in admission.passing if pair[0].id not in missing),
        missing=tuple(pair for pair in admission.passing if pair[0].id in missing),
        circles=tuple(circle for circle in circles if circle.before != circle.after),
        held=admission.held,
    )


def _wanted(match: Match, *, company: Company, now: datetime, today: date, make_id: Callable[[], str]) -> User:
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
        active=_active(row, user, today=today, new=match.user is None),
        chat_permission=user.chat_permission if row.chat_permission is None else row.chat_permission,
        attributes=attributes.merged(user.attributes, row.attributes) if row.attributes else user.attributes,
    )


def _active(row: Row, user: User, *, today: date, new: bool) -> bool:
    if _gone(row, today):
        return False
    if _not_here_yet(row, today) and (new or not user.active):
        return False
    return user.active if row.active is None else row.active


def _gone(row: Row, today: date) -> bool:
    return row.leaves_on is not None and row.leaves_on < today


def _not_here_yet(row: Row, today: date) -> bool:
    return row.joined_on is not None and row.joined_on > today


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
