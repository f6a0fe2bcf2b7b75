"""From desired and actual to an ordered plan. Pure: no I/O, no clock, no settings.

What was not looked at (`None`) is never planned from. Ownership: only rooms and shared groups that the
caller names in `desired` or found under our own names in `actual` appear here; strange ones never do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from kleanxmpp import changes, errors
from kleanxmpp.changes import Change
from kleanxmpp.desired import GATE, KEYS, READ_ONLY
from kleanxmpp.state import Affiliation, CircleState, Room, SharedGroup, UserState

Plan = tuple[Change, ...]


def plan_user(username: str, *, jid: str, desired: UserState, actual: UserState) -> Plan:
    """Return what makes `actual` equal to `desired` for one person (`jid` is their bare JID)."""
    steps: list[Change] = []
    if actual.sessions and desired.sessions is not None:
        steps.append(changes.EndSessions(username=username))
    if desired.affiliations is not None and actual.affiliations is not None:
        steps += [
            changes.SetAffiliations(room=room, affiliations={jid: wanted})
            for room, wanted in _differing(desired.affiliations, actual.affiliations)
        ]
    if desired.shared_groups is not None and actual.shared_groups is not None:
        steps += _user_groups(username, desired=desired.shared_groups, actual=actual.shared_groups)
    if desired.profile is not None and actual.profile not in {None, desired.profile}:
        steps.append(changes.SetProfile(username=username, profile=desired.profile))
    if desired.photo is not None and actual.photo not in {None, desired.photo}:
        steps.append(changes.SetPhoto(username=username, sha1=desired.photo))
    if desired.bookmarks is not None and actual.bookmarks is not None and desired.bookmarks != actual.bookmarks:
        steps.append(changes.SetBookmarks(username=username, bookmarks=desired.bookmarks))
    if desired.leftovers is not None and actual.leftovers not in {None, desired.leftovers}:
        steps.append(changes.ClearLeftovers(username=username))
    return _ordered(steps)


def closing_steps(username: str) -> Plan:
    """Return what an off-boarding does before it looks at anything: it assumes that every door stands open."""
    return (changes.CloseGate(username=username), changes.EndSessions(username=username))


def silencing_steps(username: str) -> Plan:
    """Return what the beginning of a garden leave does before it looks at anything."""
    return (changes.MakeReadOnly(username=username),)


def plan_circles(*, desired: CircleState, actual: CircleState) -> Plan:
    """Return what makes `actual` equal to `desired` for one group, or for what a company holds as a whole."""
    steps: list[Change] = []
    for name in sorted(desired.rooms.keys() | actual.rooms.keys()):
        steps += _room(name, desired=desired.rooms.get(name), actual=actual.rooms.get(name))
    for name in sorted(desired.shared_groups.keys() | actual.shared_groups.keys()):
        steps += _shared_group(name, desired=desired.shared_groups.get(name), actual=actual.shared_groups.get(name))
    return _ordered(steps)


def refuse_unsafe(*, removed: int, present: int, share: float, floor: int) -> None:
    """Raise `UnsafePlan` if a sweep would remove more than `share` of what is present, and more than `floor`."""
    if removed > floor and removed > present * share:
        raise errors.UnsafePlan(
            f"The sweep would remove {removed} of {present}. Nothing was changed. Look at the plan "
            "(kleanxmpp reconcile --dry-run), then confirm it, or repeat with --force."
        )


def removals(plan: Iterable[Change]) -> int:
    """Count the people, rooms and groups that a plan takes something from."""
    count = 0
    for step in plan:
        match step:
            case changes.CloseGate() | changes.DestroyRoom() | changes.RemoveSharedGroup():
                count += 1
            case changes.RemoveFromSharedGroup(usernames=usernames):
                count += len(usernames)
            case changes.LeaveSharedGroups(names=names):
                count += len(names)
            case changes.SetAffiliations(affiliations=affiliations):
                count += sum(a is Affiliation.NONE for a in affiliations.values())
    return count


def _ordered(steps: Iterable[Change]) -> Plan:
    return tuple(sorted(steps, key=changes.rank))


def _differing(
    desired: Mapping[str, Affiliation], actual: Mapping[str, Affiliation]
) -> Iterable[tuple[str, Affiliation]]:
    for key in sorted(desired.keys() | actual.keys()):
        wanted = desired.get(key, Affiliation.NONE)
        if wanted is not actual.get(key, Affiliation.NONE):
            yield key, wanted


def _user_groups(username: str, *, desired: frozenset[str], actual: frozenset[str]) -> Iterable[Change]:
    if GATE in desired ^ actual:
        yield changes.OpenGate(username=username) if GATE in desired else changes.CloseGate(username=username)
    if READ_ONLY in desired ^ actual:
        yield changes.MakeReadOnly(username=username) if READ_ONLY in desired else changes.LetWrite(username=username)
    wanted, present = desired - KEYS, actual - KEYS
    # Somebody who leaves one of two common groups vanishes from the other's contact list although the second group
    # stays (ejabberd #2960, 23.01 and newer): leaving and joining that one once more brings them back.
    leaves = present - wanted
    if leaves:
        yield changes.LeaveSharedGroups(username=username, names=present)
    if joins := wanted if leaves else wanted - present:
        yield changes.JoinSharedGroups(username=username, names=joins)


def _room(name: str, *, desired: Room | None, actual: Room | None) -> Iterable[Change]:
    if desired is None:
        yield changes.DestroyRoom(room=name)
        return
    step = changes.CreateRoom if actual is None else changes.ConfigureRoom
    if actual is None or not _same_room(desired, actual):
        yield step(
            room=name,
            title=desired.title,
            description=desired.description,
            announcement=desired.announcement,
        )
    differing = dict(_differing(desired.affiliations, actual.affiliations if actual else {}))
    if differing:
        yield changes.SetAffiliations(room=name, affiliations=differing)


def _same_room(desired: Room, actual: Room) -> bool:
    """Compare everything but the people."""
    return replace(desired, affiliations={}) == replace(actual, affiliations={})


def _shared_group(name: str, *, desired: SharedGroup | None, actual: SharedGroup | None) -> Iterable[Change]:
    if desired is None:
        yield changes.RemoveSharedGroup(name=name)
        return
    if actual is None or (actual.label, actual.displayed) != (desired.label, desired.displayed):
        yield changes.SetSharedGroup(name=name, label=desired.label, displayed=desired.displayed)
    present = actual.members if actual else frozenset[str]()
    if desired.members is None or present is None:
        return
    if gone := present - desired.members:
        yield changes.RemoveFromSharedGroup(name=name, usernames=gone)
    if new := desired.members - present:
        yield changes.AddToSharedGroup(
            name=name, label=desired.label, displayed=desired.displayed, usernames=new, fresh=not present
        )
