"""Whether this process lives, and whether it can work."""

import asyncio
import math
from collections.abc import Awaitable

from kleanxmpp import errors, metrics, sources
from kleanxmpp.source_ports import Source

from .. import problem_kinds as kinds
from ..answers import Answer
from ..problems import Problem
from ..schemas.health import HealthView, LateView, ReadyView
from ..schemas.problem import FieldError
from ..services import Services


async def get_health(services: Services) -> Answer:
    """Tell that the process lives.

    Asks nobody: for the supervisor that restarts what hangs.
    """
    return Answer(body=HealthView())


async def get_readiness(services: Services) -> Answer:
    """Tell whether everything that is needed answers.

    The directory answers and the XMPP server can be reached. Otherwise 503 with the part that does not: changes are
    still accepted while only the server is away; the work waits. A source of people that is silent for too long turns
    `status` to `degraded`, with 200: this process works, and no restart would bring the source back.
    """
    checks = {"directory": services.directory.check()}
    if services.server is not None:
        checks["server"] = services.server.check()
    words = await asyncio.gather(*(_wrong(check, seconds=services.settings.check_seconds) for check in checks.values()))
    wrong = tuple(
        FieldError(field=part, message=message) for part, message in zip(checks, words, strict=True) if message
    )
    if wrong:
        raise Problem(kind=kinds.NOT_READY, errors=wrong, headers={"Retry-After": "5"})
    late = await _late(services)
    return Answer(body=ReadyView(status="degraded" if late else "ready", late=late))


async def measure_sources(services: Services) -> None:
    """Set the gauges of how long sources are silent, in all companies."""
    metrics.SOURCE_SILENT_SECONDS.clear()
    metrics.SOURCE_LATE.clear()
    try:
        known = await _sources(services)
    except errors.DirectoryUnavailable:
        return
    now = services.clock()
    for domain, one in known:
        silent = math.nan if one.last_contact is None else (now - one.last_contact).total_seconds()
        metrics.SOURCE_SILENT_SECONDS.labels(company=domain, door=one.door.value).set(silent)
        late = sources.late_since(one, now=now) is not None
        metrics.SOURCE_LATE.labels(company=domain, door=one.door.value).set(late)


async def _late(services: Services) -> list[LateView]:
    now = services.clock()
    found = [(domain, one, sources.late_since(one, now=now)) for domain, one in await _sources(services)]
    return [LateView(company=domain, door=one.door, since=since) for domain, one, since in found if since is not None]


async def _sources(services: Services) -> list[tuple[str, Source]]:
    """Return the sources of all companies with their domains."""
    async with services.directory.read() as tx:
        known = await tx.sources(None)
        domains = {company.id: company.domain for company in await tx.companies()} if known else {}
    return [(domains[one.company_id], one) for one in known]


async def _wrong(check: Awaitable[None], *, seconds: float) -> str | None:
    try:
        async with asyncio.timeout(seconds):
            await check
    except TimeoutError:
        return "It does not answer in time."
    except errors.KleanError as error:
        return type(error).__doc__
    return None
