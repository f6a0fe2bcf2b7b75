"""What stays behind for somebody without access: push registrations, waiting messages, tokens.

All of it is counted and removed inside of the server, by our module: no command of ejabberd's own does (23.01, 24.12).
"""

from collections.abc import Mapping, Sequence

from kleanxmpp import errors
from kleanxmpp.state import Leftovers

from .link import Link


async def of_people(link: Link, usernames: Sequence[str], *, domain: str) -> Mapping[str, Leftovers]:
    """Count what is left, by username; one call for all of them."""
    if not usernames:
        return {}
    found = await link.api.accounts.leftovers(usernames, host=domain)
    if found.keys() != set(usernames):
        raise errors.Temporary("The server answered about other people than those asked for.")
    return {
        username: Leftovers(push=one.push, offline_messages=one.offline_messages, tokens=one.tokens)
        for username, one in found.items()
    }


async def clear(link: Link, usernames: Sequence[str], *, domain: str) -> Sequence[int]:
    """Remove all of it; return how many things each had."""
    before = await of_people(link, usernames, domain=domain)
    await link.api.accounts.clear_leftovers(usernames, host=domain)
    found = (before[username] for username in usernames)
    return [one.push + one.offline_messages + one.tokens for one in found]
