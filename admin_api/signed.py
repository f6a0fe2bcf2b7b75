"""Messages that are signed instead of carrying a token: whose they are, and what becomes of those that are refused.

What is refused is logged and counted by its kind alone: neither body nor secret nor anything about people.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from kleanxmpp import errors, metrics, signatures, signing
from kleanxmpp.signatures import Signed

from . import problem_kinds as kinds
from . import problems
from .addresses import address_of
from .problem_kinds import Kind
from .problems import Problem
from .services import SERVICES, SignedCall

log = logging.getLogger(__name__)

MOST_BYTES = 64 * 1024
"""In the body of one message, which is about one person."""


def headers_of(request: web.Request) -> Signed:
    """Return what the headers say, before the body is read.

    Raises Unsigned, and Problem (429) for an address that sent too much that was unsigned.
    """
    services = request.app[SERVICES]
    services.rates.admit_signed(address=address_of(request))
    with _counted_by_address(request):
        return signatures.read_headers(request.headers, now=services.clock())


async def call_of(request: web.Request, headers: Signed, body: bytes, purpose: str) -> SignedCall:
    """Return whose message this is. Raises Unsigned, and Problem (429) for a secret that is used too fast."""
    services = request.app[SERVICES]
    with _counted_by_address(request):
        company, secret = await signing.signer(services.directory, headers, body, purpose=purpose)
    services.rates.was_signed(secret_id=secret.id, address=address_of(request))
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


@contextmanager
def _counted_by_address(request: web.Request) -> Iterator[None]:
    try:
        yield
    except signatures.Unsigned:
        request.app[SERVICES].rates.was_unsigned(address=address_of(request))
        raise


def _note(purpose: str, kind: Kind) -> None:
    metrics.HOOK_EVENTS.labels(hook=purpose, outcome=kind.name).inc()
    if kind is kinds.TOO_FAST:
        return  # or whoever floods the hook floods the log
    log.warning("hook refused", extra={"hook": purpose, "why": kind.name})
