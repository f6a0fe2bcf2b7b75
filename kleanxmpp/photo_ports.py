"""The directory's part about photos of people: one each, kept apart from the person because lists never show its bytes.

`User.photo_sha1` says which one there is, so nothing else has to be read to compare a server with the directory.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """A small picture of somebody. `sha1` is its hash in lowercase hex, its name in XMPP (XEP-0153, XEP-0084)."""

    sha1: str
    media_type: str
    content: bytes = field(repr=False)
    updated_at: datetime


class PhotoRecords(Protocol):
    """Photos, by person."""

    async def photo(self, company_id: str, user_id: str) -> Photo | None: ...
    async def save_photo(self, company_id: str, user_id: str, photo: Photo) -> None:
        """Insert or replace. Raises NotFound for somebody who is not in the company."""

    async def delete_photo(self, company_id: str, user_id: str) -> None:
        """Remove it, if there is one."""
