"""Messages that are signed instead of carrying a token: whose they are, and what becomes of those that are refused.

What is refused is logged and counted by its kind alone: neither body nor secret nor anything about people.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from kleanxmpp import errors, metrics, signatures, signing
from kleanxmpp.signatures import Signed

from . import problems
from .problem_kinds import Kind
from .problems import Problem
from .services import SERVICES, SignedCall

log = logging.getLogger(__name__)

MOST_BYTES = 64 * 1024
"""In the body of one message, which is about one person."""


def headers_of(request: web.Request) -> Signed:
    """Return what the headers say, before the body is read. Raises Unsigned."""
    return signatures.read_headers(request.headers, now=request.app[SERVICES].clock())


async def call_of(request: web.Request, headers: Signed, body: bytes, purpose: str) -> SignedCall:
    """Return whose message this is. Raises Unsigned."""
    services = request.app[SERVICES]
    company, secret = await signing.signer(services.directory, headers, body, purpose=purpose)
    return SignedCall(
        services=services,
        company=company,
        message_id=headers.id,
        actor=f"hook:{secret.id}",
        now=services.clock(),
    )


@contextmanager
def refusals_counted(purpose: str) -> Iterator[None]:
    """Log and count what is refused inside."""
    try:
        yield
    except Problem as problem:
        _note(purpose, problem.kind)
        raise
    except errors.KleanError as error:
        refusal = problems.from_core(error)
        _note(purpose, refusal.kind)
        raise refusal from error


def _note(purpose: str, kind: Kind) -> None:
    metrics.HOOK_EVENTS.labels(hook=purpose, outcome=kind.name).inc()
    log.warning("hook refused", extra={"hook": purpose, "why": kind.name})
