"""Companies, API tokens, and the answers kept for repeated requests."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, insert, select

from kleanxmpp.db.rows import row_of, token_of, value_of
from kleanxmpp.db.session import Part
from kleanxmpp.db.tables import api_tokens, companies, remembered_answers
from kleanxmpp.model import ApiToken, Company
from kleanxmpp.ports import RememberedAnswer


class Companies(Part):
    """The transaction's part about companies."""

    __slots__ = ()

    async def company(self, company_id: str) -> Company | None:
        return await self._company(companies.c.id == company_id)

    async def company_by_domain(self, domain: str) -> Company | None:
        return await self._company(companies.c.domain == domain)

    async def companies(self) -> Sequence[Company]:
        found = await self._session.rows(select(companies).order_by(companies.c.domain))
        return [value_of(Company, row) for row in found]

    async def save_company(self, company: Company) -> None:
        row = row_of(company)
        statement = self._session.insert(companies).values(row)
        async with self._session.whole():
            await self._session.run(statement.on_conflict_do_update(index_elements=["id"], set_=row))

    async def _company(self, which: ColumnElement[bool]) -> Company | None:
        row = await self._session.row(select(companies).where(which))
        return row and value_of(Company, row)


class Tokens(Part):
    """The transaction's part about callers of the admin API."""

    __slots__ = ()

    async def token_by_hash(self, token_sha256: str) -> ApiToken | None:
        row = await self._session.row(select(api_tokens).where(api_tokens.c.token_sha256 == token_sha256))
        return row and token_of(row)

    async def tokens(self, company_id: str | None) -> Sequence[ApiToken]:
        mine = api_tokens.c.company_id.is_not_distinct_from(company_id)
        query = select(api_tokens).where(mine).order_by(api_tokens.c.created_at, api_tokens.c.id)
        return [token_of(row) for row in await self._session.rows(query)]

    async def add_token(self, token: ApiToken, *, token_sha256: str) -> None:
        statement = insert(api_tokens).values(
            id=token.id,
            company_id=token.company_id,
            name=token.name,
            scopes=sorted(token.scopes),
            created_at=token.created_at,
            token_sha256=token_sha256,
        )
        async with self._session.whole():
            await self._session.run(statement)

    async def delete_token(self, company_id: str | None, token_id: str) -> bool:
        mine = api_tokens.c.company_id.is_not_distinct_from(company_id)
        result = await self._session.run(delete(api_tokens).where(mine, api_tokens.c.id == token_id))
        return result.rowcount > 0

    async def remembered(self, *, token_id: str, key: str) -> RememberedAnswer | None:
        kept = remembered_answers.c
        query = select(kept.fingerprint, kept.status, kept.body).where(kept.token_id == token_id, kept.key == key)
        row = await self._session.row(query)
        return row and RememberedAnswer(**row._mapping)

    async def remember(self, *, token_id: str, key: str, answer: RememberedAnswer, at: datetime) -> None:
        statement = insert(remembered_answers).values(
            token_id=token_id,
            key=key,
            fingerprint=answer.fingerprint,
            status=answer.status,
            body=answer.body,
            remembered_at=at,
        )
        async with self._session.whole():
            await self._session.run(statement)

    async def forget_remembered(self, *, before: datetime) -> None:
        await self._session.run(delete(remembered_answers).where(remembered_answers.c.remembered_at < before))
