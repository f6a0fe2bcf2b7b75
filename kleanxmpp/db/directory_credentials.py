"""Credentials, and the answer to a login."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import delete, exists, func, insert, select

from kleanxmpp.db.rows import row_of, value_of
from kleanxmpp.db.session import Part, chunks
from kleanxmpp.db.tables import credentials, logins
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

    async def add_credentials(self, credentials: Sequence[tuple[Credential, str]]) -> None:
        rows = [row_of(credential) | {"secret_sha256": secret} for credential, secret in credentials]
        async with self._session.whole():
            await self._session.run_many(insert(_credentials), rows)

    async def delete_credential(self, user_id: str, credential_id: str) -> bool:
        mine = (credentials.c.user_id == user_id, credentials.c.id == credential_id)
        return (await self._session.run(delete(credentials).where(*mine))).rowcount > 0

    async def may_log_in(self, domain: str, username: str, secret_sha256: str) -> bool:
        login = (
            logins.c.domain == domain,
            logins.c.username == username,
            logins.c.secret_sha256 == secret_sha256,
        )
        return bool(await self._session.scalar(select(exists().select_from(logins).where(*login))))


_credentials = credentials
