"""Photos of people, one row each."""

from sqlalchemy import delete, insert, select

from kleanxmpp.db.rows import row_of, value_of
from kleanxmpp.db.session import Part
from kleanxmpp.db.tables_photos import user_photos
from kleanxmpp.photo_ports import Photo


class Photos(Part):
    """The transaction's part about photos."""

    __slots__ = ()

    async def photo(self, company_id: str, user_id: str) -> Photo | None:
        theirs = (user_photos.c.company_id == company_id, user_photos.c.user_id == user_id)
        row = await self._session.row(select(user_photos).where(*theirs))
        return row and value_of(Photo, row)

    async def save_photo(self, company_id: str, user_id: str, photo: Photo) -> None:
        row = row_of(photo) | {"company_id": company_id, "user_id": user_id}
        async with self._session.whole():
            await self.delete_photo(company_id, user_id)
            await self._session.run(insert(user_photos).values(row))

    async def delete_photo(self, company_id: str, user_id: str) -> None:
        theirs = (user_photos.c.company_id == company_id, user_photos.c.user_id == user_id)
        await self._session.run(delete(user_photos).where(*theirs))
