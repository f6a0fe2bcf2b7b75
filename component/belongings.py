"""What the server keeps for people besides sessions and circles, read for many in one call."""

from collections.abc import Mapping, Sequence

from ejabberd.records import Belongings
from kleanxmpp import errors

from .link import Link


async def of_people(link: Link, usernames: Sequence[str], *, domain: str) -> Mapping[str, Belongings]:
    """Return names and bookmarks by username."""
    if not usernames:
        return {}
    kept = {person.username: person for person in await link.api.accounts.belongings(usernames, host=domain)}
    if kept.keys() != set(usernames):
        raise errors.Temporary("The server answered about other people than those asked for.")
    return kept
