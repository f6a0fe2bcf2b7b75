"""Errors on their way out, as problem documents (RFC 9457). The one place that translates the core's errors.

Messages of the core's refusals are written for people and are passed on; what the database or the XMPP server said
never is: it may hold addresses, and it helps nobody outside.
"""

import logging
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import ValidationError

from kleanxmpp import errors
from kleanxmpp.signatures import Unsigned

from . import problem_kinds as kinds
from .problem_kinds import Kind
from .schemas.problem import BulkProblemView, FieldError, OperationResult, ProblemView

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_SIGNED = {"WWW-Authenticate": 'Webhook-Signature realm="kleanxmpp"'}
_RETRY = {"Retry-After": "5"}
_MOST_ERRORS = 20
_LONGEST_NAME = 100
_HTTP = {
    404: kinds.NOT_FOUND,
    405: kinds.METHOD_NOT_ALLOWED,
    408: kinds.TIMEOUT,
    413: kinds.TOO_LARGE,
    415: kinds.MEDIA_TYPE,
}


@dataclass(kw_only=True, eq=False)
class Problem(Exception):
    """A refusal that a handler raises. `detail` None: the kind's own meaning. `results` are those of a bulk request."""

    kind: Kind
    detail: str | None = None
    errors: tuple[FieldError, ...] = ()
    id: str | None = None
    results: tuple[OperationResult, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


def invalid(name: str, message: str) -> Problem:
    """Return the refusal of one field, parameter or header."""
    return Problem(kind=kinds.INVALID, errors=(FieldError(field=name, message=message),))


def from_validation(error: ValidationError) -> Problem:
    """Return what pydantic found, field by field, without the values."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if any(one["type"] == "json_invalid" for one in found):
        return Problem(kind=kinds.MALFORMED)
    lines = tuple(FieldError(field=_field_name(one["loc"]), message=_message(one)) for one in found[:_MOST_ERRORS])
    return Problem(kind=kinds.INVALID, errors=lines)


def from_core(error: errors.KleanError) -> Problem:
    """Return what an error of the core is to the caller."""
    match error:
        case Unsigned():
            return Problem(kind=kinds.UNSIGNED, detail=str(error), headers=_SIGNED)
        case errors.Repeated():
            return Problem(kind=kinds.MESSAGE_REPEATED)
        case errors.Forbidden():
            return Problem(kind=kinds.UPLOAD_REFUSED)
        case errors.NotFound():
            return Problem(kind=kinds.NOT_FOUND, detail=str(error))
        case errors.Stale():
            return Problem(kind=kinds.STALE)
        case errors.Conflict(field=name):
            return Problem(kind=kinds.CONFLICT, detail=str(error), errors=_named(name, error))
        case errors.Invalid(field=name):
            return Problem(kind=kinds.INVALID, detail=str(error), errors=_named(name, error))
        case errors.UnsafePlan():
            return Problem(kind=kinds.UNSAFE_PLAN, detail=str(error))
        case errors.NotInstalled():
            return Problem(kind=kinds.NOT_INSTALLED, detail=str(error))
        case errors.DirectoryUnavailable():
            return Problem(kind=kinds.UNAVAILABLE, headers=_RETRY)
        case errors.StoreUnavailable():
            return Problem(kind=kinds.STORE_UNAVAILABLE, headers=_RETRY)
        case errors.ServerError():
            return Problem(kind=kinds.SERVER_UNREACHABLE, headers=_RETRY)
        case _:
            log_unexpected(error)
            return Problem(kind=kinds.INTERNAL)


def render(problem: Problem) -> web.Response:
    """Return the answer that tells a problem."""
    body = view(problem).model_dump_json(exclude_none=True)
    return web.Response(status=problem.kind.status, text=body, content_type=MEDIA_TYPE, headers=dict(problem.headers))


def view(problem: Problem) -> ProblemView:
    """Return the problem as it is shown."""
    kind = problem.kind
    plain = ProblemView(
        type=kind.uri,
        title=kind.title,
        status=kind.status,
        detail=problem.detail or kind.meaning,
        errors=list(problem.errors) or None,
        id=problem.id,
    )
    return BulkProblemView(**dict(plain), results=list(problem.results)) if problem.results else plain


@web.middleware
async def problem_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error as a problem document."""
    try:
        return await handler(request)
    except Problem as problem:
        return render(problem)
    except errors.KleanError as error:
        return render(from_core(error))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _from_http(error)
    except Exception as error:  # the outermost border: a defect is answered and logged, and takes nothing down
        log_unexpected(error)
        return render(Problem(kind=kinds.INTERNAL))


def log_unexpected(error: BaseException) -> None:
    """Log where an error came from. Not what it says: messages of drivers quote values."""
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    log.error("unexpected error", extra={"kind": type(error).__name__, "where": where})


def _from_http(error: web.HTTPException) -> web.Response:
    kept = {name: error.headers[name] for name in ("Allow", "Retry-After") if name in error.headers}
    kind = _HTTP.get(error.status)
    if kind is not None:
        return render(Problem(kind=kind, headers=kept))
    plain = ProblemView(type="about:blank", title=error.reason, status=error.status)
    body = plain.model_dump_json(exclude_none=True)
    return web.Response(status=error.status, text=body, content_type=MEDIA_TYPE, headers=kept)


def _named(name: str | None, error: errors.KleanError) -> tuple[FieldError, ...]:
    return (FieldError(field=name, message=str(error)),) if name else ()


def _field_name(location: tuple[int | str, ...]) -> str:
    name = ".".join(str(part) for part in location) or "body"
    return "".join(c if c.isprintable() else "?" for c in name[:_LONGEST_NAME])


def _message(error: Mapping[str, object]) -> str:
    if error["type"] == "extra_forbidden":
        return "There is no field with this name here."
    return str(error["msg"])
