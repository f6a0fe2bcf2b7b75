"""Errors on their way out, in SCIM's own form (RFC 7644 section 3.12). What a driver said never is in it."""

from collections.abc import Mapping
from http import HTTPStatus

from scim2_models import (
    ConflictException,
    Error,
    InvalidValueException,
    NotFoundException,
    PreconditionFailedException,
    SCIMException,
    UniquenessException,
)
from scim2_server.responses import ScimResponse

from kleanxmpp import errors
from kleanxmpp.scim_people import Waits

from ..problems import Problem, from_core, log_unexpected


def refusal(error: Exception) -> SCIMException | None:
    """Return what an error of the core, or a refusal of the API, is to a SCIM client; None: it is a defect."""
    match error:
        case SCIMException():
            return error
        case Waits() | errors.Conflict(field="remove"):
            return ConflictException(detail=str(error))
        case errors.NotFound():
            return NotFoundException(detail=str(error))
        case errors.Stale():
            return PreconditionFailedException()
        case errors.Conflict():
            return UniquenessException(detail=str(error))
        case errors.Invalid():
            return InvalidValueException(detail=str(error))
        case Problem():
            return _plain(error.kind.status, error.detail or error.kind.meaning)
        case errors.DirectoryUnavailable():
            problem = from_core(error)
            return _plain(problem.kind.status, problem.kind.meaning)
        case _:
            return None


def error_of(error: Exception) -> Error:
    """Return SCIM's error for any exception. A defect is logged and tells nothing."""
    found = refusal(error)
    if found is None:
        log_unexpected(error)
        return Error(status=500, detail="Something went wrong here. It was logged.")
    return found.to_error()


def answer(error: Exception) -> ScimResponse:
    """Return the answer of an exception, with the headers that belong to it."""
    found = error_of(error)
    return ScimResponse(HTTPStatus(found.status or 500), found.model_dump(), dict(headers_of(error)))


def headers_of(error: Exception) -> Mapping[str, str]:
    """Return the headers that belong to an error: when to come back, how to log in."""
    if isinstance(error, errors.DirectoryUnavailable):
        return from_core(error).headers
    return error.headers if isinstance(error, Problem) else {}


def _plain(status: int, detail: str) -> SCIMException:
    return SCIMException.from_error(Error(status=status, detail=detail))
