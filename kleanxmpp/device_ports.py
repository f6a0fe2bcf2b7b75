"""The directory's part about credentials, and what the server knows about the devices that use them.

A device is known to the server by a *mark* only: the first characters of the SHA-256 of its secret. That is enough to
find the credential, and no use to anybody who would log in with it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kleanxmpp.model import Credential

MARK_LENGTH = 16
"""Characters of the lowercase hex SHA-256; `mod_klean` makes as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSeen:
    """That a device was connected, and when last. `stamp` names this entry of the server's."""

    username: str
    mark: str
    at: datetime
    stamp: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSession:
    """A session. `mark` None: it is not known what it began with. Not `awake`: its connection broke, it may resume."""

    resource: str
    mark: str | None
    awake: bool


class CredentialRecords(Protocol):
    """Credentials; a part of `kleanxmpp.ports.Transaction`. `secret_sha256` is lowercase hex."""

    async def credentials(self, user_id: str) -> Sequence[Credential]: ...
    async def credential_counts(self, user_ids: Collection[str], *, of_browsers: bool = True) -> Mapping[str, int]:
        """Return how many credentials these users have; whoever has none is missing.

        `of_browsers` False: without those that were made for a browser.
        """

    async def credential_marks(self, user_id: str) -> Mapping[str, str]:
        """Return the marks of a person's credentials: mark -> credential id."""

    async def add_credentials(self, credentials: Sequence[tuple[Credential, str]]) -> None: ...
    async def delete_credential(self, user_id: str, credential_id: str) -> bool:
        """Return whether there was one."""

    async def note_devices_seen(self, company_id: str, seen: Sequence[DeviceSeen]) -> None:
        """Set when these credentials were connected last; never back. Who has no such credential (any more) is skipped.

        Few statements, whatever their number.
        """

    async def may_log_in(self, domain: str, username: str, secret_sha256: str) -> bool:
        """Answer a login the way extauth does: company enabled, user may chat, credential known."""
