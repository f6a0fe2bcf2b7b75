"""What has to be known about an installation before its ejabberd can be configured."""

from dataclasses import dataclass, field

GATE_GROUP = "klean-may-chat"
"""The shared group that is the second key of every login, and of every stanza to a room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """The companies of one ejabberd and how we reach it."""

    domains: tuple[str, ...]
    """One XMPP domain per company. The first one also carries the service account of the HTTP API."""
    component_secret: str = field(repr=False)
    extauth_program: str
    """Command line of the login program. ejabberd hands it to a shell."""
    extauth_pool_size: int = 2
    rooms_prefix: str = "gruppen"
    component_prefix: str = "klean"
    component_port: int = 5347
    api_port: int = 5281
    api_user: str = "klean-api"
    c2s_access_rule: str = "c2s"
    """Name of the rule in `access` of the client listener; Debian's and ejabberd's own files call it `c2s`."""
    klean_module: bool = True
    """Load `mod_klean`. Without it announcement rooms are open to all members and names are not protected."""
    loglevel: str = "notice"
    """`info` logs every command of the HTTP API with its arguments: people's names among them."""
    archive_database: str | None = None
    """SQLite file for the message archive (needs erlang-p1-sqlite3); None keeps it in Mnesia (2 GB at most)."""

    def __post_init__(self) -> None:
        if not self.domains:
            raise ValueError("at least one domain is needed")

    @property
    def api_account(self) -> str:
        """Bare JID of the service account."""
        return f"{self.api_user}@{self.domains[0]}"

    @property
    def component_hosts(self) -> tuple[str, ...]:
        """The component's address in each company."""
        return tuple(f"{self.component_prefix}.{domain}" for domain in self.domains)

    @property
    def rooms_hosts(self) -> tuple[str, ...]:
        """The room service of each company."""
        return tuple(f"{self.rooms_prefix}.{domain}" for domain in self.domains)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """The public side of a server that is ours as a whole."""

    certfiles: tuple[str, ...]
    """PEM files: certificate chain and key of all domains."""
    c2s_port: int = 5222
    https_port: int = 5443
    ip: str = "::"
    websocket_path: str = "/ws"
