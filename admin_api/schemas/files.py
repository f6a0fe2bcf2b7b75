"""Files in JSON: never their links, names or content."""

from datetime import datetime
from typing import Self

from kleanxmpp.file_ports import File

from .types import View


class FileView(View):
    """A file that a person sent."""

    id: str
    size: int
    """In bytes."""
    media_type: str
    created_at: datetime
    expires_at: datetime
    """When it is removed."""

    @classmethod
    def of(cls, file: File) -> Self:
        """Return how a file is shown."""
        return cls(
            id=file.id,
            size=file.size,
            media_type=file.media_type,
            created_at=file.created_at,
            expires_at=file.expires_at,
        )


class FilePage(View):
    """A page of a person's files, the newest first."""

    items: list[FileView]
    next_cursor: str | None
