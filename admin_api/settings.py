"""What the API needs to know about the installation, as one small value; where it comes from is not its business."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from kleanxmpp.destinations import NOBODY, Allowed
from kleanxmpp.guard import Limits

from .oidc.settings import ProviderSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """Public connection data that credentials answer with, and the limits of a request.

    `xmpp_host` None: clients find the server under the company's domain. `websocket_url` None: there is none.
    `web_origin`: of the web chat, whose pages may upload and show files.
    `webhooks_may_go_to`: besides public addresses.
    `public_url`: under which callers reach the API, named in its description; None: where the description was read.
    `requests_per_second` of each token, and `requests_burst` of them at once; 0: as many as come.
    `overdue_after`: when an off-boarding that is not proven is shown as overdue.
    `trusted_proxies`: whose word about where a request came from is taken.
    `sign_in_at`: the identity providers of companies, by domain.
    `website_folder`: where the website's styles and scripts of others are; None: there are none.
    `chat_socket`: the chat server's WebSocket for the chat on the website; None: there is no such chat. `chat_tls`:
    what its certificate is checked with. `files_url`: where people's files are, if they can send any.
    `embed_origins`: whose pages may show the chat in a frame.
    `limits`: how many people a door of the API may off-board.
    `scim_lenient`: take and answer what strict SCIM clients expect, see docs/scim.md.
    """

    public_url: str | None = None
    web_origin: str | None = None
    webhooks_may_go_to: Allowed = NOBODY

    xmpp_host: str | None = None
    xmpp_port: int = 5222
    websocket_url: str | None = None
    rooms_prefix: str = "gruppen"
    component_prefix: str = "klean"
    trusted_proxies: Allowed = NOBODY
    sign_in_at: Mapping[str, ProviderSettings] = field(default_factory=dict)
    website_folder: Path | None = None
    overdue_after: timedelta = timedelta(minutes=5)
    chat_socket: str | None = None
    chat_tls: ssl.SSLContext | None = None
    files_url: str | None = None
    embed_origins: tuple[str, ...] = ()
    requests_per_second: float = 100.0
    requests_burst: int = 500
    limits: Limits = field(default_factory=Limits)
    scim_lenient: bool = False
    max_body_bytes: int = 4 * 1024 * 1024  # a circle of 20,000 people fits
    header_seconds: float = 30.0
    body_seconds: float = 30.0
    check_seconds: float = 5.0
    longest_wait: int = 60
    remembered_for: timedelta = timedelta(hours=24)
    purge_seconds: float = 600.0

    def rooms_domain(self, domain: str) -> str:
        """Return where a company's rooms are."""
        return f"{self.rooms_prefix}.{domain}"
