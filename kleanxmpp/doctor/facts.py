"""What a checkup saw: plain values, judged elsewhere.

Whatever could not be looked at is a `NotChecked` with its reason in the place of its value, so that a judgement
cannot overlook it: not known is never good.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from kleanxmpp.chains import Verification
from kleanxmpp.doctor.findings import Words
from kleanxmpp.source_ports import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class NotChecked:
    """Why something is not known."""

    why: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class NoModule(NotChecked):
    """The server answers, but our module in it does not: it is not loaded, or an older one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """What belongs to the company on the server."""

    domain: str
    rooms: str
    component: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A port that the server listens on."""

    port: str
    module: str
    tls: bool
    """Whether nobody gets on without TLS."""
    lets_strangers_in: bool
    """Whether somebody who is not in the gate could bind a session (client listeners)."""
    any_sender: bool
    """Whether a component there may speak in the name of others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """What the server says about itself. `expected_source`: our module of this version; `clock_off`: of its clock."""

    source: str
    expected_source: str
    clock_off: timedelta
    spool: str
    auth_use_cache: bool
    auth_methods: frozenset[str]
    s2s_rule: str
    s2s_allowed: bool
    modules: frozenset[str]
    listeners: tuple[Listener, ...]
    handlers: frozenset[str]
    strange_routes: frozenset[str]
    """Addresses below the company's domain that neither a module nor our component serves."""
    open_rooms: frozenset[str]
    push: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What the server offers to a client before it has logged in."""

    mechanisms_without_tls: frozenset[str]
    mechanisms: frozenset[str]
    tokens: bool
    """Whether logins by token are offered (SASL2, FAST)."""
    registration: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The certificate at one address. `fault`: why a client refuses it; None: it does not."""

    address: str
    fault: str | None
    expired: bool = False
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """How full a disk is, in bytes."""

    folder: str
    free: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """The newest backup of the directory; `made_at` None: there is none where one should be."""

    place: str
    made_at: datetime | None
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What a database says about itself. `faults` None: it has no check of its own that could be asked for."""

    clock_off: timedelta
    faults: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    """Why the directory's database cannot be used."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What came of an attempt to log in: both None, it worked; else where it was refused, and how."""

    refused_at: str | None = None
    """`login` (the credential) or `bind` (the gate)."""
    condition: str | None = None

    @property
    def inside(self) -> bool:
        """Whether a session was opened."""
        return self.refused_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a synthetic user could do, step by step. A step that was not reached is `NotChecked`."""

    login: Entry | NotChecked
    room_creation: bool | NotChecked
    """Whether a room was made."""
    foreign_room: bool | NotChecked
    """Whether a room was entered whose circle the user is not in."""
    listed_rooms: frozenset[str] | NotChecked
    outside: str | NotChecked | None
    """How a message to another domain was refused; None: it was not."""
    without_gate: Entry | NotChecked
    ended_after: float | NotChecked | None
    """Seconds from the deactivation to the end of the session; None: it did not end."""
    comeback: Entry | NotChecked
    removed: bool | NotChecked
    """Whether the user was proven to be gone from server and directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that is judged. `backup` None: no place is set."""

    now: datetime
    addresses: Addresses
    release: tuple[int, int] | NotChecked
    inside: Inside | NotChecked
    stream: Stream | NotChecked
    certificates: tuple[Certificate, ...] | NotChecked
    open_commands: frozenset[str] | NotChecked
    gate_exists: bool | NotChecked
    database: Examination | Unavailable | NotChecked
    disks: tuple[Disk, ...] | NotChecked
    backup: Backup | NotChecked | None
    audit: Verification | NotChecked
    sources: tuple[Source, ...] | NotChecked
    trial: Trial | NotChecked
