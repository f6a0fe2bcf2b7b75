"""Secrets of messages that come in signed, and which messages were taken already."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select

from kleanxmpp.db.rows import value_of
from kleanxmpp.db.session import Part
from kleanxmpp.db.tables_hr import received_hooks, signing_secrets
from kleanxmpp.hook_ports import SigningSecret


class Hooks(Part):
    """The transaction's part about signed messages."""

    __slots__ = ()

    async def signing_secrets(self, purpose: str, *, company_id: str | None = None) -> Sequence[SigningSecret]:
        query = select(signing_secrets).where(signing_secrets.c.purpose == purpose)
        if company_id is not None:
            query = query.where(signing_secrets.c.company_id == company_id)
        rows = await self._session.rows(query.order_by(signing_secrets.c.created_at, signing_secrets.c.id))
        return [value_of(SigningSecret, row) for row in rows]

    async def add_signing_secret(self, secret: SigningSecret) -> None:
        row = {name: getattr(secret, name) for name in ("id", "company_id", "purpose", "secret", "created_at")}
        async with self._session.whole():
            await self._session.run(insert(signing_secrets).values(row))

    async def delete_signing_secret(self, company_id: str, secret_id: str) -> bool:
        mine = (signing_secrets.c.company_id == company_id, signing_secrets.c.id == secret_id)
        return (await self._session.run(delete(signing_secrets).where(*mine))).rowcount > 0

    async def claim_message(self, company_id: str, purpose: str, message_id: str, *, at: datetime) -> bool:
        row = {"company_id": company_id, "purpose": purpose, "message_id": message_id, "at": at}
        claim = self._session.insert(received_hooks).values(row).on_conflict_do_nothing()
        return (await self._session.run(claim)).rowcount > 0

    async def forget_messages(self, company_id: str, purpose: str, *, before: datetime) -> None:
        mine = (received_hooks.c.company_id == company_id, received_hooks.c.purpose == purpose)
        await self._session.run(delete(received_hooks).where(*mine, received_hooks.c.at < before))
