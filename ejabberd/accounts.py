"""What ejabberd keeps for an account: names, photo, bookmarks, waiting messages."""

import base64
from collections.abc import Iterable, Mapping

from ejabberd.commands import Commands, Refused
from ejabberd.records import Belongings, Json, Remains, ShownNames, as_list, as_number, as_text, field

_NO_VALUE = ("error_no_vcard_found", "error_no_value_found_in_vcard")


class Accounts:
    """Commands about accounts. None of them checks that the account exists."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    async def names(self, username: str, *, host: str) -> ShownNames:
        """Read FN and NICKNAME of the vCard."""
        return ShownNames(
            full_name=await self._vcard_field("FN", username, host),
            nickname=await self._vcard_field("NICKNAME", username, host),
        )

    async def belongings(self, usernames: Iterable[str], *, host: str) -> tuple[Belongings, ...]:
        """Read names, photo hashes, bookmarks of many users in one call, in any order. Needs our `mod_klean`."""
        users: list[Json] = list(usernames)
        return await self._commands.ask("klean_people", _belongings, host=host, users=users)

    async def leftovers(self, usernames: Iterable[str], *, host: str) -> Mapping[str, Remains]:
        """Count what is left of these users, by username. Needs our `mod_klean` on the host."""
        users: list[Json] = list(usernames)
        found = await self._commands.ask("klean_leftovers", _remains, host=host, users=users)
        return {one.username: one for one in found}

    async def clear_leftovers(self, usernames: Iterable[str], *, host: str) -> None:
        """Remove what `leftovers` counts. Succeeds whatever there was. Needs our `mod_klean` on the host."""
        users: list[Json] = list(usernames)
        await self._commands.run("klean_clear_leftovers", host=host, users=users)

    async def set_names(self, username: str, *, host: str, full_name: str, nickname: str) -> None:
        """Write FN and NICKNAME of the vCard and keep everything else, the picture too.

        Not `set_nickname`: that command replaces the whole vCard.
        """
        for name, content in (("FN", full_name), ("NICKNAME", nickname)):
            await self._commands.run("set_vcard", user=username, host=host, name=name, content=content)

    async def set_photo(self, username: str, *, host: str, media_type: str, content: bytes) -> None:
        """Make this the user's picture in vCard and avatar (XEP-0054, XEP-0084), which no client can change.

        Empty `content` takes such a picture away again. Needs our `mod_klean` on the host.
        """
        photo = base64.b64encode(content).decode()
        await self._commands.run("klean_set_photo", user=username, host=host, type=media_type, photo=photo)

    async def private(self, username: str, *, host: str, element: str, namespace: str) -> str:
        """Read an element of the private storage (XEP-0049) as XML; it is empty if nothing was stored."""
        return await self._commands.ask(
            "private_get", _stored_element, user=username, host=host, element=element, ns=namespace
        )

    async def set_private(self, elements: Mapping[str, str], *, host: str) -> None:
        """Write into the private storage of each user (by username) one element. Needs our `mod_klean` on the host.

        `storage:bookmarks` also goes to the user's personal event node of that name, and on 23.10 and
        newer to one item per room on `urn:xmpp:bookmarks:1`; clients that are online are told at once.
        """
        users: list[Json] = list(elements)
        await self._commands.run("klean_set_private", host=host, users=users, elements=list(elements.values()))

    async def offline_count(self, username: str, *, host: str) -> int:
        """Return how many messages wait for the user."""
        return await self._commands.ask(
            "get_offline_count", lambda answer: as_number(field(answer, "value")), user=username, host=host
        )

    async def unregister(self, username: str, *, host: str) -> None:
        """Erase what ejabberd keeps for the account: archive, waiting messages, vCard, private data, nodes.

        Does not touch shared groups and rooms; answers success for an account that never was.
        """
        await self._commands.ask("unregister", lambda answer: None, user=username, host=host)

    async def remove_archive(self, username: str, *, host: str) -> None:
        """Erase the user's own message archive (not those of rooms)."""
        await self._commands.ask("remove_mam_for_user", lambda answer: None, user=username, host=host)

    async def _vcard_field(self, name: str, username: str, host: str) -> str | None:
        try:
            return await self._commands.ask(
                "get_vcard", lambda answer: as_text(field(answer, "content")), user=username, host=host, name=name
            )
        except Refused as error:
            if error.reason in _NO_VALUE:
                return None
            raise


def _belongings(answer: Json) -> tuple[Belongings, ...]:
    return tuple(Belongings.from_response(person) for person in as_list(answer))


def _remains(answer: Json) -> tuple[Remains, ...]:
    return tuple(Remains.from_response(one) for one in as_list(answer))


def _stored_element(answer: Json) -> str:
    text = as_text(field(answer, "res"))
    if not text.startswith("<query"):
        return text
    return text.partition(">")[2].removesuffix("</query>")
