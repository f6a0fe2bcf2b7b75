"""The API with everything behind it: a directory, the in-memory server, the loop, a company and its tokens."""

import asyncio
import contextlib
import json
import logging
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web_app
from aiohttp.test_utils import TestClient, TestServer

from admin_api.app import create_app, serving_options
from admin_api.settings import ApiSettings
from admin_api.webhook_sender import HttpSender
from kleanxmpp import companies, tokens
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.deliveries import Deliverer
from kleanxmpp.deliveries import Pace as DeliveryPace
from kleanxmpp.destinations import allowed_of
from kleanxmpp.doctor.run import Doctor, Surroundings
from kleanxmpp.doctor.trial import Patience
from kleanxmpp.file_ports import FileStore
from kleanxmpp.model import Company
from kleanxmpp.ports import Directory
from kleanxmpp.reconcile import Pace, Reconciler
from kleanxmpp.scopes import Worker
from kleanxmpp.steps import Steps
from kleanxmpp.testing_directory import MemoryDirectory
from kleanxmpp.testing_doctor import MemoryCheckup
from kleanxmpp.testing_server import MemoryServer
from tests.postgres import Cluster

PACE = Pace(workers=4, sweep_interval=3600.0, retry_min=0.01, retry_max=0.05, probe_interval=0.01)
LOOPBACK = allowed_of(["127.0.0.0/8"])
SETTINGS = ApiSettings(
    xmpp_host="xmpp.firma.test",
    websocket_url="wss://xmpp.firma.test/ws",
    max_body_bytes=200_000,
    check_seconds=0.5,
    requests_per_second=0,
    webhooks_may_go_to=LOOPBACK,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer that was read to its end."""

    status: int
    headers: Any
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def problem(self) -> str:
        """The kind of problem this is; fails if it is none."""
        assert self.headers["Content-Type"].startswith("application/problem+json"), (self.status, self.text)
        assert self.body["status"] == self.status
        return str(self.body["type"]).removeprefix("/problems/")

    @property
    def fields(self) -> list[str]:
        """The fields that a problem names."""
        return [error["field"] for error in self.body.get("errors", [])]


@dataclass(slots=True, kw_only=True)
class Desk:
    """A running API and a way to call it."""

    directory: Directory
    server: MemoryServer
    reconciler: Reconciler
    client: TestClient[Any, Any]
    company: Company
    token: str

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = "",
        headers: dict[str, str] | None = None,
        **raw: Any,
    ) -> Answered:
        """Send a request: by default with the company's admin token, under /api/v1. `token` None: without any."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token or self.token}"
        if body is not None:
            raw["json"] = body
        path = (
            path
            if path.startswith(("/api", "/scim", "/healthz", "/readyz", "/metrics", "/problems"))
            else f"/api/v1{path}"
        )
        async with self.client.request(method, path, headers=sent, **raw) as response:
            return Answered(
                status=response.status, headers=response.headers.copy(), text=await response.text(errors="replace")
            )

    async def until(self, path: str, holds: Callable[[Answered], bool]) -> Answered:
        """Read again and again until the answer is as wanted."""
        async with asyncio.timeout(10):
            while True:
                answer = await self.call("GET", path)
                if holds(answer):
                    return answer
                await asyncio.sleep(0.01)

    async def person(self, name: str = "Aylin Öztürk", **facts: Any) -> dict[str, Any]:
        answer = await self.call("POST", "/users", {"display_name": name, **facts})
        assert answer.status == 201, answer.text
        return dict(answer.body)

    async def group(self, name: str = "Frühschicht", **facts: Any) -> dict[str, Any]:
        answer = await self.call("POST", "/groups", {"name": name, **facts})
        assert answer.status == 201, answer.text
        return dict(answer.body)

    async def token_for(self, *scopes: str, company: Company | None = None, operator: bool = False) -> str:
        company_id = None if operator else (company or self.company).id
        _, secret = await tokens.issue(
            self.directory, company_id=company_id, name="test", scopes=scopes, actor="test", now=datetime.now(UTC)
        )
        return secret

    async def company_named(self, domain: str) -> Company:
        return await companies.add_company(
            self.directory, domain=domain, name=domain, actor="test", now=datetime.now(UTC)
        )

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Run the loop meanwhile."""
        async with _meanwhile(self.reconciler.run()):
            yield

    @asynccontextmanager
    async def delivering(self) -> AsyncIterator[None]:
        """Deliver events to webhooks meanwhile."""
        pace = DeliveryPace(poll=0.01, look_every=0.02)
        async with _meanwhile(
            Deliverer(directory=self.directory, sender=loopback_sender(), rooms_prefix="gruppen", pace=pace).run()
        ):
            yield


@cache
def loopback_sender() -> HttpSender:
    """Return a sender to this machine. All tests share it: it keeps nothing, and reading the authorities is slow."""
    return HttpSender(allowed=LOOPBACK)


@asynccontextmanager
async def _meanwhile(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def opened(
    directory: Directory, *, settings: ApiSettings = SETTINGS, only_api: bool = False, files: FileStore | None = None
) -> AsyncIterator[Desk]:
    """Serve the API on a port of its own."""
    server = MemoryServer()
    worker = Worker(steps=Steps(directory=directory, server=server, rooms_prefix=settings.rooms_prefix, files=files))
    reconciler = Reconciler(directory=directory, server=server, worker=worker, pace=PACE)
    patience = Patience(gate=5.0, look_every=0.005)
    around = Surroundings(rooms_prefix=settings.rooms_prefix, component_prefix="klean", patience=patience)
    doctor = Doctor(directory=directory, checkup=MemoryCheckup(directory, server), surroundings=around)
    app = create_app(
        directory=directory,
        server=None if only_api else server,
        settings=settings,
        reconciler=None if only_api else reconciler,
        doctor=None if only_api else doctor,
        sender=None if only_api else loopback_sender(),
        clock=lambda: datetime.now(UTC),
        files=files,
    )
    now = datetime.now(UTC)
    company = await companies.add_company(directory, domain="firma.test", name="Firma", actor="test", now=now)
    _, token = await tokens.issue(
        directory, company_id=company.id, name="admin", scopes=["admin"], actor="test", now=now
    )
    served = TestServer(app)
    await served.start_server(**serving_options(settings))
    async with TestClient(served) as client:
        yield Desk(
            directory=directory, server=server, reconciler=reconciler, client=client, company=company, token=token
        )
    web_app._cached_build_middleware.cache_clear()  # else aiohttp keeps some hundred apps and all that they hold


EVERYWHERE = pytest.mark.parametrize("store", ["memory", "sqlite", "postgres"], indirect=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Where an empty directory is kept: in memory, in a copy of a migrated SQLite file, or on PostgreSQL."""

    kind: str
    template: Path
    folder: Path
    cluster: Cluster | None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Directory]:
        if self.kind == "memory":
            yield MemoryDirectory()
            return
        async with self._url() as url:
            directory = SqlDirectory(url, poll=0.02)
            try:
                yield directory
            finally:
                await directory.close()

    @asynccontextmanager
    async def _url(self) -> AsyncIterator[str]:
        if self.cluster is not None:
            async with fresh_database(self.cluster) as url:
                yield url
        else:
            file = self.folder / "directory.sqlite"
            shutil.copyfile(self.template, file)
            yield f"sqlite:///{file}"


@asynccontextmanager
async def fresh_database(cluster: Cluster) -> AsyncIterator[str]:
    """Make a migrated database on PostgreSQL, and drop it at the end."""
    name = f"api_{secrets.token_hex(6)}"
    await cluster.execute(f"CREATE DATABASE {name} TEMPLATE migrated")
    try:
        yield cluster.url(name)
    finally:
        await cluster.execute(f"DROP DATABASE {name} WITH (FORCE)")


def logged(records: list[logging.LogRecord]) -> str:
    """Return everything that was logged, fields included."""
    return "\n".join(f"{record.getMessage()} {record.__dict__}" for record in records)
