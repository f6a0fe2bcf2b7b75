"""The server's values, the same types for *desired* and *actual*, so that their difference is one function.

`None` means not known (not looked at); an empty collection means known to be empty. Nothing is ever
planned from not known.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Affiliation(StrEnum):
    """A person's long-lived relation to a room (XEP-0045 section 5.2).

    Desired are only `none`, `member` and `admin`: the owner is the service, never a person.
    """

    NONE = "none"
    OUTCAST = "outcast"
    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"

    @property
    def lets_in(self) -> bool:
        """Whether this opens a members-only room."""
        return self not in {Affiliation.NONE, Affiliation.OUTCAST}


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The names others see: `full_name` in the vCard's FN, `nickname` in NICKNAME, which contact lists show.

    Empty where the server has none. `reserved` is what nobody else may be called in rooms; it is never observed, and
    empty if it is the nickname.
    """

    full_name: str
    nickname: str
    reserved: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """A room that a member's clients join by themselves (XEP-0048, XEP-0402)."""

    room: str
    name: str
    nick: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """What a server keeps for somebody beyond logins and circles, counted."""

    push: int = 0
    """Registrations of devices with push services (XEP-0357)."""
    offline_messages: int = 0
    """Messages that wait for the next login (XEP-0160)."""
    tokens: int = 0
    """Tokens that open sessions without the credential: OAuth, FAST (XEP-0484)."""


NOTHING_LEFT = Leftovers()


@dataclass(frozen=True, slots=True, kw_only=True)
class UserState:
    """What the server has about one person. Keys of `affiliations` are room localparts, of all rooms looked at.

    `sessions` are the resources that must not be there: desired is always empty.
    `shared_groups` are those of the groups looked at that contain the person, the gate among them.
    `photo` is the SHA-1 of the directory's picture; empty: whatever picture there is, is the person's own.
    """

    sessions: frozenset[str] | None = None
    shared_groups: frozenset[str] | None = None
    affiliations: Mapping[str, Affiliation] | None = None
    profile: Profile | None = None
    photo: str | None = None
    bookmarks: frozenset[Bookmark] | None = None
    leftovers: Leftovers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A MUC room (XEP-0045). Keys of `affiliations` are bare JIDs of people; the service's own entries are left out."""

    title: str
    description: str
    announcement: bool
    as_promised: bool = True
    affiliations: Mapping[str, Affiliation]


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedGroup:
    """A shared roster group: a contact group, or (not `displayed`) the gate. Members None: not looked at."""

    label: str
    displayed: bool
    members: frozenset[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CircleState:
    """What the server has for one group, or for the company as a whole. A missing name is known to be absent."""

    rooms: Mapping[str, Room]
    shared_groups: Mapping[str, SharedGroup]
