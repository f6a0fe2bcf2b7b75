"""Photos of people over HTTP: a picture as body, and as answer."""

from kleanxmpp import photos

from .. import etags
from ..answers import Answer, Document
from ..schemas.types import Id
from ..schemas.users import user_view
from ..services import Call


async def get_photo(call: Call, *, user_id: Id) -> Answer:
    """Show a person's photo.

    A square JPEG of at most 256 pixels. Its entity tag is its SHA-1, the `photo_sha1` of the person. 404 if there is
    none.
    """
    photo = await photos.photo_of(call.directory, call.company, user_id)
    headers = {"ETag": f'"{photo.sha1}"', "Cache-Control": "private, no-cache"}
    if etags.is_known(call.headers, headers["ETag"]):
        return Answer(status=304, headers=headers)
    return Answer(document=Document(content=photo.content, name="photo.jpg"), headers=headers)


async def put_photo(call: Call, *, user_id: Id, picture: bytes) -> Answer:
    """Set a person's photo.

    The body is the picture itself: JPEG, PNG or WebP of at most 5 MB that does not move. Its middle is kept as a small
    square JPEG, the right way up, and nothing else of it: no place, no time, no camera. Colleagues see it in the chat
    in place of any picture of the person's own. Repeatable.
    """
    user = await photos.set_photo(call.directory, call.company, user_id, picture, actor=call.actor, now=call.now)
    headers = {"ETag": etags.tag(user.version, company=call.company)}
    return Answer(body=user_view(user, company=call.company), headers=headers)


async def remove_photo(call: Call, *, user_id: Id) -> Answer:
    """Remove a person's photo.

    In the chat, too; from then on the person may choose a picture there. Repeatable.
    """
    await photos.remove_photo(call.directory, call.company, user_id, actor=call.actor, now=call.now)
    return Answer(status=204)
