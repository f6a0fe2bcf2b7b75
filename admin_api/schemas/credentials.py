"""Device logins in JSON. A secret is in one answer, ever."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from kleanxmpp.model import Credential

from .types import RequestBody, View


class NewCredentialBody(RequestBody):
    """A device to set up."""

    label: Annotated[str, Field(max_length=100, examples=["Diensthandy"])] = ""
    """What the person calls the device."""


class CredentialView(View):
    """A device's login."""

    id: str
    label: str
    created_at: datetime
    last_seen_at: datetime | None
    """When it was last connected, or began to be if it still is, as of the last minute. Null: not seen yet."""

    @classmethod
    def of(cls, credential: Credential) -> Self:
        """Return how a credential is shown."""
        return cls(
            id=credential.id,
            label=credential.label,
            created_at=credential.created_at,
            last_seen_at=credential.last_seen_at,
        )


class CredentialPage(View):
    """All devices of a person."""

    items: list[CredentialView]
    next_cursor: None = None


class IssuedCredentialView(View):
    """A new device's login with everything a client needs. The secret is shown only here."""

    id: str
    label: str
    credential: str
    """The password for this device. It is not kept and cannot be shown again."""
    jid: str
    xmpp_host: str
    xmpp_port: int
    websocket_url: str | None
    rooms_domain: str
    component: str
    """The assistant's address."""
    created_at: datetime
