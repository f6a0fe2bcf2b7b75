"""Who is connected, and ending it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from ejabberd.commands import Commands
from ejabberd.records import DeviceRecord, Json, SeenRecord, Session, as_list, as_number, as_text, field


class Sessions:
    """Commands about sessions. Those about many people need our `mod_klean` on the host."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    async def kick_users(self, usernames: Iterable[str], *, host: str) -> Mapping[str, int]:
        """End all sessions of these users, live and sleeping; return how many each had.

        The streams are closed about 0.1 s later. Look again with `of_users`.
        """
        users: list[Json] = list(usernames)
        return await self._commands.ask("klean_kick_users", _counts, host=host, users=users)

    async def of_users(self, usernames: Iterable[str], *, host: str) -> Mapping[str, Sequence[Session]]:
        """Return the sessions of these users, also sleeping ones; who has none is missing."""
        users: list[Json] = list(usernames)
        return await self._commands.ask("klean_sessions", _sessions, host=host, users=users)

    async def of_user(self, username: str, *, host: str) -> Sequence[Session]:
        """Return one user's sessions."""
        return (await self.of_users([username], host=host)).get(username, ())

    async def devices(self, username: str, *, host: str) -> Sequence[DeviceRecord]:
        """Return one user's sessions, also sleeping ones, with the marks of the secrets they began with."""
        return await self._commands.ask(
            "klean_devices",
            lambda answer: [DeviceRecord.from_response(item) for item in as_list(answer)],
            host=host,
            users=[username],
        )

    async def devices_seen(self, *, host: str, taken: Iterable[str]) -> Sequence[SeenRecord]:
        """Return when secrets were last connected with; entries whose stamps are `taken` are forgotten."""
        stamps: list[Json] = list(taken)
        return await self._commands.ask(
            "klean_devices_seen",
            lambda answer: [SeenRecord.from_response(item) for item in as_list(answer)],
            host=host,
            taken=stamps,
        )

    async def connected(self, *, host: str) -> tuple[str, ...]:
        """Return the full JIDs of all sessions of a host. A host that does not exist has none."""
        return await self._commands.ask(
            "connected_users_vhost",
            lambda answer: tuple(as_text(item) for item in as_list(answer)),
            host=host,
        )

    async def messages_sent(self, *, host: str) -> int:
        """Return how many messages with a text this host's users have sent since ejabberd started. Needs mod_klean."""
        return await self._commands.ask(
            "klean_messages", lambda answer: as_number(field(answer, "messages")), host=host
        )


def _counts(answer: Json) -> Mapping[str, int]:
    return {as_text(field(item, "user")): as_number(field(item, "sessions")) for item in as_list(answer)}


def _sessions(answer: Json) -> Mapping[str, Sequence[Session]]:
    found: dict[str, list[Session]] = defaultdict(list)
    for item in as_list(answer):
        found[as_text(field(item, "user"))].append(Session.from_response(item))
    return dict(found)
