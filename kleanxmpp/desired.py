"""Policy: what the server should have, computed from the directory's values. Pure.

This is the only file where groups (the directory's) and rooms (the server's) meet.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from kleanxmpp.model import Aspect, Company, ContactVisibility, Group, GroupKind, Role, User
from kleanxmpp.state import Affiliation, Bookmark, CircleState, Profile, Room, SharedGroup, UserState

SHARED_GROUP_PREFIX = "klean-"
CONTACT_GROUP_PREFIX = f"{SHARED_GROUP_PREFIX}g-"
GATE = "klean-may-chat"
COMPANY_CONTACTS = "klean-company"
_AFFILIATION = {Role.MEMBER: Affiliation.MEMBER, Role.MODERATOR: Affiliation.ADMIN}


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
    """A group with its effective members: usernames of members who may chat, and their roles."""

    company: Company
    group: Group
    members: Mapping[str, Role] = field(default_factory=dict)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CircleLook:
    """Which rooms and shared groups to look at; of the groups, whether their members are wanted too."""

    rooms: frozenset[str]
    shared_groups: Mapping[str, bool]


def may_chat(company: Company, user: User) -> bool:
    """Whether the person takes part: company enabled, employed, and permitted. Everything else follows from this."""
    return company.enabled and user.active and user.chat_permission and not user.erasing


def contact_group(group: Group) -> str:
    """The name of the shared group that puts the circle into its members' contact lists."""
    return CONTACT_GROUP_PREFIX + group.slug


def makes_contacts(company: Company, group: Group, *, size: int) -> bool:
    """Whether the circle also is a contact group: presence and contact lists grow with the square of its size."""
    return not group.deleted and group.kind is GroupKind.TEAM and size <= company.contacts_max


def room_jid(group: Group, *, rooms_domain: str) -> str:
    """The address of the group's room."""
    return f"{group.slug}@{rooms_domain}"


def user_state(person: Person, *, rooms_domain: str, aspects: Aspect = Aspect.ALL) -> UserState:
    """What the server should have about one person, as far as `aspects` ask."""
    user, company = person.user, person.company
    allowed = may_chat(company, user)
    effective = [c for c in person.circles if allowed and not c.group.deleted]
    shared: set[str] = {GATE} if allowed and Aspect.ACCESS in aspects else set()
    if Aspect.CIRCLES in aspects:
        shared |= {contact_group(c.group) for c in effective if makes_contacts(company, c.group, size=c.size)}
        if allowed and company.contact_visibility is ContactVisibility.COMPANY:
            shared.add(COMPANY_CONTACTS)
    return UserState(
        sessions=frozenset() if Aspect.ACCESS in aspects else None,
        shared_groups=frozenset(shared) if aspects & (Aspect.ACCESS | Aspect.CIRCLES) else None,
        affiliations={c.group.slug: _AFFILIATION[c.role] for c in effective} if Aspect.CIRCLES in aspects else None,
        profile=_profile(user) if Aspect.PROFILE in aspects and allowed else None,
        bookmarks=_bookmarks(user, effective, rooms_domain=rooms_domain) if Aspect.BOOKMARKS in aspects else None,
    )


def group_state(circle: GroupCircle) -> CircleState:
    """What the server should have for one group: a room, and a contact group where the circle is small enough."""
    company, group = circle.company, circle.group
    if group.deleted:
        return CircleState(rooms={}, shared_groups={})
    room = Room(
        title=group.name,
        description=group.description,
        announcement=group.kind is GroupKind.ANNOUNCEMENT,
        affiliations={f"{name}@{company.domain}": _AFFILIATION[role] for name, role in circle.members.items()},
    )
    shared = {}
    if makes_contacts(company, group, size=circle.size):
        members = frozenset(circle.members)
        shared[contact_group(group)] = SharedGroup(label=group.name, displayed=True, members=members)
    return CircleState(rooms={group.slug: room}, shared_groups=shared)


def company_state(company: Company, usernames_who_may_chat: Iterable[str]) -> CircleState:
    """What the server should have for the company as a whole: the gate, and the contact group of small companies.

    Who is in the gate is decided per user, never here, so that a stale bulk write can let nobody in again.
    """
    shared = {GATE: SharedGroup(label="", displayed=False, members=None)}
    if company.contact_visibility is ContactVisibility.COMPANY:
        everybody = frozenset(usernames_who_may_chat)
        shared[COMPANY_CONTACTS] = SharedGroup(label=company.name, displayed=True, members=everybody)
    return CircleState(rooms={}, shared_groups=shared)


def user_look(person: Person, *, aspects: Aspect) -> UserLook:
    """What has to be looked at to compare the server with `user_state` of the same aspects."""
    circles = tuple(c.group for c in person.circles) + person.left
    rooms = frozenset(g.slug for g in circles) if Aspect.CIRCLES in aspects else frozenset()
    groups = {contact_group(g) for g in circles} | {COMPANY_CONTACTS} if Aspect.CIRCLES in aspects else set()
    if Aspect.ACCESS in aspects:
        groups.add(GATE)
    allowed = may_chat(person.company, person.user)
    return UserLook(
        username=person.user.username,
        sessions=Aspect.ACCESS in aspects,
        sessions_before=person.user.sessions_valid_from if allowed else None,
        any_session=not allowed,
        rooms=rooms,
        shared_groups=frozenset(groups),
        profile=Aspect.PROFILE in aspects and allowed,
        bookmarks=Aspect.BOOKMARKS in aspects,
    )


def group_look(group: Group) -> CircleLook:
    """What has to be looked at to compare the server with `group_state`."""
    return CircleLook(rooms=frozenset({group.slug}), shared_groups={contact_group(group): True})


def company_look(company: Company) -> CircleLook:
    """What has to be looked at to compare the server with `company_state`."""
    with_members = company.contact_visibility is ContactVisibility.COMPANY
    return CircleLook(rooms=frozenset(), shared_groups={GATE: False, COMPANY_CONTACTS: with_members})


def _profile(user: User) -> Profile:
    return Profile(full_name=user.display_name, nickname=user.nickname)


def _bookmarks(user: User, circles: Iterable[Circle], *, rooms_domain: str) -> frozenset[Bookmark]:
    return frozenset(
        Bookmark(room=room_jid(c.group, rooms_domain=rooms_domain), name=c.group.name, nick=user.nickname)
        for c in circles
    )
