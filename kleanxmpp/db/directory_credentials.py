"""Credentials, when they were used, and the answer to a login."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, exists, func, insert, or_, select, update

from kleanxmpp.db.rows import row_of, value_of
from kleanxmpp.db.session import Part, chunks
from kleanxmpp.db.tables import credentials, logins, users
from kleanxmpp.device_ports import MARK_LENGTH, DeviceSeen
from kleanxmpp.model import Credential


class Credentials(Part):
    """The transaction's part about credentials."""

    __slots__ = ()

    async def credentials(self, user_id: str) -> Sequence[Credential]:
        query = select(credentials).where(credentials.c.user_id == user_id)
        found = await self._session.rows(query.order_by(credentials.c.created_at, credentials.c.id))
        return [value_of(Credential, row) for row in found]

    async def credential_counts(self, user_ids: Collection[str], *, of_browsers: bool = True) -> Mapping[str, int]:
        found: dict[str, int] = {}
        for some in chunks(user_ids):
            counted = select(credentials.c.user_id, func.count().label("number")).where(credentials.c.user_id.in_(some))
            if not of_browsers:
                counted = counted.where(credentials.c.web_session_id.is_(None))
            rows = await self._session.rows(counted.group_by(credentials.c.user_id))
            found.update((row.user_id, row.number) for row in rows)
        return found

    async def credential_marks(self, user_id: str) -> Mapping[str, str]:
        query = select(credentials.c.id, _MARK).where(credentials.c.user_id == user_id)
        return {row.mark: row.id for row in await self._session.rows(query)}

    async def add_credentials(self, credentials: Sequence[tuple[Credential, str]]) -> None:
        rows = [row_of(credential) | {"secret_sha256": secret} for credential, secret in credentials]
        async with self._session.whole():
            await self._session.run_many(insert(_credentials), rows)

    async def delete_credential(self, user_id: str, credential_id: str) -> bool:
        mine = (credentials.c.user_id == user_id, credentials.c.id == credential_id)
        return (await self._session.run(delete(credentials).where(*mine))).rowcount > 0

    async def note_devices_seen(self, company_id: str, seen: Sequence[DeviceSeen]) -> None:
        newest: dict[tuple[str, str], datetime] = {}
        for one in seen:
            key = one.username, one.mark
            newest[key] = max(one.at, newest.get(key, one.at))
        known = select(credentials.c.id, users.c.username, _MARK).join(users, users.c.id == credentials.c.user_id)
        moments: dict[str, datetime] = {}
        for some in chunks({username for username, _ in newest}):
            rows = await self._session.rows(
                known.where(users.c.company_id == company_id, users.c.username.in_(some)),
            )
            found = ((row.id, newest.get((row.username, row.mark))) for row in rows)
            moments.update((credential_id, at) for credential_id, at in found if at is not None)
        await self._session.run_many(_NOTE, [{"which": one, "at": moments[one]} for one in sorted(moments)])

    async def may_log_in(self, domain: str, username: str, secret_sha256: str) -> bool:
        login = (
            logins.c.domain == domain,
            logins.c.username == username,
            logins.c.secret_sha256 == secret_sha256,
        )
        return bool(await self._session.scalar(select(exists().select_from(logins).where(*login))))


_credentials = credentials
_MARK = func.substr(credentials.c.secret_sha256, 1, MARK_LENGTH).label("mark")
_LAST = credentials.c.last_seen_at
_NOTE = (
    update(credentials)
    .where(credentials.c.id == bindparam("which"), or_(_LAST.is_(None), bindparam("at") > _LAST))
    .values(last_seen_at=bindparam("at"))
)
