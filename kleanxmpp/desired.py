"""Policy: what the server should have, computed from the directory's values. Pure.

This is the only file where groups (the directory's) and rooms (the server's) meet.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from kleanxmpp.due import Aspect
from kleanxmpp.model import Absence, Company, ContactVisibility, Group, GroupKind, Role, User
from kleanxmpp.state import NOTHING_LEFT, Affiliation, Bookmark, CircleState, Profile, Room, SharedGroup, UserState

SHARED_GROUP_PREFIX = "klean-"
CONTACT_GROUP_PREFIX = f"{SHARED_GROUP_PREFIX}g-"
GATE = "klean-may-chat"
READ_ONLY = "klean-read-only"
KEYS = frozenset({GATE, READ_ONLY})
"""Shared groups that are nobody's contact list: what the server lets their members do depends on them."""
COMPANY_CONTACTS = "klean-company"
_AFFILIATION = {Role.MEMBER: Affiliation.MEMBER, Role.MODERATOR: Affiliation.ADMIN}


class Access(StrEnum):
    """How far somebody takes part. `paused`: not at all, but colleagues still find the name, with a mark."""

    NONE = "none"
    PAUSED = "paused"
    READ = "read"
    FULL = "full"

    def exceeds(self, other: "Access") -> bool:
        """Whether this is more than the other: none < paused < read < full."""
        order = list(Access)
        return order.index(self) > order.index(other)


LET_IN = frozenset({Access.READ, Access.FULL})
"""With these the devices of somebody are let in, be it only to read."""
_GONE = frozenset({Access.NONE, Access.PAUSED})
_IN_CONTACTS = frozenset({Access.PAUSED, Access.FULL})
_AWAY = {"de": "abwesend", "en": "away"}
_UNTIL = {"de": "bis {day:%d.%m.}", "en": "until {day:%d %b}"}
_ABSENT = {Absence.PAUSED: Access.PAUSED, Absence.GARDEN_LEAVE: Access.READ}


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """A group as one of its members meets it: with its size, because large circles give no contact group."""

    group: Group
    role: Role
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user with what is needed to say what the server should have for them.

    `left` are the groups that the person left since the server was last proven right.
    """

    company: Company
    user: User
    circles: tuple[Circle, ...] = ()
    left: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupCircle:
    """A group with those of its members who are entitled: usernames and roles. `size` counts all memberships.

    `members` may chat, `readers` are on garden leave, `paused` are away.
    """

    company: Company
    group: Group
    members: Mapping[str, Role] = field(default_factory=dict)
    readers: frozenset[str] = frozenset()
    paused: frozenset[str] = frozenset()
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLook:
    """What to look at about one person. Only sessions that must not be there are asked for.

    `any_session`: none may be there; else those that began before `sessions_before`; None: none to look for.
    """

    username: str
    sessions: bool
    sessions_before: datetime | None
    any_session: bool
    rooms: frozenset[str]
    shared_groups: frozenset[str]
    profile: bool
    bookmarks: bool
    leftovers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CircleLook:
    """Which rooms and shared groups to look at; of the groups, whether their members are wanted too."""

    rooms: frozenset[str]
    shared_groups: Mapping[str, bool]


def access(company: Company, user: User) -> Access:
    """How far the person takes part. Everything else follows from this."""
    if not (company.enabled and user.active and user.chat_permission and not user.erasing):
        return Access.NONE
    return level_of(user.absence)


def level_of(absence: Absence | None) -> Access:
    """How far somebody takes part who is entitled to."""
    return Access.FULL if absence is None else _ABSENT[absence]


def may_chat(company: Company, user: User) -> bool:
    """Whether the person takes part: company enabled, employed, permitted, and not absent."""
    return access(company, user) is Access.FULL


def may_log_in(company: Company, user: User) -> bool:
    """Whether the person's devices are let in, be it only to read."""
    return access(company, user) in LET_IN


def contact_group(group: Group) -> str:
    """The name of the shared group that puts the circle into its members' contact lists."""
    return CONTACT_GROUP_PREFIX + group.slug


def makes_contacts(company: Company, group: Group, *, size: int) -> bool:
    """Whether the circle also is a contact group: presence and contact lists grow with the square of its size."""
    made = not group.deleted and not group.archived and group.kind is GroupKind.TEAM
    return made and size <= company.contacts_max


def room_jid(group: Group, *, rooms_domain: str) -> str:
    """The address of the group's room."""
    return f"{group.slug}@{rooms_domain}"


def user_state(person: Person, *, rooms_domain: str, aspects: Aspect = Aspect.ALL) -> UserState:
    """What the server should have about one person, as far as `aspects` ask."""
    company, level = person.company, access(person.company, person.user)
    rooms = [c for c in person.circles if not c.group.deleted and enters(level, c.group)]
    shared: set[str] = set()
    if Aspect.ACCESS in aspects:
        shared |= {Access.FULL: {GATE}, Access.READ: {GATE, READ_ONLY}}.get(level, set())
    if Aspect.CIRCLES in aspects and level in _IN_CONTACTS:
        shared |= {contact_group(c.group) for c in person.circles if makes_contacts(company, c.group, size=c.size)}
        if company.contact_visibility is ContactVisibility.COMPANY:
            shared.add(COMPANY_CONTACTS)
    return UserState(
        sessions=frozenset() if Aspect.ACCESS in aspects else None,
        shared_groups=frozenset(shared) if aspects & (Aspect.ACCESS | Aspect.CIRCLES) else None,
        affiliations={c.group.slug: _affiliation(level, c.role) for c in rooms} if Aspect.CIRCLES in aspects else None,
        profile=_profile(person) if Aspect.PROFILE in aspects and level is not Access.NONE else None,
        photo=(person.user.photo_sha1 or "") if Aspect.PROFILE in aspects and level is not Access.NONE else None,
        bookmarks=_bookmarks(person.user, rooms, rooms_domain=rooms_domain) if Aspect.BOOKMARKS in aspects else None,
        leftovers=NOTHING_LEFT if Aspect.LEFTOVERS in aspects and level in _GONE else None,
    )


def enters(level: Access, group: Group) -> bool:
    """Whether somebody of the circle with this access is in the group's room. Nobody is in that of an archived one."""
    if group.archived:
        return False
    return level is Access.FULL or (level is Access.READ and group.kind is GroupKind.ANNOUNCEMENT)


def _affiliation(level: Access, role: Role) -> Affiliation:
    return _AFFILIATION[role] if level is Access.FULL else Affiliation.MEMBER


def group_state(circle: GroupCircle) -> CircleState:
    """What the server should have for one group: a room, and a contact group where the circle is small enough.

    Of an archived group the room stays, because its messages do, with nobody in it.
    """
    company, group = circle.company, circle.group
    if group.deleted:
        return CircleState(rooms={}, shared_groups={})
    room = Room(
        title=group.name,
        description=group.description,
        announcement=group.kind is GroupKind.ANNOUNCEMENT,
        affiliations={f"{name}@{company.domain}": affiliation for name, affiliation in _inside(circle)},
    )
    shared = {}
    if makes_contacts(company, group, size=circle.size):
        members = frozenset(circle.members) | circle.paused
        shared[contact_group(group)] = SharedGroup(label=group.name, displayed=True, members=members)
    return CircleState(rooms={group.slug: room}, shared_groups=shared)


def _inside(circle: GroupCircle) -> Iterator[tuple[str, Affiliation]]:
    if enters(Access.FULL, circle.group):
        for name, role in circle.members.items():
            yield name, _AFFILIATION[role]
    if enters(Access.READ, circle.group):
        for name in circle.readers:
            yield name, Affiliation.MEMBER


def company_state(company: Company, levels: Mapping[str, Access]) -> CircleState:
    """What the server should have for the company as a whole: the gate, and the contact group of small companies.

    Who is in the gate is decided per user, never here, so that a stale bulk write can let nobody in again.
    `levels` is how far everybody takes part, by username.
    """
    shared = {name: SharedGroup(label="", displayed=False, members=None) for name in (GATE, READ_ONLY)}
    if company.contact_visibility is ContactVisibility.COMPANY:
        everybody = frozenset(name for name, level in levels.items() if level in _IN_CONTACTS)
        shared[COMPANY_CONTACTS] = SharedGroup(label=company.name, displayed=True, members=everybody)
    return CircleState(rooms={}, shared_groups=shared)


def user_look(person: Person, *, aspects: Aspect) -> UserLook:
    """What has to be looked at to compare the server with `user_state` of the same aspects."""
    circles = tuple(c.group for c in person.circles) + person.left
    rooms = frozenset(g.slug for g in circles) if Aspect.CIRCLES in aspects else frozenset()
    groups = {contact_group(g) for g in circles} | {COMPANY_CONTACTS} if Aspect.CIRCLES in aspects else set()
    if Aspect.ACCESS in aspects:
        groups |= {GATE, READ_ONLY}
    level = access(person.company, person.user)
    allowed = level not in _GONE
    return UserLook(
        username=person.user.username,
        sessions=Aspect.ACCESS in aspects,
        sessions_before=person.user.sessions_valid_from if allowed else None,
        any_session=not allowed,
        rooms=rooms,
        shared_groups=frozenset(groups),
        profile=Aspect.PROFILE in aspects and level is not Access.NONE,
        bookmarks=Aspect.BOOKMARKS in aspects,
        leftovers=Aspect.LEFTOVERS in aspects and not allowed,
    )


def group_look(group: Group) -> CircleLook:
    """What has to be looked at to compare the server with `group_state`."""
    return CircleLook(rooms=frozenset({group.slug}), shared_groups={contact_group(group): True})


def company_look(company: Company) -> CircleLook:
    """What has to be looked at to compare the server with `company_state`."""
    with_members = company.contact_visibility is ContactVisibility.COMPANY
    return CircleLook(rooms=frozenset(), shared_groups={GATE: False, READ_ONLY: False, COMPANY_CONTACTS: with_members})


def marked_name(name: str, *, absence: Absence | None, until: datetime | None, company: Company) -> str:
    """The name that colleagues see: of somebody who is paused it says until when, as far as that is known."""
    if absence is not Absence.PAUSED:
        return name
    if until is None:
        return f"{name} ({_AWAY[company.locale]})"
    day = until.astimezone(ZoneInfo(company.timezone))
    return f"{name} ({_UNTIL[company.locale].format(day=day)})"


def _profile(person: Person) -> Profile:
    user = person.user
    full_name, nickname = (
        marked_name(name, absence=user.absence, until=user.absent_until, company=person.company)
        for name in (user.display_name, user.nickname)
    )
    return Profile(full_name=full_name, nickname=nickname, reserved=user.nickname)


def _bookmarks(user: User, circles: Iterable[Circle], *, rooms_domain: str) -> frozenset[Bookmark]:
    return frozenset(
        Bookmark(room=room_jid(c.group, rooms_domain=rooms_domain), name=c.group.name, nick=user.nickname)
        for c in circles
    )
