"""A whole working KleanXMPP for tests: a private ejabberd, and the real service as a process of its own.

Only the companies and their tokens are put into the directory from here; everything else
goes over HTTP, and what came of it is read from ejabberd itself or seen by clients.
"""

import asyncio
import hashlib
import json
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from ejabberd.api import EjabberdApi
from ejabberd.config import ServerConfig
from ejabberd.launcher import PrivateServer, extauth_command, free_ports, prepare
from kleanxmpp import companies, tokens
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.desired import GATE
from tests.e2e import made_up
from tests.e2e.answers import Answer, Circle, Person
from tests.e2e.edits import NO_EDITS, Edits, edit
from tests.e2e.service_process import ServiceProcess
from tests.e2e.staff import Login
from tests.e2e.waiting import SECONDS, eventually
from tests.sqlite import migrated_database

DOMAIN, NEIGHBOUR = "firma.test", "nachbar.test"
ROOMS, COMPONENT, BOT = f"gruppen.{DOMAIN}", f"klean.{DOMAIN}", f"klean@klean.{DOMAIN}"
ROOT = Path(__file__).resolve().parents[2]
WEBSITE = ROOT / "var" / "website"
BACKPORT = ROOT / "var" / "ejabberd-24.12"
VERSIONS = ("23.01", "24.12")

_API_USER, _API_PASSWORD, _SECRET = f"klean-api@{DOMAIN}", "api-password-of-tests", "component-secret-of-tests"


def server_root(version: str) -> Path | None:
    """Return where this ejabberd lies; None: Debian installed it. Fails, saying what to do, if it is missing."""
    if version == VERSIONS[0]:
        return None
    assert BACKPORT.exists(), (
        f"ejabberd {version} is missing. Get it with: .venv/bin/python -m ejabberd.versions {version} {BACKPORT}"
    )
    return BACKPORT


class Service:
    """The running whole. `ejabberd` is the server's launcher, `server` its HTTP API for looking up facts."""

    def __init__(self, folder: Path, ejabberd: PrivateServer, *, http: aiohttp.ClientSession) -> None:
        self.folder, self.ejabberd = folder, ejabberd
        self.port = free_ports(1)[0]
        self.server = EjabberdApi(ejabberd.api_url, user=_API_USER, password=_API_PASSWORD)
        self.tokens: dict[str, str] = {}
        self.secrets: list[str] = [_API_PASSWORD, _SECRET]
        self.database = f"sqlite:///{folder / 'kleanxmpp.db'}"
        self.server_logs_are_ours = True
        self._http = http
        self.process = ServiceProcess(folder, self.url, http=http)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def files(self) -> Path:
        """Where the service keeps what people send each other."""
        return self.folder / "files"

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ejabberd.ca_file))

    # its life

    async def set_up(self) -> None:
        """Make the database with two companies and their tokens, and write the configuration files."""
        await migrated_database(self.folder / "kleanxmpp.db")
        directory, now = SqlDirectory(self.database), datetime.now(UTC)
        try:
            for domain in (DOMAIN, NEIGHBOUR):
                name = domain.partition(".")[0].capitalize()
                company = await companies.add_company(directory, domain=domain, name=name, actor="tests", now=now)
                _, secret = await tokens.issue(
                    directory, company_id=company.id, name="tests", scopes=[tokens.ADMIN], actor="tests", now=now
                )
                self.tokens[domain] = secret
                self.secrets.append(secret)
        finally:
            await directory.close()
        self.configure()

    def configure(self, **server: object) -> None:
        """Write the service's configuration; what is given replaces parts about ejabberd."""
        (self.folder / "kleanxmpp.toml").write_text(self._toml(server))

    def _toml(self, server: Mapping[str, object]) -> str:
        parts: dict[str, dict[str, object]] = {
            "database": {"url": self.database, "lock_timeout": 2.0},
            "server": {
                "component_port": self.ejabberd.component_port,
                "component_secret": _SECRET,
                "api_url": self.ejabberd.api_url,
                "api_user": _API_USER,
                "api_password": _API_PASSWORD,
                **server,
            },
            "api": {"port": self.port, "requests_per_second": 0},
            "files": {"folder": str(self.files), "public_url": self.url},
            "website": {"folder": str(WEBSITE)},
            "reconcile": {"retry_min": 0.2, "retry_max": 2.0},
            "webhooks": {"allow_private": ["127.0.0.1"]},
            "client": {
                "xmpp_host": "127.0.0.1",
                "xmpp_port": self.ejabberd.c2s_port,
                "websocket_url": self.ejabberd.websocket_url,
            },
            "doctor": {"ca_file": str(self.ejabberd.ca_file), "every": 0},
            "log": {"level": "info", "format": "json"},
        }
        lines = (
            f"[{part}]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in keys.items()) for part, keys in parts.items()
        )
        return "\n".join(lines)

    def check_log(self) -> None:
        """Fail if a credential, a token, or a name or text that a test made up stands in the service's log."""
        log = self._logged(self.process.log)
        others = [self.ejabberd.files.log, self.ejabberd.files.console] if self.server_logs_are_ours else []
        told = [log, *map(self._logged, others)]
        secrets = sum(any(secret in text for text in told) for secret in self.secrets)
        assert not secrets, f"{secrets} secrets stand in the service's log or the server's, below {self.folder}"
        lines = [line for line in log.splitlines() if made_up.found_in(line)]
        assert not lines, (
            f"Names or texts of people stand in {len(lines)} lines of {self.process.log}, like: {lines[0]}"
        )

    @staticmethod
    def _logged(file: Path) -> str:
        return file.read_text(errors="replace") if file.exists() else ""

    # the API

    async def api(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        domain: str = DOMAIN,
        wait: int | None = None,
        headers: Mapping[str, str] | None = None,
        expect: int | Iterable[int] = (200, 201, 202, 204),
    ) -> Answer:
        """Call `/api/v1` + path, or /scim, as the company's admin. `expect`: the statuses that are right."""
        path = path if path.startswith("/scim/") else f"/api/v1{path}"
        sent = {"Authorization": f"Bearer {self.tokens[domain]}", **(headers or {})}
        if wait is not None:
            sent["Prefer"] = f"wait={wait}"
        async with self._http.request(method, f"{self.url}{path}", json=body, headers=sent) as answer:
            text = await answer.text()
            found = Answer(
                status=answer.status, headers=dict(answer.headers), body=json.loads(text) if text.strip() else None
            )
        right = {expect} if isinstance(expect, int) else set(expect)
        assert found.status in right, f"{method} {path} answered {found.status}: {text}"
        return found

    async def give_photo(self, person: Person, content: bytes, *, media_type: str = "image/jpeg") -> str:
        """Set a person's photo over HTTP and return its hash."""
        headers = {"Authorization": f"Bearer {self.tokens[DOMAIN]}", "Content-Type": media_type}
        async with self._http.put(
            f"{self.url}/api/v1/users/{person.id}/photo", data=content, headers=headers
        ) as answer:
            assert answer.status == 200, await answer.text()
            return str((await answer.json())["photo_sha1"])

    async def last_sweep(self, *, domain: str = DOMAIN) -> Any:
        """Return when the last sweep was; None: there was none yet."""
        return ((await self.api("GET", "/status", domain=domain))["last_sweep"] or {"at": None})["at"]

    async def calm(self, *, domain: str = DOMAIN, within: float = SECONDS, sweep_after: Any = None) -> None:
        """Wait until everything asked for was done and looked at again, and the sweep at the start is over.

        `sweep_after`: and a later one than this, as follows when ejabberd was away.
        """

        async def status() -> object:
            return (await self.api("GET", "/status", domain=domain)).body

        def is_calm(found: Any) -> bool:
            sweep = found["last_sweep"]
            return _waiting(found) == 0 and sweep is not None and sweep["at"] != sweep_after

        await eventually(status, is_calm, what="nothing is due", within=within)

    async def proven(self, person: Person, *, domain: str = DOMAIN) -> Any:
        """Wait until the newest off-boarding of the person is complete, and return it."""

        async def newest() -> Any:
            found = await self.api("GET", f"/users/{person.id}/offboardings", domain=domain)
            return next(iter(found["items"]), {})

        return await eventually(
            newest, lambda found: bool(found.get("complete")), what="the off-boarding is complete", within=30
        )

    async def hire(
        self, first: str = "Anna", *, name: str | None = None, domain: str = DOMAIN, ready: bool = True, **facts: object
    ) -> Person:
        """Add a person over HTTP, set up a device, and wait (`ready`) until the server lets them in."""
        name = name or made_up.new_name(first)
        user = await self.api("POST", "/users", {"display_name": name, **facts}, domain=domain, expect=201)
        login, credential_id = await self.device(user["id"], domain=domain)
        if ready:
            await self.gate_is_open(user["username"], domain=domain)
        return Person(
            id=user["id"], username=user["username"], jid=user["jid"], name=name, login=login,
            credential_id=credential_id,
        )  # fmt: skip

    async def hire_many(self, *firsts: str) -> list[Person]:
        """Hire several people at once."""
        return list(await asyncio.gather(*(self.hire(first) for first in firsts)))

    async def device(self, user_id: str, *, domain: str = DOMAIN, label: str = "Handy") -> tuple[Login, str]:
        """Set up a device: return its login and the credential's id."""
        issued = await self.api("POST", f"/users/{user_id}/credentials", {"label": label}, domain=domain, expect=201)
        self.secrets.append(issued["credential"])
        login = Login(
            jid=issued["jid"], credential=issued["credential"], host=issued["xmpp_host"], port=issued["xmpp_port"],
            ca_file=str(self.ejabberd.ca_file),
        )  # fmt: skip
        return login, issued["id"]

    async def found(
        self,
        first: str = "Team",
        *,
        name: str | None = None,
        kind: str = "team",
        members: Iterable[Person] = (),
        moderators: Iterable[Person] = (),
        done: bool = True,
    ) -> Circle:
        """Found a group with its circle over HTTP, and wait (`done`) until the server has it."""
        name = name or made_up.new_name(first, personal=False)
        group = await self.api("POST", "/groups", {"name": name, "kind": kind}, expect=201)
        circle = [{"user_id": person.id} for person in members]
        circle += [{"user_id": person.id, "role": "moderator"} for person in moderators]
        if circle:
            await self.api("PUT", f"/groups/{group['id']}/members", {"members": circle})
        if done:
            await self.calm()
        return Circle(id=group["id"], slug=group["slug"], room=group["room"], name=name)

    # facts of the server, past our own directory

    async def gate_is_open(self, username: str, *, domain: str = DOMAIN) -> None:
        """Wait until ejabberd itself would let the person in."""

        async def gate() -> frozenset[str]:
            return await self.server.groups.of_user(username, host=domain) & {GATE}

        await eventually(gate, lambda groups: GATE in groups, what=f"{username} is in the gate")

    async def affiliations(self, circle: Circle) -> dict[str, str] | None:
        """Return bare JID -> affiliation as ejabberd has it, without the service's own entries; None: no such room."""
        found = await self.server.rooms.affiliations(circle.slug, service=ROOMS)
        if found is None:
            return None
        return {entry.jid: str(entry.affiliation) for entry in found if entry.jid.endswith(f"@{DOMAIN}")}

    async def occupants(self, circle: Circle) -> set[str]:
        """Return the bare JIDs of those inside the room."""
        found = await self.server.rooms.occupants(circle.slug, service=ROOMS)
        return {occupant.jid.partition("/")[0] for occupant in found or ()}

    async def sessions(self, username: str) -> set[str]:
        """Return the resources of a person's sessions, sleeping ones included."""
        return {session.resource for session in await self.server.sessions.of_user(username, host=DOMAIN)}


def _waiting(status: Any) -> int:
    return int(status["due"]["count"])


@asynccontextmanager
async def running_service(
    folder: Path, *, version: str, start: bool = True, edits: Edits = NO_EDITS
) -> AsyncIterator[Service]:
    """Start everything below `folder`, and stop it at the end; on the way out of a failure show the service's log."""
    extauth = folder / "extauth.toml"
    config = ServerConfig(
        domains=(DOMAIN, NEIGHBOUR), component_secret=_SECRET, extauth_program=extauth_command(extauth),
        component_port=0, api_port=0,
    )  # fmt: skip
    ejabberd = await prepare(folder / "ejabberd", config, root=server_root(version))
    await edit(ejabberd, edits)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as http:
        service = Service(folder, ejabberd, http=http)
        digest = hashlib.sha256(_API_PASSWORD.encode()).hexdigest()
        extauth.write_text(
            f'database = "{service.database}"\napi_user = "{_API_USER}"\napi_password_sha256 = "{digest}"\n'
        )
        await service.set_up()
        try:
            async with service.server:
                if start:
                    await ejabberd.start()
                    await service.process.start()
                yield service
        finally:
            if service.process.running:
                await service.process.stop()
            await ejabberd.kill()
        service.check_log()


__all__ = ["BOT", "COMPONENT", "DOMAIN", "NEIGHBOUR", "ROOMS", "Circle", "Person", "Service"]
