"""The `FileStore` on a folder of this machine: `FOLDER/ab/ID`, and `ID.RANDOM.part` for what is still coming in.

No part of a path comes from outside: an id is made by us, and a file's own name stands only in the directory. There is
no twin in memory: in a temporary folder this is as quick as one.
"""

import asyncio
import os
import re
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path

from kleanxmpp import errors

_ID = re.compile(r"[0-9a-f]{32}")
_PART = ".part"
_AT_ONCE = 4
"""A device that lost its connection tries again; more than that wants to fill the disk with one grant."""


class DiskStore:
    """Files below a folder that only our user can read. It is made when the first file comes in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._coming: Counter[str] = Counter()

    @asynccontextmanager
    async def incoming(self, file_id: str) -> AsyncIterator["IncomingFile"]:
        final = self._path(file_id)
        if self._coming[file_id] >= _AT_ONCE:
            raise errors.Forbidden
        self._coming[file_id] += 1
        try:
            with _translated():
                opened = await asyncio.to_thread(_open_part, final)
            try:
                yield opened
            finally:
                opened.drop()
        finally:
            self._coming[file_id] -= 1
            if not self._coming[file_id]:
                del self._coming[file_id]

    async def path(self, file_id: str) -> Path | None:
        path = self._path(file_id)
        with _translated():
            return path if await asyncio.to_thread(path.is_file) else None

    async def remove(self, file_ids: Collection[str]) -> None:
        with _translated():
            await asyncio.to_thread(_unlink, [self._path(file_id) for file_id in file_ids])

    async def kept(self, *, before: datetime) -> Sequence[str]:
        with _translated():
            older = await asyncio.to_thread(_older, self.folder, before)
        return [path.name for path in older if _ID.fullmatch(path.name)]

    async def remove_unfinished(self, *, before: datetime) -> int:
        with _translated():
            older = await asyncio.to_thread(_older, self.folder, before)
            left = [path for path in older if path.suffix == _PART]
            await asyncio.to_thread(_unlink, left)
        return len(left)

    def _path(self, file_id: str) -> Path:
        if not _ID.fullmatch(file_id):
            raise ValueError("not an id of ours")
        return self.folder / file_id[-2:] / file_id


class IncomingFile:
    """Bytes on their way in, under a name that nobody reads."""

    def __init__(self, handle: int, part: Path, final: Path) -> None:
        self._handle, self._part, self._final = handle, part, final

    async def write(self, chunk: bytes) -> None:
        with _translated():
            await asyncio.to_thread(_write_all, self._handle, chunk)

    async def settle(self) -> None:
        with _translated():
            await asyncio.to_thread(os.fsync, self._handle)

    async def keep(self) -> None:
        with _translated():
            self._part.replace(self._final)

    def drop(self) -> None:
        """Close it, and remove it if it was not kept."""
        os.close(self._handle)
        self._part.unlink(missing_ok=True)


def _open_part(final: Path) -> IncomingFile:
    final.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    final.parent.mkdir(mode=0o700, exist_ok=True)
    part = final.with_name(f"{final.name}.{secrets.token_hex(8)}{_PART}")
    handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
    return IncomingFile(handle, part, final)


def _write_all(handle: int, chunk: bytes) -> None:
    left = memoryview(chunk)
    while left:
        left = left[os.write(handle, left) :]


def _unlink(paths: Collection[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _older(folder: Path, before: datetime) -> list[Path]:
    if not folder.exists():
        return []
    found = []
    for path in folder.glob("[0-9a-f][0-9a-f]/*"):
        try:
            changed = path.lstat().st_mtime
        except FileNotFoundError:
            continue  # gone while we looked
        if changed < before.timestamp():
            found.append(path)
    return found


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # the error names the path, which is nobody's business
        raise errors.StoreUnavailable from error
