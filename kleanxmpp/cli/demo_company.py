"""The demo: a private ejabberd on loopback, an embedded directory, the whole service, and a company to play with.

Everything lies in one folder and starts from nothing each time. People come in through the same import as anywhere.
"""

import asyncio
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ejabberd.config import ServerConfig
from ejabberd.launcher import PrivateServer, extauth_command, free_ports, prepare
from kleanxmpp import companies, credentials, csv_file, errors, ids, importing, logs, one_time_links, tokens
from kleanxmpp.cli import demo_facts
from kleanxmpp.cli.website_fetch import fetch_into
from kleanxmpp.cli.wiring import Service, open_service, until_stopped
from kleanxmpp.db.migrate import upgrade_database
from kleanxmpp.desired import may_chat
from kleanxmpp.model import Company, Group, User
from kleanxmpp.ports import Directory, UserFilter
from kleanxmpp.settings import Settings, made_of
from kleanxmpp.website_ports import StaffRole

DOMAIN, NAME = "glanz.test", "Glanz & Gloria"
ANNOUNCEMENTS = ("Meldungen",)
DEMO_FILE = "demo.json"
_PREFERRED_PORTS = range(15222, 15322)
_ACTOR = "demo"
_API_USER = f"klean-api@{DOMAIN}"
_WITH_LINKS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What the parts of the demo know each other by; made anew each time."""

    component: str
    api_password: str


def demo(folder: Path, *, ejabberd_root: Path | None = None) -> None:
    """Run the demo in `folder` until Ctrl-C. `ejabberd_root`: an unpacked ejabberd instead of Debian's."""
    logs.set_up(level="warning", as_json=False)
    folder = folder.resolve()
    _empty(folder)
    console = Console()
    with console.status("Fetching the website's styles and scripts …"):
        try:
            fetch_into(_website(folder))
        except errors.Invalid as error:
            console.print(f"The website will look plain, and has no chat: {error}", soft_wrap=True, highlight=False)
    asyncio.run(_demo(folder, console=console, ejabberd_root=ejabberd_root))


def _website(folder: Path) -> Path:
    """Return where the website's styles and scripts are: beside the demo, so that they are fetched once."""
    return folder.parent / "website"


async def _demo(folder: Path, *, console: Console, ejabberd_root: Path | None) -> None:
    async with running_demo(folder, console=console, ejabberd_root=ejabberd_root) as facts:
        demo_facts.show(console, facts, folder / DEMO_FILE)
        await until_stopped()
        console.print("Stopping …")


@asynccontextmanager
async def running_demo(
    folder: Path, *, console: Console, ejabberd_root: Path | None = None
) -> AsyncIterator[Mapping[str, Any]]:
    """Start everything, write the demo file, and yield what stands in it."""
    known = Secrets(component=secrets.token_urlsafe(24), api_password=secrets.token_urlsafe(24))
    database = f"sqlite:///{(folder / 'directory.db').resolve()}"
    async with AsyncExitStack() as running:
        async with _no_other_starts():
            with console.status("Starting a private ejabberd …"):
                server = await _prepare_server(folder, known, database, ejabberd_root=ejabberd_root)
                await upgrade_database(database)
                running.push_async_callback(server.stop)
                await server.start()
            settings = _settings(server, known, database, files=folder / "files", website=_website(folder))
            company = await running.enter_async_context(_company_first(database))
            service = await running.enter_async_context(open_service(settings))
        facts = await _fill(service, company, server, known=known, console=console)
        demo_facts.write(folder / DEMO_FILE, facts)
        yield facts


@asynccontextmanager
async def _no_other_starts() -> AsyncIterator[None]:
    """Keep other demos of this user from choosing ports while ours are chosen and not taken yet."""
    lock = Path(tempfile.gettempdir()) / f"kleanxmpp-demo-{os.getuid()}.lock"
    file = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _empty(folder: Path) -> None:
    """Make the folder, or clear it if it held a demo before. Raises Invalid for anything else."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / "ejabberd").is_dir() and not (folder / DEMO_FILE).exists():
            raise errors.Invalid(f"{folder} is not empty and holds no demo. Name another folder.")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


async def _prepare_server(folder: Path, known: Secrets, database: str, *, ejabberd_root: Path | None) -> PrivateServer:
    logins = folder / "extauth.toml"
    logins.touch(mode=0o600)
    logins.write_text(
        f'database = "{database}"\napi_user = "{_API_USER}"\n'
        f'api_password_sha256 = "{ids.sha256_hex(known.api_password)}"\n'
    )
    c2s, https, component, api = free_ports(4, within=_PREFERRED_PORTS)
    config = ServerConfig(
        domains=(DOMAIN,),
        component_secret=known.component,
        extauth_program=extauth_command(logins.resolve()),
        component_port=component,
        api_port=api,
    )
    return await prepare(folder / "ejabberd", config, root=ejabberd_root, c2s_port=c2s, https_port=https)


def _settings(server: PrivateServer, known: Secrets, database: str, *, files: Path, website: Path) -> Settings:
    (port,) = free_ports(1, within=_PREFERRED_PORTS)
    return made_of(
        {
            "database": {"url": database},
            "server": {
                "component_port": server.component_port,
                "component_secret": known.component,
                "api_url": server.api_url,
                "api_user": _API_USER,
                "api_password": known.api_password,
            },
            "api": {"port": port},
            "files": {"folder": str(files.resolve()), "public_url": f"http://127.0.0.1:{port}"},
            "website": {"folder": str(website)},
            "client": {
                "xmpp_host": server.host,
                "xmpp_port": server.c2s_port,
                "websocket_url": server.websocket_url,
            },
            "doctor": {"ca_file": str(server.ca_file)},
        }
    )


@asynccontextmanager
async def _company_first(database: str) -> AsyncIterator[Company]:
    """Make the company: the service asks the directory for its domains when it starts."""
    from kleanxmpp.db.directory import SqlDirectory

    directory = SqlDirectory(database)
    try:
        yield await companies.add_company(directory, domain=DOMAIN, name=NAME, actor=_ACTOR, now=_now())
    finally:
        await directory.close()


async def _fill(
    service: Service, company: Company, server: PrivateServer, *, known: Secrets, console: Console
) -> Mapping[str, Any]:
    directory = service.directory
    source = resources.files("kleanxmpp.demo") / "glanz-und-gloria.csv"
    rows = csv_file.parse(source.read_bytes().splitlines(keepends=True))
    bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console, transient=True)
    with bar:
        task = bar.add_task("Importing people", total=None)
        await importing.import_people(
            directory,
            company,
            rows,
            announcements=ANNOUNCEMENTS,
            actor=_ACTOR,
            reason=None,
            now=_now(),
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
        people, circles = await _everything(directory, company)
        people = sorted(people, key=lambda user: not may_chat(company, user))
        task = bar.add_task("Setting up devices", total=len(people))
        logins: dict[str, str] = {}
        for user in people:
            _, logins[user.id] = await credentials.issue(
                directory, company, user.id, label="Demo", actor=_ACTOR, now=_now()
            )
            bar.advance(task)
        await _settled(directory, company, bar)
    _, token = await tokens.issue(
        directory, company_id=company.id, name="Demo", scopes=[tokens.ADMIN], actor=_ACTOR, now=_now()
    )
    facts = demo_facts.facts_of(
        service, server, company, people, circles, logins, token=token, api_key=(_API_USER, known.api_password)
    )
    return {**facts, **await _links(directory, company, people, origin=facts["api_url"])}


async def _links(directory: Directory, company: Company, people: Sequence[User], *, origin: str) -> Mapping[str, Any]:
    """Make the links that sign in once: an administrator to the dashboard, and two people to the chat."""
    _, code = await one_time_links.make_sign_in(
        directory, company, roles=frozenset({StaffRole.ADMIN}), lasts=timedelta(days=1), actor=_ACTOR, now=_now()
    )
    joining = {}
    for user in people[:_WITH_LINKS]:
        _, joins = await one_time_links.make_join(directory, company, user.id, actor=_ACTOR, now=_now())
        joining[user.display_name] = f"{origin}/join/{joins}"
    return {"dashboard_link": f"{origin}/sign-in/{code}", "join_links": joining}


async def _everything(directory: Directory, company: Company) -> tuple[Sequence[User], Sequence[Group]]:
    async with directory.read() as tx:
        people = await tx.page_users(company.id, after=None, limit=1000, matching=UserFilter())
        return people, await tx.page_groups(company.id, after=None, limit=1000)


async def _settled(directory: Directory, company: Company, bar: Progress) -> None:
    """Wait until the server has it all."""
    task = bar.add_task("Bringing it to the server", total=None)
    most = 0
    while True:
        async with directory.read() as tx:
            left = await tx.count_due(company.id)
        most = max(most, left)
        bar.update(task, completed=most - left, total=most)
        if not left:
            return
        await asyncio.sleep(0.05)


def _now() -> datetime:
    return datetime.now(UTC)
