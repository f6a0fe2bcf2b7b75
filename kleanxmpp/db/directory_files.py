"""Rows of uploaded files; the bytes are elsewhere (`kleanxmpp.file_ports`)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import and_, delete, func, insert, or_, select, update

from kleanxmpp.db.rows import row_of, value_of
from kleanxmpp.db.session import Part, chunks
from kleanxmpp.db.tables import files
from kleanxmpp.file_ports import File, FileState


class Files(Part):
    """The transaction's part about files."""

    __slots__ = ()

    async def file(self, company_id: str, file_id: str) -> File | None:
        query = select(files).where(files.c.company_id == company_id, files.c.id == file_id)
        row = await self._session.row(query)
        return row and value_of(File, row)

    async def file_by_token(self, token_sha256: str) -> File | None:
        row = await self._session.row(select(files).where(files.c.token_sha256 == token_sha256))
        return row and value_of(File, row)

    async def page_files(self, company_id: str, user_id: str, *, before: str | None, limit: int) -> Sequence[File]:
        theirs = (files.c.company_id == company_id, files.c.user_id == user_id, files.c.state == FileState.STORED)
        query = select(files).where(*theirs)
        if before is not None:
            query = query.where(files.c.id < before)
        found = await self._session.rows(query.order_by(files.c.id.desc()).limit(limit))
        return [value_of(File, row) for row in found]

    async def uploaded_since(self, user_id: str, *, since: datetime) -> int:
        query = select(func.coalesce(func.sum(files.c.size), 0))
        return int(await self._session.scalar(query.where(files.c.user_id == user_id, files.c.created_at >= since)))

    async def add_file(self, file: File, *, token_sha256: str) -> None:
        async with self._session.whole():
            await self._session.run(insert(files).values(row_of(file) | {"token_sha256": token_sha256}))

    async def save_file(self, file: File) -> None:
        mine = (files.c.company_id == file.company_id, files.c.id == file.id)
        await self._session.run(update(files).where(*mine).values(row_of(file)))

    async def revoke_grants(self, user_ids: Collection[str]) -> Mapping[str, int]:
        found: dict[str, int] = {}
        for some in chunks(user_ids):
            unused = (files.c.user_id.in_(some), files.c.state == FileState.GRANTED)
            query = select(files.c.user_id, func.count().label("granted")).where(*unused).group_by(files.c.user_id)
            granted = {row.user_id: row.granted for row in await self._session.rows(query)}
            if granted:
                await self._session.run(delete(files).where(*unused))
            found |= granted
        return found

    async def erase_files_of(self, user_id: str) -> Sequence[str]:
        await self._session.run(update(files).where(files.c.user_id == user_id).values(state=FileState.ERASED))
        query = select(files.c.id).where(files.c.user_id == user_id).order_by(files.c.id)
        return [row.id for row in await self._session.rows(query)]

    async def files_to_remove(self, *, now: datetime, unused_since: datetime, limit: int) -> Sequence[str]:
        over = or_(
            files.c.state == FileState.ERASED,
            and_(files.c.state == FileState.STORED, files.c.expires_at <= now),
            and_(files.c.state == FileState.GRANTED, files.c.created_at <= unused_since),
        )
        query = select(files.c.id).where(over).order_by(files.c.id).limit(limit)
        return [row.id for row in await self._session.rows(query)]

    async def delete_files(self, file_ids: Collection[str]) -> None:
        for some in chunks(file_ids):
            await self._session.run(delete(files).where(files.c.id.in_(some)))

    async def known_files(self, file_ids: Collection[str]) -> frozenset[str]:
        known: set[str] = set()
        for some in chunks(file_ids):
            known.update(row.id for row in await self._session.rows(select(files.c.id).where(files.c.id.in_(some))))
        return frozenset(known)
