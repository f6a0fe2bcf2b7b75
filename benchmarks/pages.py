"""The website's pages for a large company: how long each takes, on SQLite, without a chat server.

Measured is what a browser on the same machine waits for the whole page; browser and server share this process, so a
millisecond of it is the browser's. A page that does not answer 200 is named and not measured.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median, quantiles

from aiohttp import ClientSession, DummyCookieJar

from admin_api.app import create_app
from admin_api.settings import ApiSettings
from admin_api.website import cookies
from benchmarks import people
from benchmarks.api_bulk import served
from benchmarks.figures import Figure, short
from benchmarks.world import DOMAIN, Bench
from kleanxmpp import one_time_links
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.db.migrate import upgrade_database
from kleanxmpp.model import AuditEntry, Company, Group, User
from kleanxmpp.website_ports import LinkPurpose, StaffRole

_LIMIT = 200.0
_CIRCLE = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    """The cookie of an administrator, and what the addresses are made of."""

    cookie: str
    user: User
    group: Group
    code: str

    @property
    def paths(self) -> Sequence[tuple[str, str]]:
        """Return every page's template and address."""
        user, group = f"/people/{self.user.id}", f"/groups/{self.group.id}"
        return [
            ("/", "/"),
            ("/people", "/people"),
            ("/people?q=…", "/people?q=person+77"),
            ("/people/{user_id}", user),
            ("/groups", "/groups"),
            ("/groups/{group_id}", group),
            ("/groups/{group_id}/circle", f"{group}/circle"),
            ("/audit", "/audit"),
            ("/server", "/server"),
            ("/sign-in", "/sign-in"),
            ("/join/{code}", f"/join/{self.code}"),
        ]


async def measure(bench: Bench) -> list[Figure]:
    """Open every page again and again."""
    bench.say("people and groups")
    url = f"sqlite:///{bench.folder / 'pages.sqlite'}"
    await upgrade_database(url)
    directory = SqlDirectory(url)
    try:
        site = await _site(directory, count=bench.pick(10_000, 500), groups=bench.pick(1_000, 50))
        app = create_app(
            directory=directory,
            server=None,
            settings=ApiSettings(requests_per_second=0),
            reconciler=None,
            clock=lambda: datetime.now(UTC),
        )
        async with served(app) as address, ClientSession(address, cookie_jar=DummyCookieJar()) as http:
            return [
                await _page(http, name, path, cookie=site.cookie, rounds=bench.pick(40, 5)) for name, path in site.paths
            ]
    finally:
        await directory.close()


async def _page(http: ClientSession, name: str, path: str, *, cookie: str, rounds: int) -> Figure:
    headers = {} if path == "/sign-in" else {"Cookie": cookie}
    times, size = [], 0
    for number in range(rounds + 1):
        began = time.perf_counter()
        async with http.get(path, headers=headers, allow_redirects=False) as answer:
            size = len(await answer.read())
            if answer.status != 200:
                return Figure(name=f"GET {name}", ours=0.0, unit="ms", note=f"not measured: answers {answer.status}")
        if number:  # the first one compiles the template
            times.append(1000 * (time.perf_counter() - began))
    late = quantiles(times, n=20, method="inclusive")[-1]
    return Figure(
        name=f"GET {name}",
        ours=median(times),
        unit="ms",
        target=f"p95 < {_LIMIT:g} ms",
        meets=late < _LIMIT,
        note=f"{rounds} rounds, p95 {short(late)} ms; {size / 1024:.0f} KiB",
    )


async def _site(directory: SqlDirectory, *, count: int, groups: int) -> _Site:
    now, company = datetime.now(UTC), people.company(DOMAIN)
    async with directory.write(company.id) as tx:
        await tx.save_company(company)
    everybody = await people.add_users(directory, company, count, devices=True)
    circles = [[everybody[(n * _CIRCLE + m) % count] for m in range(_CIRCLE)] for n in range(groups)]
    made = await people.add_groups(directory, company, circles)
    await _remember(directory, company, everybody, now=now)
    _, sign_in = await one_time_links.make_sign_in(
        directory, company, roles=frozenset({StaffRole.ADMIN}), actor="bench", now=now
    )
    _, _, token = await one_time_links.sign_in(directory, sign_in, purpose=LinkPurpose.SIGN_IN, now=now)
    _, code = await one_time_links.make_join(directory, company, everybody[0].id, actor="bench", now=now)
    return _Site(cookie=f"{cookies.SESSION}={token}", user=everybody[0], group=made[0], code=code)


async def _remember(directory: SqlDirectory, company: Company, everybody: Sequence[User], *, now: datetime) -> None:
    """Write the entries of the audit log that adding the people would have left."""
    entries = [
        AuditEntry(
            company_id=company.id, at=now, actor="bench", action="user.added", subject=f"user:{user.id}", details={}
        )
        for user in everybody
    ]
    async with directory.write(company.id) as tx:
        await tx.add_audit(entries)
