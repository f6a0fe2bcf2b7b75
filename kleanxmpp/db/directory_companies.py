"""Companies, API tokens, and the answers kept for repeated requests."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import ColumnElement, delete, insert, select, update

from kleanxmpp.db.rows import row_of, token_of, value_of
from kleanxmpp.db.session import Part
from kleanxmpp.db.tables import api_tokens, companies, remembered_answers
from kleanxmpp.model import ApiToken, Company
from kleanxmpp.token_ports import RememberedAnswer


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

    async def claim_answer(
        self, *, token_id: str, key: str, fingerprint: str, at: datetime, abandoned_before: datetime
    ) -> RememberedAnswer | None:
        kept = remembered_answers.c
        mine = (kept.token_id == token_id, kept.key == key)
        claim = self._session.insert(remembered_answers).values(
            token_id=token_id, key=key, fingerprint=fingerprint, status=0, body="", remembered_at=at
        )
        if (await self._session.run(claim.on_conflict_do_nothing())).rowcount:
            return None
        abandoned = (kept.status == 0, kept.remembered_at < abandoned_before)
        again = update(remembered_answers).where(*mine, *abandoned)
        if (await self._session.run(again.values(fingerprint=fingerprint, remembered_at=at))).rowcount:
            return None
        query = select(kept.fingerprint, kept.status, kept.body, kept.about).where(*mine)
        row = await self._session.row(query)
        # Gone again since the insert: whoever had it gave it back, and the caller may try again.
        return RememberedAnswer(fingerprint=fingerprint) if row is None else RememberedAnswer(**row._mapping)

    async def remember(self, *, token_id: str, key: str, answer: RememberedAnswer, at: datetime) -> None:
        values = asdict(answer) | {"remembered_at": at}
        keep = self._session.insert(remembered_answers).values(token_id=token_id, key=key, **values)
        await self._session.run(keep.on_conflict_do_update(index_elements=["token_id", "key"], set_=values))

    async def forget_claim(self, *, token_id: str, key: str) -> None:
        mine = (remembered_answers.c.token_id == token_id, remembered_answers.c.key == key)
        await self._session.run(delete(remembered_answers).where(*mine))

    async def forget_remembered(self, *, before: datetime) -> None:
        await self._session.run(delete(remembered_answers).where(remembered_answers.c.remembered_at < before))
