"""Rooms by the HTTP API: existence, options and look-ups. Affiliations in bulk are set by XMPP."""

from collections.abc import Iterable, Mapping

from ejabberd.commands import Commands, Refused
from ejabberd.records import Json, RoomAffiliation, RoomOccupant, Unreadable, as_list, as_text, field

_NO_ROOM = ("The room does not exist.", "Room doesn't exists", "Room not found", "room_not_found")
_ROOM_EXISTS = "Room already exists"

Place = tuple[str, str]
"""A user's bare JID and the localpart of a room."""


class Rooms:
    """Commands about rooms. `service` is the room service's address (gruppen.DOMAIN), `name` the localpart.

    Looking at a room that is asleep wakes it.
    """

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    async def all(self, *, service: str) -> frozenset[str]:
        """Return the bare JIDs of all rooms, awake and asleep: neither list of ejabberd has all of them."""
        awake = await self._commands.ask("muc_online_rooms", _texts, service=service)
        unused = await self._commands.ask("rooms_unused_list", _texts, service=service, days=0)
        return frozenset(awake + unused)

    async def create(self, name: str, *, service: str, host: str, options: Mapping[str, str]) -> None:
        """Create a room with these options over the configured defaults; it is not an error if it exists.

        ejabberd accepts any option name and misspelt values: read the options back.
        """
        pairs: list[Json] = [{"name": option, "value": value} for option, value in options.items()]
        try:
            await self._commands.run("create_room_with_opts", name=name, service=service, host=host, options=pairs)
        except Refused as error:
            if error.reason != _ROOM_EXISTS:
                raise

    async def destroy(self, name: str, *, service: str) -> bool:
        """Destroy a room; return False if there was none. It is gone a moment after the answer."""
        try:
            await self._commands.run("destroy_room", name=name, service=service)
        except Refused as error:
            if error.reason in _NO_ROOM:
                return False
            raise
        return True

    async def options(self, name: str, *, service: str) -> dict[str, str] | None:
        """Return a room's options as text, None if there is no room."""
        return await self._commands.ask("get_room_options", _options, name=name, service=service)

    async def set_option(self, name: str, *, service: str, option: str, value: str) -> None:
        """Change one option of a room."""
        await self._commands.run("change_room_option", name=name, service=service, option=option, value=value)

    async def affiliations(self, name: str, *, service: str) -> tuple[RoomAffiliation, ...] | None:
        """Return all entries of a room's list (O(members)), None if there is no room."""
        try:
            return await self._commands.ask(
                "get_room_affiliations",
                lambda answer: tuple(RoomAffiliation.from_response(item) for item in as_list(answer)),
                name=name,
                service=service,
            )
        except Refused as error:
            if error.reason in _NO_ROOM:
                return None
            raise

    async def affiliations_in(self, places: Iterable[Place], *, service: str) -> Mapping[Place, str]:
        """Return each user's affiliation in the room beside it (`none` if not in the list); missing: no such room.

        One call. Needs our `mod_klean` on the host.
        """
        asked = list(places)
        jids: list[Json] = [jid for jid, _ in asked]
        rooms: list[Json] = [room for _, room in asked]
        return await self._commands.ask("klean_affiliations", _found, service=service, jids=jids, rooms=rooms)

    async def affiliations_of(self, jid: str, *, service: str, rooms: Iterable[str]) -> dict[str, str]:
        """Return one user's affiliation in each of these rooms."""
        found = await self.affiliations_in([(jid, room) for room in rooms], service=service)
        return {room: affiliation for (_, room), affiliation in found.items()}

    async def set_affiliation(self, name: str, *, service: str, jid: str, affiliation: str) -> None:
        """Set one user's affiliation; `none` throws an occupant out of a members-only room."""
        await self._commands.run("set_room_affiliation", name=name, service=service, jid=jid, affiliation=affiliation)

    async def occupants(self, name: str, *, service: str) -> tuple[RoomOccupant, ...] | None:
        """Return who is inside now, None if there is no room."""
        try:
            return await self._commands.ask(
                "get_room_occupants",
                lambda answer: tuple(RoomOccupant.from_response(item) for item in as_list(answer)),
                name=name,
                service=service,
            )
        except Refused as error:
            if error.reason in _NO_ROOM:
                return None
            raise

    async def register_nick(self, nick: str, *, jid: str, service: str) -> None:
        """Reserve a nickname in all rooms of the service for a user, replacing the user's former one.

        Refused (Permanent) if somebody else has it.
        """
        await self._commands.run("muc_register_nick", nick=nick, jid=jid, service=service)

    async def unregister_nick(self, *, jid: str, service: str) -> None:
        """Give the user's reserved nickname back; succeeds if there is none."""
        await self._commands.run("muc_unregister_nick", jid=jid, service=service)


def _texts(answer: Json) -> tuple[str, ...]:
    return tuple(as_text(item) for item in as_list(answer))


def _found(answer: Json) -> Mapping[Place, str]:
    return {
        (as_text(field(item, "jid")), as_text(field(item, "room"))): as_text(field(item, "affiliation"))
        for item in as_list(answer)
    }


def _options(answer: Json) -> dict[str, str] | None:
    if not isinstance(answer, Mapping):
        raise Unreadable
    return {option: as_text(value) for option, value in answer.items()} or None
