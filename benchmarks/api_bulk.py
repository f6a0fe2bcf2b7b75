"""People by the API: one request for each against bulk requests, on SQLite, without a chat server.

Measured is what a caller waits until everybody is in the directory; what the server then does is the same for both.
Caller and API share one process, so both ways pay for both sides.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web

from admin_api.app import create_app, make_runner
from admin_api.settings import ApiSettings
from benchmarks.figures import Figure, single
from benchmarks.world import Bench
from kleanxmpp import companies, tokens
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.db.migrate import upgrade_database

_AT_ONCE = 500
Call = Callable[[str, str, object], Awaitable[Any]]


async def measure(bench: Bench) -> list[Figure]:
    """Add people both ways, and bring them up to date by bulk requests that change nothing."""
    count = bench.pick(10_000, 1_000)
    bench.say(f"{count} people one by one")
    async with _api(bench.folder / "single.sqlite") as call:
        alone = await _timed(_one_by_one(call, count))
    async with _api(bench.folder / "bulk.sqlite") as call:
        bench.say(f"{count} people by bulk requests")
        bulk = await _timed(_by_bulk(call, count))
        again = await _timed(_by_bulk(call, count))
        tried = await _timed(_by_bulk(call, count, query="?dry_run=true", name="Neuer Name"))
    return [
        Figure(
            name=f"{count} people added, bulk requests of {_AT_ONCE} against one by one",
            ours=count / bulk,
            plain=count / alone,
            unit="/s",
            ratio=bulk / alone,
            note="ratio of the times: small is good",
        ),
        single("the same people again, nothing new", [count / again], unit="/s"),
        single("a new name for everybody, dry run", [count / tried], unit="/s"),
    ]


def _person(number: int, *, name: str = "Person") -> dict[str, object]:
    return {"display_name": f"{name} {number}", "email": f"p{number}@example.org"}


async def _one_by_one(call: Call, count: int) -> None:
    for number in range(count):
        await call("PUT", f"/users/by-external-id/{number}", _person(number))


async def _by_bulk(call: Call, count: int, *, query: str = "", name: str = "Person") -> None:
    for first in range(0, count, _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, count))
        operations = [
            {"method": "PUT", "path": f"/users/by-external-id/{n}", "body": _person(n, name=name)} for n in numbers
        ]
        await call("POST", f"/bulk{query}", {"operations": operations})


async def _timed(work: Awaitable[None]) -> float:
    began = time.monotonic()
    await work
    return time.monotonic() - began


@asynccontextmanager
async def _api(file: Path) -> AsyncIterator[Call]:
    """Serve the API on a new directory, and yield a way to call it as the company's admin."""
    url, now = f"sqlite:///{file}", datetime.now(UTC)
    await upgrade_database(url)
    directory = SqlDirectory(url)
    try:
        company = await companies.add_company(directory, domain="firma.test", name="Firma", actor="bench", now=now)
        _, secret = await tokens.issue(
            directory, company_id=company.id, name="bench", scopes=["admin"], actor="bench", now=now
        )
        app = create_app(
            directory=directory,
            server=None,
            settings=ApiSettings(requests_per_second=0),
            reconciler=None,
            clock=lambda: datetime.now(UTC),
        )
        async with served(app) as address, ClientSession(headers={"Authorization": f"Bearer {secret}"}) as http:
            yield _caller(http, address)
    finally:
        await directory.close()


def _caller(http: ClientSession, address: str) -> Call:
    async def call(method: str, path: str, body: object) -> Mapping[str, Any]:
        async with http.request(method, f"{address}/api/v1{path}", json=body) as answer:
            if answer.status >= 400:
                raise RuntimeError(f"{method} {path}: {answer.status} {await answer.text()}")
            found: Mapping[str, Any] = await answer.json()
            return found

    return call


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    """Serve an application on a port of its own; yield its address."""
    runner = make_runner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
