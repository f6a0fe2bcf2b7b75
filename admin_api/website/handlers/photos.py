"""Photos of people: shown small in lists and on the person's page, set and removed by a form."""

from aiohttp import web

from kleanxmpp import errors, photos, users

from ..core_words import told
from ..visits import Visit

FORM_BYTES = photos.MOST_BYTES + 64 * 1024
"""A photo, and what a form puts around it."""
_KEPT = "private, max-age=86400, immutable"


async def show_photo(visit: Visit) -> web.StreamResponse:
    """Send the picture itself. An address that names the photo by its hash is kept by the browser for a day."""
    photo = await photos.photo_of(visit.directory, visit.company, visit.id("user_id"))
    kept = _KEPT if visit.request.query.get("v") == photo.sha1 else "private, no-cache"
    return web.Response(body=photo.content, content_type=photo.media_type, headers={"Cache-Control": kept})


async def show_form(visit: Visit) -> web.StreamResponse:
    """Show the photo, and how to set another one or none."""
    return await _form(visit)


async def change(visit: Visit) -> web.StreamResponse:
    """Set the photo that was chosen, or remove the one there is."""
    user_id, said = visit.id("user_id"), {"actor": visit.actor}
    if "remove" in visit.form:
        await photos.remove_photo(visit.directory, visit.company, user_id, **said, now=visit.now)
        return visit.go(f"/people/{user_id}?done=no-photo")
    content = visit.files.get("photo", b"")
    if not content:
        return await _form(visit, wrong=visit.say("Please choose a picture."))
    try:
        await photos.set_photo(visit.directory, visit.company, user_id, content, **said, now=visit.now)
    except errors.Invalid as error:
        return await _form(visit, wrong=told(str(error), language=visit.language))
    return visit.go(f"/people/{user_id}?done=photo")


async def _form(visit: Visit, *, wrong: str = "") -> web.Response:
    async with visit.directory.read() as tx:
        user = await users.existing(tx, visit.company, visit.id("user_id"))
    return visit.page("people/photo.html", status=422 if wrong else 200, person=user, wrong={"photo": wrong})
