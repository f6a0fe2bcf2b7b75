"""The directory's part about callers of the API: their tokens, and answers kept for repeated requests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kleanxmpp.model import ApiToken


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedAnswer:
    """What a POST with an Idempotency-Key answered, or (`status` 0) that it is being carried out.

    `fingerprint` identifies the request; the body holds no secret. `about` is the id of the user whose data the body
    holds: it goes when the user is erased.
    """

    fingerprint: str
    status: int = 0
    body: str = ""
    about: str | None = None


class TokenRecords(Protocol):
    """Tokens and kept answers; a part of `kleanxmpp.ports.Transaction`."""

    async def token_by_hash(self, token_sha256: str) -> ApiToken | None: ...
    async def tokens(self, company_id: str | None) -> Sequence[ApiToken]: ...
    async def add_token(self, token: ApiToken, *, token_sha256: str) -> None: ...
    async def delete_token(self, company_id: str | None, token_id: str) -> bool: ...
    async def claim_answer(
        self, *, token_id: str, key: str, fingerprint: str, at: datetime, abandoned_before: datetime
    ) -> RememberedAnswer | None:
        """Return None if the key is the caller's now, else what is known about it.

        Of two callers one gets None. A claim from before `abandoned_before` without an answer can be claimed anew.
        """

    async def remember(self, *, token_id: str, key: str, answer: RememberedAnswer, at: datetime) -> None:
        """Keep the answer in the place of the claim."""

    async def forget_claim(self, *, token_id: str, key: str) -> None:
        """Give the key back: nothing came of it."""

    async def forget_remembered(self, *, before: datetime) -> None: ...
