"""The parts of the settings: one small class for each table of the TOML file, with what each key means."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from kleanxmpp import destinations, errors

Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0)]
Domain = Annotated[str, Field(pattern=r"^[a-z0-9.-]+$")]
Origin = Annotated[str, Field(pattern=r"^https?://[a-z0-9.-]+(:[0-9]+)?$")]
Label = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]


def _networks_and_hosts(entries: tuple[str, ...]) -> tuple[str, ...]:
    try:
        destinations.allowed_of(entries)
    except errors.Invalid as error:
        raise ValueError(str(error)) from error
    return entries


class Part(BaseModel):
    """One table of the TOML file."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class DatabaseSettings(Part):
    """Where the directory is kept."""

    url: SecretStr = SecretStr("sqlite:////var/lib/kleanxmpp/kleanxmpp.db")
    """`sqlite:////absolute/file` or `postgresql://user:password@host/name`. The default suits one machine;
    PostgreSQL is for those who run component and API as several processes, or have one anyway."""
    lock_timeout: Seconds = 10.0
    """Seconds that a transaction waits for others before it gives up. A first import of 10,000
    people holds others up for about 7."""


class ServerSettings(Part):
    """How ejabberd is reached."""

    component_host: str = "127.0.0.1"
    """Where ejabberd listens for components. Use another machine only over a tunnel: this protocol has no TLS."""
    component_port: Port = 5347
    """Its port, as in ejabberd's configuration."""
    component_secret: SecretStr = SecretStr("")
    """The secret shared with ejabberd's `ejabberd_service` listener. `serve` refuses to start without it."""
    component_prefix: Label = "klean"
    """The assistant's address is this prefix before the company's domain."""
    rooms_prefix: Label = "gruppen"
    """Rooms are at this prefix before the company's domain."""
    api_url: str = Field(default="http://127.0.0.1:5281/api/v0", pattern=r"^https?://.+/api/v0$")
    """ejabberd's HTTP API. Must end in `/api/v0`: the version pins argument names and answers."""
    api_user: str = ""
    """Bare JID of the service account of that API. `serve` refuses to start without it."""
    api_password: SecretStr = SecretStr("")
    """Its password. `serve` refuses to start without it."""
    api_timeout: Seconds = 10.0
    """Seconds until a call counts as failed. Most take milliseconds; a large circle takes about one second."""
    api_concurrency: int = Field(default=16, ge=1, le=256)
    """Calls to the HTTP API at the same time. They take milliseconds, so more would only queue inside ejabberd."""


class ApiSettings(Part):
    """The admin API of this program."""

    host: str = "127.0.0.1"
    """Address to listen on. The default is this machine only: put a reverse proxy with TLS before it."""
    port: Port = 8480
    """Port to listen on."""
    public_url: str | None = Field(default=None, pattern=r"^https?://[^/]+(/.*[^/])?$")
    """The address under which callers and browsers reach it, without final slash; named in the API's description, and
    where links that people are handed begin. Unset: the address it listens on."""
    max_body_bytes: int = Field(default=4 * 1024 * 1024, ge=1024)
    """Largest request body. The default fits a circle of 20,000 people."""
    requests_per_second: float = Field(default=100.0, ge=0)
    """Requests that one token may send, and one process answers, for long; and messages that one secret
    of a hook may sign. Beyond that it answers `429`. 0 disables the limit, and those of wrong ones by address."""
    requests_burst: int = Field(default=500, ge=1)
    """Requests that one token may send at once before that holds."""
    trusted_proxies: Annotated[tuple[str, ...], AfterValidator(_networks_and_hosts)] = ()
    """Addresses and networks of your own reverse proxies (`127.0.0.1`), whose `X-Forwarded-For` is believed.
    Name them where wrong tokens and codes are counted by address: else everybody behind a proxy shares one budget."""


class FilesSettings(Part):
    """Photos and files that people send each other. See docs/files.md."""

    folder: Path = Path("/var/lib/kleanxmpp/files")
    """Where they are kept. Component and API need the same folder."""
    public_url: str | None = Field(default=None, pattern=r"^https?://[^/]+(/.*[^/])?$")
    """The address before `/files/` under which people's devices reach this program's API, without final slash; put TLS
    before it. Unset: nobody can send files."""
    web_origin: str | None = Field(default=None, pattern=r"^https?://[^/]+$")
    """Where the web chat comes from, like `https://app.example.org`. Unset: browsers of no other origin may upload."""
    tidy_interval: Seconds = 600.0
    """Seconds between two rounds that remove what is expired or was never finished."""


class WebsiteSettings(Part):
    """The pages for people: dashboard and chat. See docs/website.md."""

    folder: Path = Path("/var/lib/kleanxmpp/website")
    """Where `kleanxmpp website fetch` puts the styles and scripts of others that the pages use."""
    websocket_url: str | None = Field(default=None, pattern=r"^wss?://.+$")
    """ejabberd's WebSocket as this program reaches it: browsers chat through this program. Unset:
    `client.websocket_url`; if that is unset, too, there is no chat on the website."""
    ca_file: Path | None = None
    """Authority (PEM) of that WebSocket's certificate, if it is one of your own. Unset: `doctor.ca_file`, else the
    authorities that this machine trusts."""
    embed_origins: tuple[Origin, ...] = ()
    """Whose pages may show the chat in a frame, like `https://app.example.org`. The default is nobody's. No other
    page is ever shown in a frame."""


class OidcSettings(Part):
    """How the people of one company sign in to the website: at an identity provider that speaks OpenID Connect.

    One table for each company, by its domain. Its redirect URI is `/oidc/callback` below `api.public_url`. Needs the
    extra `oidc` (`pip install 'kleanxmpp[oidc]'`). See docs/website.md.
    """

    issuer: str = Field(pattern=r"^(https://[^/?#@\s]+|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?)(/[^?#\s]*)?$")
    """The provider's name, an address over https, exactly as it calls itself (http only on this machine)."""
    client_id: str = Field(min_length=1)
    """Our name at the provider."""
    client_secret: SecretStr | None = None
    """Our secret there. Unset: a public client, which PKCE alone proves."""
    scopes: str = "openid email profile"
    """What is asked for, separated by spaces; `openid` is needed."""
    claim: str = Field(default="email", min_length=1)
    """The claim that names the person: `email`, `sub`, or whatever your provider puts your directory's ids into."""
    matches: Literal["email", "external_id"] = "email"
    """What it equals here: the person's `external_id`, or their `email`. The latter only together with
    `claim = "email"`, and only while the provider says that the address is verified (`email_verified`)."""
    label_de: str | None = None
    """What the button says in German. Unset: the company's name."""
    label_en: str | None = None
    """The same in English."""
    ca_file: Path | None = None
    """Authority (PEM) of the provider, if it is one of your own, besides those that this machine trusts."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if "openid" not in self.scopes.split():
            raise ValueError("`openid` has to be among the scopes")
        if self.matches == "email" and self.claim != "email":
            raise ValueError('only `claim = "email"` matches `email`: no other claim says that it was verified')
        return self


class ReconcileSettings(Part):
    """How the loop works that makes the server equal to the directory."""

    workers: int = Field(default=16, ge=1, le=256)
    """Scopes worked on at the same time."""
    sweep_interval: Seconds = 900.0
    """Seconds between two full comparisons, which find what nobody announced. A very large number disables them, except
    the one at start and after ejabberd was away."""
    retry_min: Seconds = 1.0
    """Seconds until a failed scope is tried again for the first time; doubles from there."""
    retry_max: Seconds = 300.0
    """Seconds that this never exceeds."""
    share: float = Field(default=0.2, ge=0, le=1)
    """A sweep that would remove more than this share of what is there stops and waits for `--force`. 1 disables the
    check. Off-boardings that somebody asked for are never held back."""
    floor: int = Field(default=10, ge=0)
    """Removals that a sweep may always do, so that small companies are not held up."""


class GuardSettings(Part):
    """How many people one import, or one other system, may off-board before somebody has to confirm it.

    Holds for each of these doors by itself, in each company. Whoever is off-boarded by name is never held.
    """

    people: int = Field(default=10, ge=1)
    """People that one door may off-board within the window. Whoever is beyond that waits: `kleanxmpp held`."""
    percent: float = Field(default=5.0, ge=0, le=100)
    """The same as a share of those who may chat; the smaller of both holds, but one person always passes."""
    window: Seconds = 3600.0
    """Seconds after which an off-boarding by this door is not counted any more."""


class WebhooksSettings(Part):
    """How other systems are told of what happens. See docs/webhooks.md."""

    allow_private: Annotated[tuple[str, ...], AfterValidator(_networks_and_hosts)] = ()
    """Networks (`10.1.0.0/16`), addresses and hosts (`hooks.intern`) that messages may go to although they are not
    public, also over plain http. The default allows public addresses over https only."""
    ca_file: Path | None = None
    """Authority (PEM) of receivers, if it is one of your own, besides those that this machine trusts."""
    timeout: Seconds = 10.0
    """Seconds within which a receiver has to answer."""
    disable_after: Seconds = 259_200.0
    """Seconds of nothing but failure after which a webhook is disabled; the default is three days."""
    keep: Seconds = 2_592_000.0
    """Seconds for which events can be told again; the default is 30 days."""
    overdue_after: Seconds = 300.0
    """Seconds after which an off-boarding that is not proven yet is told of as overdue."""


class ScimSettings(Part):
    """What identity providers may expect of SCIM. See docs/scim.md."""

    lenient: bool = False
    """Take what is safer to refuse: `remove members` without naming any empties a group, members who are nobody here
    are left out in silence, and a changed group is answered with all its members. Some strict clients insist on it."""


class ClientSettings(Part):
    """What devices are told when they get a credential."""

    xmpp_host: str | None = None
    """Host that clients connect to. Unset: they find it under the company's domain (DNS)."""
    xmpp_port: Port = 5222
    """Port that clients connect to."""
    websocket_url: str | None = Field(default=None, pattern=r"^wss?://.+$")
    """Address for web clients, `wss://…`. Unset: there is none."""


class DoctorSettings(Part):
    """What the doctor has to know beyond the rest (`kleanxmpp doctor`, and its rounds while the service runs)."""

    every: float = Field(default=86400.0, ge=0)
    """Seconds between two checkups of a company that nobody asked for; red lines are told (`doctor.red`). The default
    is once a day: each one adds a synthetic user and erases it again. The first comes a quarter of an hour to an hour
    after the start, none within a minute of another. 0: only who asks is answered."""
    backup_path: Path | None = None
    """Folder with the backups of the directory, or the one file that always is the newest. Unset: the line `backups`
    stays yellow."""
    ca_file: Path | None = None
    """Authority (PEM) that clients trust, if it is one of your own. Unset: the authorities that this machine trusts."""


class LogSettings(Part):
    """What the program writes to stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important lines to write. No level writes secrets or the content of messages."""
    format: Literal["text", "json"] = "text"
    """`json` writes one object per line, for log collectors."""
