"""Use cases about photos of people: what the directory has is what colleagues see in the chat."""

import hashlib
from dataclasses import replace
from datetime import datetime

from kleanxmpp import edits, errors, pictures
from kleanxmpp.model import Company, User
from kleanxmpp.photo_ports import Photo
from kleanxmpp.ports import Directory

MOST_BYTES = 5 * 1024 * 1024
"""What a picture may have that is sent to us; what is kept of it is far smaller."""


async def set_photo(
    directory: Directory, company: Company, user_id: str, content: bytes, *, actor: str, now: datetime
) -> User:
    """Make this picture (JPEG, PNG or WebP) the person's photo. Repeatable. Raises Invalid for what is none."""
    if len(content) > MOST_BYTES:
        raise errors.Invalid("A photo has at most 5 MB.", field="photo")
    small = await pictures.portrait(content)
    sha1 = hashlib.sha1(small, usedforsecurity=False).hexdigest()
    async with directory.write(company.id) as tx:
        user = edits.not_erasing(await tx.user(company.id, user_id))
        if user.photo_sha1 == sha1:
            return user
        photo = Photo(sha1=sha1, media_type=pictures.MEDIA_TYPE, content=small, updated_at=now)
        await tx.save_photo(company.id, user.id, photo)
        after = replace(user, photo_sha1=sha1)
        return (await edits.save(tx, company, [(user, after)], actor=actor, reason=None, now=now))[0]


async def remove_photo(directory: Directory, company: Company, user_id: str, *, actor: str, now: datetime) -> User:
    """Take the person's photo away, here and on the server. Repeatable."""
    async with directory.write(company.id) as tx:
        user = edits.not_erasing(await tx.user(company.id, user_id))
        await tx.delete_photo(company.id, user.id)
        after = replace(user, photo_sha1=None)
        return (await edits.save(tx, company, [(user, after)], actor=actor, reason=None, now=now))[0]


async def photo_of(directory: Directory, company: Company, user_id: str) -> Photo:
    """Return the person's photo. Raises NotFound if there is no such person or no photo."""
    async with directory.read() as tx:
        user = edits.not_erasing(await tx.user(company.id, user_id))
        photo = await tx.photo(company.id, user.id)
    if photo is None:
        raise errors.NotFound("There is no photo of this person.")
    return photo
