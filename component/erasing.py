"""Erasing what the server keeps for a person. Rooms and groups were left before; see the order in `changes`."""

from .link import Link


async def erase(link: Link, username: str, *, domain: str) -> int:
    """Give the nickname back and unregister: archive, names, bookmarks, waiting messages and nodes go with it.

    The nickname goes first: whoever is interrupted in between is still known, and is erased by the next attempt.
    """
    await link.api.rooms.unregister_nick(jid=f"{username}@{domain}", service=link.addresses.rooms(domain))
    await link.api.accounts.unregister(username, host=domain)
    return 1
