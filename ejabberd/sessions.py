"""Who is connected, and ending it."""

from ejabberd.commands import Commands
from ejabberd.records import Session, as_list, as_number, as_text, field


class Sessions:
    """Commands about sessions."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    async def kick_user(self, username: str, *, host: str) -> int:
        """End all sessions of a user, live and sleeping; return how many there were.

        The streams are closed about 0.1 s later. Look again with `of_user`.
        """
        return await self._commands.ask(
            "kick_user",
            lambda answer: as_number(field(answer, "num_resources")),
            user=username,
            host=host,
        )

    async def of_user(self, username: str, *, host: str) -> tuple[Session, ...]:
        """Return the user's sessions, also sleeping ones."""
        return await self._commands.ask(
            "user_sessions_info",
            lambda answer: tuple(Session.from_response(item) for item in as_list(answer)),
            user=username,
            host=host,
        )

    async def connected(self, *, host: str) -> tuple[str, ...]:
        """Return the full JIDs of all sessions of a host. A host that does not exist has none."""
        return await self._commands.ask(
            "connected_users_vhost",
            lambda answer: tuple(as_text(item) for item in as_list(answer)),
            host=host,
        )
