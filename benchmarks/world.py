"""What every benchmark runs on: a private ejabberd, a directory in SQLite, and KleanXMPP beside it.

The plain scripts get a component address of their own in ejabberd's configuration, so they can be service admin of the
same rooms as the service, on the same server, without taking its answers away.
"""

import asyncio
import hashlib
import json
import os
import signal
import ssl
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import aiohttp

from ejabberd.config import ServerConfig
from ejabberd.launcher import PrivateServer, extauth_command, free_ports, prepare
from kleanxmpp import tokens
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.db.migrate import upgrade_database
from kleanxmpp.model import Company

DOMAIN = "firma.test"
ROOMS, SCRIPT_COMPONENT = f"gruppen.{DOMAIN}", f"skript.{DOMAIN}"
API_USER, API_PASSWORD, SECRET = f"klean-api@{DOMAIN}", "api-password", "component-secret"
_SECONDS = 60.0
_NEVER = 1e6

Edits = Mapping[str, Sequence[str]]
"""Lines of ejabberd's configuration (without indentation), and what stands there instead."""

_SCRIPT_MAY: Edits = {
    "global_routes: true": ("global_routes: false",),
    f"klean.{DOMAIN}:": (f"{SCRIPT_COMPONENT}:", f"  password: {SECRET}", f"klean.{DOMAIN}:"),
    f"- klean.{DOMAIN}": (f"- klean.{DOMAIN}", f"- {SCRIPT_COMPONENT}"),
    "- klean_sessions": ("- klean_sessions", "- kick_user", "- user_sessions_info", "- private_set"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One run: where it may write, on which ejabberd (`root` None: Debian's), how much, and who hears of progress."""

    folder: Path
    root: Path | None
    small: bool
    say: Callable[[str], None]

    def pick(self, whole: int, small: int) -> int:
        """Return a size."""
        return small if self.small else whole


@dataclass(slots=True, kw_only=True)
class World:
    """The running server with its directory. `service` is the process that `start_service` started."""

    bench: Bench
    folder: Path
    ejabberd: PrivateServer
    directory: SqlDirectory
    http: aiohttp.ClientSession
    api_port: int
    token: str = field(repr=False, default="")
    service: asyncio.subprocess.Process | None = None
    company_id: str = ""
    _swept: bool = False

    @property
    def database(self) -> str:
        """Where the directory is."""
        return _database(self.folder)

    @property
    def tls(self) -> ssl.SSLContext:
        """How clients check the server."""
        return ssl.create_default_context(cafile=str(self.ejabberd.ca_file))

    async def add_company(self, company: Company) -> None:
        """Put the company into the directory."""
        self.company_id = company.id
        async with self.directory.write(company.id) as tx:
            await tx.save_company(company)
        _, self.token = await tokens.issue(
            self.directory, company_id=company.id, name="bench", scopes=[tokens.ADMIN], actor="bench",
            now=datetime.now(UTC),
        )  # fmt: skip

    def settings(self) -> dict[str, dict[str, object]]:
        """Return what the service has to know; it sweeps at start and then only when asked."""
        return {
            "database": {"url": self.database},
            "server": {
                "component_port": self.ejabberd.component_port,
                "component_secret": SECRET,
                "api_url": self.ejabberd.api_url,
                "api_user": API_USER,
                "api_password": API_PASSWORD,
            },
            "api": {"port": self.api_port, "requests_per_second": 0},
            "reconcile": {"sweep_interval": _NEVER},
            "log": {"level": "warning"},
        }

    async def start_service(self) -> int:
        """Start the service as an operator does, wait until it is ready, and return its process id."""
        (self.folder / "kleanxmpp.toml").write_text(_toml(self.settings()))
        with (self.folder / "service.log").open("ab") as log:
            self.service = await self.command("serve", output=log)
        await eventually(self._ready, what="the service is ready")
        return self.service.pid

    async def command(self, *arguments: str, output: BinaryIO) -> asyncio.subprocess.Process:
        """Start the command line of KleanXMPP in this world."""
        environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.folder), "LANG": "C.UTF-8"}
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "kleanxmpp.cli", *arguments, cwd=self.folder, env=environment,
            stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip

    async def stop_service(self) -> None:
        """Stop the service, if it runs."""
        if self.service is None or self.service.returncode is not None:
            return
        self.service.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.service.wait(), _SECONDS)
        except TimeoutError:
            self.service.kill()
            await self.service.wait()

    async def api(self, method: str, path: str, body: object = None, *, wait: int | None = None) -> Any:  # noqa: ANN401
        """Call `/api/v1` + path as the company's admin and return the JSON it answers."""
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Prefer": f"wait={wait}"} if wait else {})
        url = f"http://127.0.0.1:{self.api_port}/api/v1{path}"
        async with self.http.request(method, url, json=body, headers=headers) as answer:
            text = await answer.text()
            if answer.status >= 400 or (wait and answer.status == 202):
                raise RuntimeError(f"{method} {path} answered {answer.status}: {text[:500]}")
            return json.loads(text) if text else None

    async def settled(self, *, within: float = _SECONDS, every: float = 0.05) -> None:
        """Wait until the start's sweep is over and nothing is due any more.

        Asks the directory, not the API, whose answer would cost the service something each time.
        """

        async def swept() -> bool:
            status = await self.api("GET", "/status")
            return status["last_sweep"] is not None

        if not self._swept:
            await eventually(swept, what="the service has swept", within=within)
            self._swept = True
        await eventually(self.nothing_due, what="nothing is due", within=within, every=every)

    async def nothing_due(self) -> bool:
        """Tell whether nothing is due at this moment."""
        async with self.directory.read() as tx:
            return await tx.count_due(self.company_id) == 0

    async def _ready(self) -> bool:
        if self.service is not None and self.service.returncode is not None:
            raise RuntimeError(f"the service ended:\n{(self.folder / 'service.log').read_text()[-3000:]}")
        with suppress(aiohttp.ClientConnectionError):
            async with self.http.get(f"http://127.0.0.1:{self.api_port}/readyz") as answer:
                return answer.status == 200
        return False


@asynccontextmanager
async def open_world(bench: Bench, name: str, *, edits: Edits | None = None) -> AsyncIterator[World]:
    """Start ejabberd and make the directory below the bench's folder; stop everything at the end.

    `edits` change ejabberd's configuration, for servers that are configured the way others do it.
    """
    folder = bench.folder / name
    folder.mkdir(parents=True)
    database = _database(folder)
    await upgrade_database(database)
    ejabberd = await _prepare(bench, folder, database=database, edits=edits or {})
    directory = SqlDirectory(database)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=600)) as http:
        world = World(
            bench=bench, folder=folder, ejabberd=ejabberd, directory=directory, http=http, api_port=free_ports(1)[0]
        )
        try:
            await ejabberd.start()
            yield world
        finally:
            await world.stop_service()
            await directory.close()
            await ejabberd.stop()


async def eventually(holds: Callable[[], Any], *, what: str, within: float = _SECONDS, every: float = 0.02) -> None:
    """Wait until `holds()`, a coroutine, returns true."""
    end = time.monotonic() + within
    while not await holds():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {within:g} s: {what}")
        await asyncio.sleep(every)


async def _prepare(bench: Bench, folder: Path, *, database: str, edits: Edits) -> PrivateServer:
    digest = hashlib.sha256(API_PASSWORD.encode()).hexdigest()
    extauth = folder / "extauth.toml"
    extauth.write_text(f'database = "{database}"\napi_user = "{API_USER}"\napi_password_sha256 = "{digest}"\n')
    config = ServerConfig(
        domains=(DOMAIN,), component_secret=SECRET, extauth_program=extauth_command(extauth),
        component_port=0, api_port=0,
    )  # fmt: skip
    server = await prepare(folder / "ejabberd", config, root=bench.root)
    server.files.config.write_text(_edited(server.files.config.read_text(), {**_SCRIPT_MAY, **edits}))
    return server


def _edited(text: str, edits: Edits) -> str:
    lines: list[str] = []
    unused = set(edits)
    for line in text.splitlines():
        content = line.strip()
        unused.discard(content)
        indent = line[: len(line) - len(line.lstrip())]
        lines += [indent + new for new in edits.get(content, [content])]
    if unused:
        raise RuntimeError(f"ejabberd's configuration has no line like {', '.join(sorted(unused))}")
    return "\n".join(lines) + "\n"


def _database(folder: Path) -> str:
    return f"sqlite:///{folder / 'kleanxmpp.db'}"


def _toml(parts: Mapping[str, Mapping[str, object]]) -> str:
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in part.items())
        for name, part in parts.items()
    )
