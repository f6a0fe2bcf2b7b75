"""What a person can reach right now, in JSON."""

from collections.abc import Sequence
from typing import Self

from kleanxmpp.desired import GATE, KEYS, READ_ONLY, Access
from kleanxmpp.devices import LiveSession
from kleanxmpp.model import Absence, Group, Role
from kleanxmpp.state import Affiliation, UserState

from .types import View


class AccessGroupView(View):
    """A group the person is in, according to the directory."""

    id: str
    slug: str
    room: str
    role: Role
    effective: bool
    """Whether the membership counts: while the person may chat; on garden leave, for reading announcements. Never in
    an archived group."""

    @classmethod
    def of(cls, group: Group, *, role: Role, rooms_domain: str, effective: bool) -> Self:
        """Return how a membership is shown."""
        room = f"{group.slug}@{rooms_domain}"
        return cls(id=group.id, slug=group.slug, room=room, role=role, effective=effective)


class DirectoryAccessView(View):
    """What the directory says."""

    active: bool
    chat_permission: bool
    company_enabled: bool
    absence: Absence | None
    credentials: int
    groups: list[AccessGroupView]


class RoomAccessView(View):
    """A room that has the person on its list."""

    room: str
    affiliation: Affiliation


class SessionView(View):
    """A session, and the device it belongs to."""

    resource: str
    """What the session is called on the server; one of `sessions`."""
    credential_id: str | None
    """The device. Null: not known, or its login was revoked."""
    label: str | None
    """What the person calls the device."""
    connected: bool
    """False: the connection broke a moment ago, and the device may still resume."""

    @classmethod
    def of(cls, session: LiveSession) -> Self:
        """Return how a session is shown."""
        device = session.credential
        return cls(
            resource=session.resource,
            credential_id=device.id if device else None,
            label=device.label if device else None,
            connected=session.awake,
        )


class ServerAccessView(View):
    """What the live server says. Null: this was not looked at."""

    reachable: bool
    gate: bool | None
    """Whether the person is let through the gate."""
    read_only: bool | None
    """Whether what the person writes is refused."""
    sessions: list[str] | None
    """Every session there is, sleeping ones included."""
    devices: list[SessionView] | None
    """The same sessions with their devices. Null: the server does not tell them apart (an older `mod_klean`)."""
    rooms: list[RoomAccessView] | None
    shared_groups: list[str] | None
    """The contact groups the person is in."""
    bookmarks: list[str] | None
    """The rooms that the person's clients join by themselves."""

    @classmethod
    def of(cls, state: UserState, *, live: Sequence[LiveSession] | None, rooms_domain: str) -> Self:
        """Return how what was observed is shown."""
        shared = state.shared_groups
        rooms = state.affiliations
        return cls(
            reachable=True,
            gate=None if shared is None else GATE in shared,
            read_only=None if shared is None else READ_ONLY in shared,
            sessions=None if state.sessions is None else sorted(state.sessions),
            devices=None if live is None else [SessionView.of(one) for one in live],
            rooms=None
            if rooms is None
            else [
                RoomAccessView(room=f"{room}@{rooms_domain}", affiliation=affiliation)
                for room, affiliation in sorted(rooms.items())
                if affiliation is not Affiliation.NONE
            ],
            shared_groups=None if shared is None else sorted(shared - KEYS),
            bookmarks=None if state.bookmarks is None else sorted(b.room for b in state.bookmarks),
        )


class AccessView(View):
    """What this person can reach right now, in the directory and on the live server."""

    user_id: str
    jid: str
    may_chat: bool
    access: Access
    """How far the person takes part: `none`, `paused`, `read` or `full`."""
    why: str
    """In words."""
    directory: DirectoryAccessView
    server: ServerAccessView | None
    """Null: the server could not be asked, so nothing is known of it."""
    server_error: str | None
    """Why the server could not be asked."""
