"""`MemoryServer`: the twin of the `Server` port that lives in memory, for tests of everything above it.

It behaves like the real one where that matters: a closed gate ends no session, a shared group that was
never created can have members, a room that does not exist cannot be entered. `Company` values are told
apart by their domains. Tests reach in by the methods of the second half.
"""

import copy
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from kleanxmpp import errors
from kleanxmpp.changes import Change
from kleanxmpp.desired import GATE, SHARED_GROUP_PREFIX, CircleLook, UserLook
from kleanxmpp.device_ports import DeviceSeen, DeviceSession
from kleanxmpp.model import Company
from kleanxmpp.state import (
    NOTHING_LEFT,
    Affiliation,
    CircleState,
    Profile,
    Room,
    SharedGroup,
    UserState,
)
from kleanxmpp.testing_changes import Holdings, apply, set_affiliations
from kleanxmpp.testing_devices import mark_of

_NO_PROFILE = Profile(full_name="", nickname="")


class MemoryServer:
    """Implements `kleanxmpp.ports.Server`. `applied` are the changes in their order, `calls` counts by method."""

    def __init__(self) -> None:
        self.away = False
        self.applied: list[Change] = []
        self.calls: Counter[str] = Counter()
        self._companies: dict[str, Holdings] = {}

    # the port

    async def observe_user(self, company: Company, look: UserLook) -> UserState:
        held = self._held("observe_user", company)
        jid = f"{look.username}@{company.domain}"
        return UserState(
            sessions=_unwanted(held, look),
            shared_groups=frozenset(g for g in look.shared_groups if look.username in held.group_members.get(g, ())),
            affiliations={room: _affiliation(held, room, jid) for room in look.rooms},
            profile=held.profiles.get(look.username, _NO_PROFILE) if look.profile else None,
            photo=held.photos.get(look.username, "") if look.profile else None,
            bookmarks=held.bookmarks.get(look.username, frozenset()) if look.bookmarks else None,
            leftovers=held.leftovers.get(look.username, NOTHING_LEFT) if look.leftovers else None,
        )

    async def observe_people(self, company: Company, looks: Sequence[UserLook]) -> Sequence[UserState]:
        held = self._held("observe_people", company)
        return [
            UserState(
                profile=held.profiles.get(look.username, _NO_PROFILE) if look.profile else None,
                photo=held.photos.get(look.username, "") if look.profile else None,
                bookmarks=held.bookmarks.get(look.username, frozenset()) if look.bookmarks else None,
                leftovers=held.leftovers.get(look.username, NOTHING_LEFT) if look.leftovers else None,
            )
            for look in looks
        ]

    async def observe_circles(self, company: Company, look: CircleLook) -> CircleState:
        held = self._held("observe_circles", company)
        return CircleState(
            rooms={name: held.rooms[name] for name in look.rooms if name in held.rooms},
            shared_groups={
                name: _shared_group(held, name, with_members=with_members)
                for name, with_members in look.shared_groups.items()
                if name in held.group_options
            },
        )

    async def apply(self, company: Company, change: Change) -> int:
        held = self._held("apply", company)
        touched = apply(held, change)
        self.applied.append(change)
        return touched

    async def key_holders(self, company: Company, key: str) -> frozenset[str]:
        return frozenset(self._held("key_holders", company).group_members.get(key, ()))

    async def online(self, company: Company) -> frozenset[str]:
        return frozenset(name for name, live in self._held("online", company).sessions.items() if live)

    async def messages_sent(self, company: Company) -> int:
        return self._held("messages_sent", company).messages_sent

    async def device_sessions(self, company: Company, username: str) -> Sequence[DeviceSession]:
        held = self._held("device_sessions", company)
        return [held.devices.session(username, resource) for resource in held.sessions.get(username, {})]

    async def devices_seen(self, company: Company, *, taken: Sequence[str]) -> Sequence[DeviceSeen]:
        return self._held("devices_seen", company).devices.take(taken)

    async def room_names(self, company: Company) -> frozenset[str]:
        return frozenset(self._held("room_names", company).rooms)

    async def shared_group_names(self, company: Company) -> frozenset[str]:
        held = self._held("shared_group_names", company)
        return frozenset(name for name in held.group_options if name.startswith(SHARED_GROUP_PREFIX))

    async def check(self) -> None:
        self._be_there("check")

    # what tests do behind our back

    def log_in(
        self, company: Company, username: str, resource: str, *, began: datetime | None = None, secret: str = ""
    ) -> None:
        """Begin a session, as a client does that the gate lets in. Raises Permanent if the gate is closed.

        Without the `secret` it is not known which device it is.
        """
        held = self.holdings(company)
        if username not in held.group_members.get(GATE, ()):
            raise errors.Permanent("not-allowed")
        held.sessions.setdefault(username, {})[resource] = began or datetime.now(UTC)
        if secret:
            held.devices.open(username, resource, mark=mark_of(secret))

    def lose(self, company: Company, username: str, resource: str) -> None:
        """Break a device's connection; its session may be resumed."""
        self.holdings(company).devices.doze(username, resource)

    def tamper_affiliation(self, company: Company, room: str, jid: str, affiliation: Affiliation) -> None:
        """Change a room's list by hand, as a moderator's client could."""
        set_affiliations(self.holdings(company), room, {jid: affiliation})

    def tamper_options(self, company: Company, room: str) -> None:
        """Make the room break a promise."""
        held = self.holdings(company)
        held.rooms[room] = replace(held.rooms[room], as_promised=False)

    def remove_room(self, company: Company, room: str) -> None:
        """Lose a room."""
        del self.holdings(company).rooms[room]

    def add_room(self, company: Company, room: str) -> None:
        """Make a room that nobody asked for."""
        self.holdings(company).rooms[room] = Room(title=room, description="", announcement=False, affiliations={})

    def add_group_members(self, company: Company, name: str, usernames: Collection[str]) -> None:
        """Put people into a shared group by hand."""
        self.holdings(company).group_members.setdefault(name, set()).update(usernames)

    def snapshot(self) -> dict[str, Holdings]:
        """Return a backup of everything."""
        return copy.deepcopy(self._companies)

    def restore(self, snapshot: dict[str, Holdings]) -> None:
        """Put a backup back. The sessions stay what they are now."""
        live = self._companies
        self._companies = copy.deepcopy(snapshot)
        for domain, held in self._companies.items():
            now = live.get(domain, Holdings())
            held.sessions, held.devices = now.sessions, now.devices

    def holdings(self, company: Company) -> Holdings:
        """Return what is held for a company, to look at and to spoil."""
        return self._companies.setdefault(company.domain, Holdings())

    def _held(self, method: str, company: Company) -> Holdings:
        self._be_there(method)
        return self.holdings(company)

    def _be_there(self, method: str) -> None:
        self.calls[method] += 1
        if self.away:
            raise errors.Temporary("The server is away.")


def _unwanted(held: Holdings, look: UserLook) -> frozenset[str] | None:
    if not look.sessions:
        return None
    live = held.sessions.get(look.username, {})
    if look.any_session:
        return frozenset(live)
    before = look.sessions_before
    return frozenset(resource for resource, began in live.items() if before is not None and began < before)


def _affiliation(held: Holdings, room: str, jid: str) -> Affiliation:
    return held.rooms[room].affiliations.get(jid, Affiliation.NONE) if room in held.rooms else Affiliation.NONE


def _shared_group(held: Holdings, name: str, *, with_members: bool) -> SharedGroup:
    label, displayed = held.group_options[name]
    members = frozenset(held.group_members.get(name, ())) if with_members else None
    return SharedGroup(label=label, displayed=displayed, members=members)
