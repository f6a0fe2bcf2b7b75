"""Shared roster groups: the gate, and contacts that need no entry per pair."""

from collections.abc import Iterable, Mapping

from ejabberd.commands import Commands
from ejabberd.records import Json, SharedGroup, as_list, as_text, field

Membership = tuple[str, str]
"""A username and the name of a shared group."""


class SharedGroups:
    """Commands about shared groups. `host` is the company's domain, for the group and for its members."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    async def names(self, *, host: str) -> tuple[str, ...]:
        """Return the names of all groups that were created. Raises Temporary for an unknown host."""
        return await self._commands.ask("srg_list", _texts, host=host)

    async def info(self, group: str, *, host: str) -> SharedGroup | None:
        """Return the group's options, None if it was never created."""
        return await self._commands.ask("srg_get_info", SharedGroup.from_response, group=group, host=host)

    async def members(self, group: str, *, host: str) -> tuple[str, ...]:
        """Return the members' bare JIDs: O(members). A group that was never created can have members."""
        return await self._commands.ask("srg_get_members", _texts, group=group, host=host)

    async def create(
        self, group: str, *, host: str, label: str, description: str = "", display: Iterable[str] = ()
    ) -> None:
        """Create a group, or replace the options of an existing one (members stay).

        `label` is the heading in people's contact lists, `display` the groups its members see (usually
        itself; other groups must exist). Empty `display` makes adding members O(1) and tells nobody.
        """
        await self._commands.run(
            "srg_create",
            group=group,
            host=host,
            label=label,
            description=description,
            display="\\n".join(display),
        )

    async def delete(self, group: str, *, host: str) -> None:
        """Delete a group and its memberships; succeeds if there is none."""
        await self._commands.run("srg_delete", group=group, host=host)

    async def join(self, memberships: Iterable[Membership], *, host: str) -> None:
        """Make each user a member of the group beside it, in one call, one membership after the other.

        Succeeds for users and groups that do not exist: look again with `of_users`. Needs our `mod_klean`.
        """
        await self._commands.run("klean_join_shared_groups", host=host, **_columns(memberships))

    async def leave(self, memberships: Iterable[Membership], *, host: str) -> None:
        """Take each user out of the group beside it, in one call. Succeeds whatever there was: look again.

        Needs our `mod_klean`.
        """
        await self._commands.run("klean_leave_shared_groups", host=host, **_columns(memberships))

    async def of_users(self, usernames: Iterable[str], *, host: str) -> Mapping[str, frozenset[str]]:
        """Return for each of these users the groups that contain them, without reading members.

        Needs our `mod_klean` on the host.
        """
        users: list[Json] = list(usernames)
        return await self._commands.ask("klean_shared_groups", _groups, host=host, users=users)

    async def of_user(self, username: str, *, host: str) -> frozenset[str]:
        """Return the groups that contain one user."""
        return (await self.of_users([username], host=host))[username]


def _columns(memberships: Iterable[Membership]) -> dict[str, Json]:
    pairs = list(memberships)
    return {"users": [username for username, _ in pairs], "groups": [group for _, group in pairs]}


def _groups(answer: Json) -> Mapping[str, frozenset[str]]:
    return {as_text(field(item, "user")): frozenset(_texts(field(item, "groups"))) for item in as_list(answer)}


def _texts(answer: Json) -> tuple[str, ...]:
    return tuple(as_text(item) for item in as_list(answer))
