"""The part of `MemoryDirectory`'s transaction about files."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from kleanxmpp import errors
from kleanxmpp.file_ports import File, FileState
from kleanxmpp.testing_tables import MemoryPart


class MemoryFiles(MemoryPart):
    """Rows of uploaded files."""

    async def file(self, company_id: str, file_id: str) -> File | None:
        file, _ = self._tables.files.get(file_id, (None, ""))
        return file if file and file.company_id == company_id else None

    async def file_by_token(self, token_sha256: str) -> File | None:
        return next((file for file, token in self._tables.files.values() if token == token_sha256), None)

    async def page_files(self, company_id: str, user_id: str, *, before: str | None, limit: int) -> Sequence[File]:
        stored = [f for f in self._files_of(user_id) if f.company_id == company_id and f.state is FileState.STORED]
        return [file for file in reversed(stored) if before is None or file.id < before][:limit]

    async def uploaded_since(self, user_id: str, *, since: datetime) -> int:
        return sum(file.size for file in self._files_of(user_id) if file.created_at >= since)

    async def add_file(self, file: File, *, token_sha256: str) -> None:
        with self._changing() as tables:
            user = tables.users.get(file.user_id)
            if user is None or user.company_id != file.company_id:
                raise errors.NotFound
            if file.id in tables.files:
                raise errors.Conflict(field="id")
            if await self.file_by_token(token_sha256):
                raise errors.Conflict(field="token")
            tables.files[file.id] = (file, token_sha256)

    async def save_file(self, file: File) -> None:
        with self._changing() as tables:
            if await self.file(file.company_id, file.id):
                tables.files[file.id] = (file, tables.files[file.id][1])

    async def revoke_grants(self, user_ids: Collection[str]) -> Mapping[str, int]:
        unused = [f for user_id in user_ids for f in self._files_of(user_id) if f.state is FileState.GRANTED]
        await self.delete_files([file.id for file in unused])
        return Counter(file.user_id for file in unused)

    async def erase_files_of(self, user_id: str) -> Sequence[str]:
        theirs = self._files_of(user_id)
        for file in theirs:
            await self.save_file(replace(file, state=FileState.ERASED))
        return [file.id for file in theirs]

    async def files_to_remove(self, *, now: datetime, unused_since: datetime, limit: int) -> Sequence[str]:
        everything = sorted((file for file, _ in self._tables.files.values()), key=lambda file: file.id)
        return [file.id for file in everything if _is_over(file, now=now, unused_since=unused_since)][:limit]

    async def delete_files(self, file_ids: Collection[str]) -> None:
        with self._changing() as tables:
            for file_id in file_ids:
                tables.files.pop(file_id, None)

    async def known_files(self, file_ids: Collection[str]) -> frozenset[str]:
        return frozenset(file_ids) & self._tables.files.keys()

    def _files_of(self, user_id: str) -> list[File]:
        theirs = (file for file, _ in self._tables.files.values() if file.user_id == user_id)
        return sorted(theirs, key=lambda file: file.id)


def _is_over(file: File, *, now: datetime, unused_since: datetime) -> bool:
    match file.state:
        case FileState.ERASED:
            return True
        case FileState.STORED:
            return file.expires_at <= now
        case FileState.GRANTED:
            return file.created_at <= unused_since
