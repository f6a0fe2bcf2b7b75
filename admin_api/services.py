"""What handlers work with: the parts of this process, and one authenticated request."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol, Self

from aiohttp import web
from multidict import CIMultiDict

from kleanxmpp.doctor.findings import Report
from kleanxmpp.doors import Passage
from kleanxmpp.due import Scope
from kleanxmpp.event_ports import Sender
from kleanxmpp.file_ports import FileStore
from kleanxmpp.model import ApiToken, Company
from kleanxmpp.ports import Directory, Server
from kleanxmpp.sweep_report import SweepReport

from .errands import Errands
from .gathered import Together
from .rates import Rates
from .settings import ApiSettings


class Reconciler(Protocol):
    """The loop, as far as the API asks it. `away` says in words why the server is not reachable; None: it is."""

    away: str | None
    away_since: datetime | None
    reports: dict[str, SweepReport]

    async def sweep_now(
        self, company: Company, *, force: bool = False, dry_run: bool = False, actor: str | None = None
    ) -> SweepReport:
        """Compare everything of one company once, and set going what differs unless it is a dry run."""

    def watched(self, scope: Scope) -> AbstractContextManager[asyncio.Event]:
        """Give an event that is set whenever work on the scope has ended in this process, well or not."""


class Doctor(Protocol):
    """Whoever looks whether the server keeps the promises."""

    async def latest(self, company: Company) -> Report:
        """Return the last result if it is fresh, else run. Who asks meanwhile waits for the same run."""

    def known(self, company: Company) -> Report | None:
        """Return the last result, however old it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts of this process. `server`, `reconciler`, `doctor` None: only the API. `files` None: it keeps none.

    `rates`: who asks how often. `sender` None: it sends nothing to webhooks. `stopping` ends waiting requests.
    """

    directory: Directory
    server: Server | None
    settings: ApiSettings
    reconciler: Reconciler | None
    clock: Callable[[], datetime]
    rates: Rates
    files: FileStore | None = None
    doctor: Doctor | None = None
    sender: Sender | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    together: Together = field(init=False)
    """What is read and done for all requests of one moment."""
    errands: Errands = field(default_factory=Errands)
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    """A large workbook takes seconds of a processor: they are read one after another, beside everything else."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "together", Together(self.directory))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authenticated request: whose token, in which company, and when it came in.

    `passage`: the door by which it changes people; None: whoever it is about is named one by one.
    """

    services: Services
    company: Company
    token: ApiToken
    headers: Mapping[str, str]
    now: datetime
    passage: Passage | None = None

    @property
    def directory(self) -> Directory:
        """The truth."""
        return self.services.directory

    @property
    def actor(self) -> str:
        """Who acts, as the audit log names it."""
        return f"token:{self.token.id}"

    @property
    def by_operator(self) -> bool:
        """Whether the operator acts, who may do what no company may."""
        return self.token.company_id is None

    def on(self, directory: Directory, *, headers: Mapping[str, str], passage: Passage | None = None) -> Self:
        """Return this request on a directory that was lent to it. It waits for nothing: nothing is committed yet."""
        services = replace(self.services, directory=directory)
        kept = CIMultiDict(headers)
        kept.popall("Prefer", None)
        return replace(self, services=services, headers=kept, passage=passage or self.passage)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedCall:
    """One signed message: whose secret fits it, and when it came in. `message_id` is the sender's name for it."""

    services: Services
    company: Company
    message_id: str
    actor: str
    now: datetime

    @property
    def directory(self) -> Directory:
        """The truth."""
        return self.services.directory


SERVICES = web.AppKey("services", Services)
TOKEN_ID = web.RequestKey("token_id", str)
