"""What is known of a company's identity provider before it is asked anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kleanxmpp.provider_sign_ins import Matches


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """How a company's people sign in. `client_secret` None: a public client, proven by PKCE alone.

    `claim` of the provider equals the fact `matches` of the person. `labels`: what the button says, by language.
    """

    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    scopes: str = "openid email profile"
    claim: str = "email"
    matches: Matches = Matches.EMAIL
    labels: Mapping[str, str] = field(default_factory=dict)
    ca_file: Path | None = None
