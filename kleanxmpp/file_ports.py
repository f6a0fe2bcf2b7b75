"""Files as values, and what the core needs for them: rows in the directory (part of `Transaction`), a place for bytes.

The two are never changed in one step. So a row comes before its bytes and goes after them, and what a crash leaves
between the two is harmless: a row without bytes is a dead link, bytes without a row are removed by `file_keeping`.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class FileState(StrEnum):
    """What became of an upload that was asked for. `erased`: nobody gets it any more, and its bytes are to go."""

    GRANTED = "granted"
    STORED = "stored"
    ERASED = "erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that somebody sends to colleagues. Its link exists only in their messages.

    `expires_at`: until when the upload must begin, and of a stored file, until when the link works.
    """

    id: str
    company_id: str
    user_id: str
    name: str
    size: int
    media_type: str
    created_at: datetime
    expires_at: datetime
    state: FileState = FileState.GRANTED


class FileRecords(Protocol):
    """The rows. They go with their user; `token_sha256` is lowercase hex."""

    async def file(self, company_id: str, file_id: str) -> File | None:
        """Return the file, whatever its state."""

    async def file_by_token(self, token_sha256: str) -> File | None:
        """Return the file, whatever its state, company and age."""

    async def page_files(self, company_id: str, user_id: str, *, before: str | None, limit: int) -> Sequence[File]:
        """Return up to `limit` stored files of a person, newest first, those with an id smaller than `before`."""

    async def uploaded_since(self, user_id: str, *, since: datetime) -> int:
        """Return how many bytes the person was granted since then, whatever became of them."""

    async def add_file(self, file: File, *, token_sha256: str) -> None:
        """Insert. Raises Conflict for a token in use."""

    async def save_file(self, file: File) -> None:
        """Replace an existing file."""

    async def revoke_grants(self, user_ids: Collection[str]) -> Mapping[str, int]:
        """Forget what these people were granted and did not upload; return how many, who had none is missing."""

    async def erase_files_of(self, user_id: str) -> Sequence[str]:
        """Make all files of a person erased ones; return their ids, those of files that already were included."""

    async def files_to_remove(self, *, now: datetime, unused_since: datetime, limit: int) -> Sequence[str]:
        """Return ids of all companies: erased, expired at `now`, or granted and not begun until `unused_since`."""

    async def delete_files(self, file_ids: Collection[str]) -> None:
        """Forget these rows."""

    async def known_files(self, file_ids: Collection[str]) -> frozenset[str]:
        """Return which of these have a row. Any number of ids, few queries."""


class Incoming(Protocol):
    """Bytes on their way in."""

    async def write(self, chunk: bytes) -> None:
        """Append."""

    async def settle(self) -> None:
        """Return when all of it would survive a power cut."""

    async def keep(self) -> None:
        """Make it the file; quick, because a transaction waits for it."""


class FileStore(Protocol):
    """Where the bytes are, by the file's id. Raises StoreUnavailable."""

    def incoming(self, file_id: str) -> AbstractAsyncContextManager[Incoming]:
        """Take bytes in. What was not kept at the end of the block is gone.

        Raises Forbidden when the same file comes in many times at once.
        """

    async def path(self, file_id: str) -> Path | None:
        """Return where the file can be read, None if there is none."""

    async def remove(self, file_ids: Collection[str]) -> None:
        """Remove files. Harmless twice."""

    async def kept(self, *, before: datetime) -> Sequence[str]:
        """Return the ids of all files that were kept before this moment."""

    async def remove_unfinished(self, *, before: datetime) -> int:
        """Remove what began to come in before this moment and was never kept; return how many."""
