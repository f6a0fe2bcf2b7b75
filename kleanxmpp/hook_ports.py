"""The directory's part about messages that come in signed: the secrets, and which messages were taken already."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningSecret:
    """A secret that a company shares with another system. `purpose` says for what; several hold while one is rotated.

    Kept readable: whoever checks an HMAC needs the secret itself.
    """

    id: str
    company_id: str
    purpose: str
    secret: str = field(repr=False)
    created_at: datetime


class HookRecords(Protocol):
    """A part of `kleanxmpp.ports.Transaction`."""

    async def signing_secrets(self, purpose: str, *, company_id: str | None = None) -> Sequence[SigningSecret]:
        """Return the secrets of one company, or (None) of all, the oldest first."""

    async def add_signing_secret(self, secret: SigningSecret) -> None:
        """Insert. Raises Conflict (field `secret`) if any company has this secret."""

    async def delete_signing_secret(self, company_id: str, secret_id: str) -> bool:
        """Return whether there was one."""

    async def claim_message(self, company_id: str, purpose: str, message_id: str, *, at: datetime) -> bool:
        """Remember that this message was taken; return False if it was before. Of two callers one gets True."""

    async def forget_messages(self, company_id: str, purpose: str, *, before: datetime) -> None:
        """Forget messages that were taken before this moment."""
