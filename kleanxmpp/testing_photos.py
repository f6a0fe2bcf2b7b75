"""The part of `MemoryDirectory`'s transaction about photos."""

from kleanxmpp import errors
from kleanxmpp.photo_ports import Photo
from kleanxmpp.testing_tables import MemoryPart


class MemoryPhotos(MemoryPart):
    """Photos, by person."""

    async def photo(self, company_id: str, user_id: str) -> Photo | None:
        user = self._tables.users.get(user_id)
        return self._tables.photos.get(user_id) if user and user.company_id == company_id else None

    async def save_photo(self, company_id: str, user_id: str, photo: Photo) -> None:
        with self._changing() as tables:
            user = tables.users.get(user_id)
            if user is None or user.company_id != company_id:
                raise errors.NotFound
            tables.photos[user_id] = photo

    async def delete_photo(self, company_id: str, user_id: str) -> None:
        with self._changing() as tables:
            if await self.photo(company_id, user_id) is not None:
                del tables.photos[user_id]
