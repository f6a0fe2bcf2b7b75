"""Errors at the XMPP border, both directions, in this one place.

In: refused or unanswered IQs become the core's `Temporary` or `Permanent`, by what the stanza error says
about trying again. Out: core errors become the stanza error that an asking client sees. Only the
condition goes into a message, never the server's text or the stanza.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from slixmpp.exceptions import IqError, IqTimeout, XMPPError
from slixmpp.stanza.rootstanza import RootStanza

from kleanxmpp import errors

log = logging.getLogger(__name__)

Asked = TypeVar("Asked", bound=RootStanza)


class Missing(errors.Temporary):
    """What the change is about does not exist on the server (yet)."""


class StreamLost(errors.Temporary):
    """The component's stream to the XMPP server is not there."""


_TRY_AGAIN = frozenset(
    {
        "internal-server-error",
        "recipient-unavailable",
        "remote-server-not-found",
        "remote-server-timeout",
        "resource-constraint",
        "service-unavailable",
    }
)


def from_iq(error: IqError | IqTimeout, *, to: str) -> errors.ServerError:
    """Translate a refused or unanswered IQ that was sent `to` this address."""
    if isinstance(error, IqTimeout):
        return errors.Temporary(f"{to} did not answer in time.")
    if error.condition == "item-not-found":
        return Missing(f"{to} says: item-not-found.")
    if error.etype == "wait" or error.condition in _TRY_AGAIN:
        return errors.Temporary(f"{to} says: {error.condition}.")
    return errors.Permanent(f"{to} says: {error.condition}.")


def to_stanza(error: errors.KleanError) -> XMPPError:
    """Translate a core error into the stanza error for whoever asked."""
    match error:
        case errors.NotFound():
            return XMPPError("item-not-found", text=str(error))
        case errors.Conflict() | errors.Stale():
            return XMPPError("conflict", text=str(error))
        case errors.Invalid():
            return XMPPError("not-acceptable", text=str(error))
        case errors.UnsafePlan():
            return XMPPError("policy-violation", text=str(error))
        case errors.DirectoryUnavailable() | errors.Temporary():
            return XMPPError("resource-constraint", text=type(error).__doc__, etype="wait")
        case _:
            return XMPPError("service-unavailable", text=type(error).__doc__)


def answering(handler: Callable[[Asked], Awaitable[None]]) -> Callable[[Asked], Awaitable[None]]:
    """Wrap a coroutine handler so that whoever asked gets a stanza error for whatever it raises."""

    async def answer(stanza: Asked) -> None:
        try:
            await handler(stanza)
        except XMPPError as error:
            _reply(stanza, error)
        except errors.KleanError as error:
            _reply(stanza, to_stanza(error))
        except Exception:  # the outermost border: one broken question must not end the stream for everybody
            log.exception("A question could not be answered.", extra={"stanza": stanza.name})
            _reply(stanza, XMPPError("internal-server-error", text="The assistant could not do this."))

    return answer


def _reply(stanza: RootStanza, error: XMPPError) -> None:
    if stanza["type"] not in ("error", "result"):  # an error is never answered with an error (RFC 6120, 8.3.1)
        stanza.exception(error)  # type: ignore[no-untyped-call]  # slixmpp leaves it open
