"""What `MemoryServer` holds, and what each change does to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from kleanxmpp import changes, errors
from kleanxmpp.changes import Change
from kleanxmpp.desired import GATE, KEYS, READ_ONLY
from kleanxmpp.state import NOTHING_LEFT, Affiliation, Bookmark, Leftovers, Profile, Room
from kleanxmpp.testing_devices import MemoryDevices


@dataclass(slots=True)
class Holdings:
    """What the server holds for one company."""

    rooms: dict[str, Room] = field(default_factory=dict)
    group_options: dict[str, tuple[str, bool]] = field(default_factory=dict)
    group_members: dict[str, set[str]] = field(default_factory=dict)
    sessions: dict[str, dict[str, datetime]] = field(default_factory=dict)
    profiles: dict[str, Profile] = field(default_factory=dict)
    photos: dict[str, str] = field(default_factory=dict)
    nicknames: dict[str, str] = field(default_factory=dict)
    bookmarks: dict[str, frozenset[Bookmark]] = field(default_factory=dict)
    leftovers: dict[str, Leftovers] = field(default_factory=dict)
    messages_sent: int = 0
    devices: MemoryDevices = field(default_factory=MemoryDevices)


def apply(held: Holdings, change: Change) -> int:
    """Do it, and return how many things were touched, as the real one counts."""
    match change:
        case changes.MakeReadOnly(username=username):
            return apply(held, changes.JoinSharedGroups(username=username, names=frozenset({READ_ONLY})))
        case changes.LetWrite(username=username):
            return apply(held, changes.LeaveSharedGroups(username=username, names=frozenset({READ_ONLY})))
        case changes.ClearLeftovers(username=username):
            found = held.leftovers.pop(username, NOTHING_LEFT)
            return found.push + found.offline_messages + found.tokens
        case changes.CloseGate() | changes.OpenGate() | changes.EndSessions() | changes.EraseAccount():
            return _apply_to_access(held, change)
        case changes.CreateRoom() | changes.ConfigureRoom() | changes.DestroyRoom() | changes.SetAffiliations():
            return _apply_to_room(held, change)
        case changes.SetProfile(username=username, profile=profile):
            return _set_profile(held, username, profile)
        case changes.SetPhoto(username=username, photo=photo):
            held.photos[username] = photo.sha1 if photo else ""
            return 1
        case changes.SetBookmarks(username=username, bookmarks=bookmarks):
            touched = held.bookmarks.get(username, frozenset()) ^ bookmarks
            held.bookmarks[username] = bookmarks
            return len({bookmark.room for bookmark in touched})
        case changes.JoinSharedGroups(username=username, names=names):
            for name in names:
                held.group_members.setdefault(name, set()).add(username)
            return len(names)
        case changes.LeaveSharedGroups(username=username, names=names):
            for name in names:
                held.group_members.setdefault(name, set()).discard(username)
            return len(names)
        case _:
            return _apply_to_group(held, change)


def _apply_to_access(
    held: Holdings, change: changes.CloseGate | changes.OpenGate | changes.EndSessions | changes.EraseAccount
) -> int:
    username = change.username
    match change:
        case changes.CloseGate():
            held.group_members.setdefault(GATE, set()).discard(username)
        case changes.OpenGate():
            held.group_members.setdefault(GATE, set()).add(username)
        case changes.EndSessions():
            held.devices.close(username)
            return len(held.sessions.pop(username, {}))
        case changes.EraseAccount():
            held.devices.close(username)
            held.profiles.pop(username, None)
            held.photos.pop(username, None)
            held.bookmarks.pop(username, None)
            held.nicknames = {nick: holder for nick, holder in held.nicknames.items() if holder != username}
            held.sessions.pop(username, None)
            held.leftovers.pop(username, None)
    return 1


def _apply_to_room(
    held: Holdings,
    change: changes.CreateRoom | changes.ConfigureRoom | changes.DestroyRoom | changes.SetAffiliations,
) -> int:
    match change:
        case changes.DestroyRoom(room=room):
            return int(held.rooms.pop(room, None) is not None)
        case changes.SetAffiliations(room=room, affiliations=affiliations):
            set_affiliations(held, room, affiliations)
            return len(affiliations)
        case changes.CreateRoom(room=room) if room in held.rooms:
            return 1
        case changes.ConfigureRoom(room=room) if room not in held.rooms:
            return 0
    held.rooms[change.room] = Room(
        title=change.title,
        description=change.description,
        announcement=change.announcement,
        affiliations=held.rooms[change.room].affiliations if change.room in held.rooms else {},
    )
    return 1


def _apply_to_group(
    held: Holdings,
    change: changes.SetSharedGroup
    | changes.RemoveSharedGroup
    | changes.AddToSharedGroup
    | changes.RemoveFromSharedGroup,
) -> int:
    name = change.name
    match change:
        case changes.SetSharedGroup(label=label, displayed=displayed):
            held.group_options[name] = (label, displayed and name not in KEYS)
        case changes.RemoveSharedGroup():
            held.group_options.pop(name, None)
            held.group_members.pop(name, None)
        case changes.AddToSharedGroup(usernames=usernames):
            if change.fresh:
                held.group_options[name] = (change.label, change.displayed and name not in KEYS)
            held.group_members.setdefault(name, set()).update(usernames)
            return len(usernames)
        case changes.RemoveFromSharedGroup(usernames=usernames):
            held.group_members.setdefault(name, set()).difference_update(usernames)
            return len(usernames)
    return 1


def _set_profile(held: Holdings, username: str, profile: Profile) -> int:
    reserved = profile.reserved or profile.nickname
    if held.nicknames.get(reserved, username) != username:
        raise errors.Temporary("The nickname is still reserved for somebody else.")
    held.nicknames = {nick: holder for nick, holder in held.nicknames.items() if holder != username}
    held.nicknames[reserved] = username
    held.profiles[username] = profile
    return 1


def set_affiliations(held: Holdings, name: str, affiliations: Mapping[str, Affiliation]) -> None:
    """Change these entries of a room's list. Raises Temporary if there is no room."""
    if name not in held.rooms:
        raise errors.Temporary("The room does not exist.")
    merged = {**held.rooms[name].affiliations, **affiliations}
    present = {jid: affiliation for jid, affiliation in merged.items() if affiliation is not Affiliation.NONE}
    held.rooms[name] = replace(held.rooms[name], affiliations=present)
