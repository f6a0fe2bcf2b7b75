"""The closed list of changes: each names what will be true on the server. Applying one twice is harmless.

`rank` is the one place that decides their order: doors close before anything else happens, in the order of
an off-boarding (gate, sessions, tokens and what waits for a device, rooms, contacts, bookmarks); then things
appear, what others stand on first.
Changes of one rank do not depend on each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kleanxmpp.photo_ports import Photo
from kleanxmpp.state import Affiliation, Bookmark, Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseGate:
    """The person binds no session and reaches no room any more, whatever the login said."""

    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSessions:
    """Every session of the person ends, also one that sleeps (XEP-0198)."""

    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyRoom:
    """The room is gone, with everybody in it."""

    room: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRoom:
    """The room exists, configured as promised, with nobody in it."""

    room: str
    title: str
    description: str
    announcement: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigureRoom:
    """The existing room has this title and description, and keeps the promises of its kind."""

    room: str
    title: str
    description: str
    announcement: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAffiliations:
    """These people (bare JIDs) have these affiliations in the room; all others stay as they are."""

    room: str
    affiliations: Mapping[str, Affiliation]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveSharedGroup:
    """The shared group is gone."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSharedGroup:
    """The shared group exists with this label; `displayed` says whether members see each other. Members stay."""

    name: str
    label: str
    displayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AddToSharedGroup:
    """These usernames are members of the group. `fresh`: nobody was in it before, so it can be filled in bulk."""

    name: str
    label: str
    displayed: bool
    usernames: frozenset[str]
    fresh: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveFromSharedGroup:
    """These usernames are not members of the group."""

    name: str
    usernames: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetProfile:
    """The person's names on the server are these; avatar and everything else of the vCard stay."""

    username: str
    profile: Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPhoto:
    """The picture that colleagues see is this one, and no client changes it. An empty `sha1`: none of the directory's.

    A plan only names the `photo`, because it compares hashes; it is put in when the change is applied.
    """

    username: str
    sha1: str
    photo: Photo | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenGate:
    """The person may bind sessions and reach rooms, as far as the login says yes."""

    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBookmarks:
    """The person's clients join exactly these of our rooms by themselves; bookmarks of other services stay."""

    username: str
    bookmarks: frozenset[Bookmark]


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeReadOnly:
    """What the person writes is refused, whatever else is open; what colleagues write to them directly, too."""

    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LetWrite:
    """The person may write again."""

    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearLeftovers:
    """No push registration, no waiting message and no token of the person is left."""

    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseAccount:
    """Nothing the server stored for the person is left: archive, vCard, bookmarks, nickname, offline messages."""

    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinSharedGroups:
    """The person is a member of all these groups."""

    username: str
    names: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveSharedGroups:
    """The person is a member of none of these groups."""

    username: str
    names: frozenset[str]


Change = (
    CloseGate
    | EndSessions
    | DestroyRoom
    | CreateRoom
    | ConfigureRoom
    | SetAffiliations
    | RemoveSharedGroup
    | SetSharedGroup
    | AddToSharedGroup
    | RemoveFromSharedGroup
    | JoinSharedGroups
    | LeaveSharedGroups
    | SetProfile
    | SetPhoto
    | OpenGate
    | SetBookmarks
    | MakeReadOnly
    | LetWrite
    | ClearLeftovers
    | EraseAccount
)

_ORDER: tuple[tuple[type, ...], ...] = (
    (CloseGate, MakeReadOnly),
    (EndSessions,),
    (ClearLeftovers,),
    (DestroyRoom, RemoveSharedGroup),
    (CreateRoom, ConfigureRoom, SetSharedGroup, SetProfile),
    (OpenGate,),
    (SetAffiliations, RemoveFromSharedGroup, LeaveSharedGroups),
    (AddToSharedGroup, JoinSharedGroups),
    (SetBookmarks, LetWrite, SetPhoto),
    (EraseAccount,),
)
_RANK = {kind: rank for rank, kinds in enumerate(_ORDER) for kind in kinds}


def rank(change: Change) -> int:
    """Where in a plan this change stands; equal ranks may be applied at the same time."""
    return _RANK[type(change)]
