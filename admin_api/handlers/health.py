"""Whether this process lives, and whether it can work."""

import asyncio
from collections.abc import Awaitable

from kleanxmpp import errors

from .. import problem_kinds as kinds
from ..answers import Answer
from ..problems import Problem
from ..schemas.health import HealthView, ReadyView
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
    still accepted while only the server is away; the work waits.
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
    return Answer(body=ReadyView())


async def _wrong(check: Awaitable[None], *, seconds: float) -> str | None:
    try:
        async with asyncio.timeout(seconds):
            await check
    except TimeoutError:
        return "It does not answer in time."
    except errors.KleanError as error:
        return type(error).__doc__
    return None
