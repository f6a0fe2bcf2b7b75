"""Names: in the vCard for contact lists, and reserved on the room service so that nobody else can use them there.

And the photo that stands beside them.
"""

from ejabberd.commands import Refused
from ejabberd.records import Belongings
from kleanxmpp import errors
from kleanxmpp.changes import SetPhoto
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


async def set_photo(link: Link, change: SetPhoto, *, domain: str) -> int:
    """Make the directory's photo the person's picture, or take it away again."""
    photo = change.photo
    media_type, content = ("", b"") if photo is None else (photo.media_type, photo.content)
    await link.api.accounts.set_photo(change.username, host=domain, media_type=media_type, content=content)
    return 1
