"""Names: in the vCard for contact lists, and reserved on the room service so that nobody else can use them there."""

from ejabberd.commands import Refused
from ejabberd.records import Belongings
from kleanxmpp import errors
from kleanxmpp.state import Profile

from .link import Link


def read_profile(person: Belongings) -> Profile:
    """Return the names in the vCard; one that is not there is empty."""
    return Profile(full_name=person.full_name, nickname=person.nickname)


async def set_profile(link: Link, username: str, profile: Profile, *, domain: str) -> int:
    """Reserve the nickname, then write the names; everything else of the vCard stays.

    Raises Temporary while somebody else still holds the nickname: their own scope gives it back.
    """
    jid, service = f"{username}@{domain}", link.addresses.rooms(domain)
    try:
        await link.api.rooms.register_nick(profile.reserved or profile.nickname, jid=jid, service=service)
    except Refused as error:
        raise errors.Temporary("The nickname is still reserved for somebody else.") from error
    full_name, nickname = profile.full_name, profile.nickname
    await link.api.accounts.set_names(username, host=domain, full_name=full_name, nickname=nickname)
    return 1
