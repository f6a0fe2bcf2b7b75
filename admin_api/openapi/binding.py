"""From an HTTP request to a handler's arguments, and from its answer to an HTTP response.

The order of checks is part of the promise: who (401), where and whether (403, 404), what (4xx), and only then the
use case. Nothing is changed before everything was checked.
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError

from .. import answers, auth, idempotency, problems, signed, uploads
from .. import problem_kinds as kinds
from ..answers import JSON, Answer
from ..problems import Problem
from ..schemas.types import ID_PATTERN, Id
from ..services import SERVICES, TOKEN_ID, Call, Services
from .operation import Operation

_ID = re.compile(ID_PATTERN)
_TAKEN = frozenset({"application/json", "application/merge-patch+json"})

WebHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def bound(operation: Operation) -> WebHandler:
    """Return the aiohttp handler that serves an operation."""
    if operation.signed is not None:
        return _signed(operation, operation.signed)
    adapters = {name: TypeAdapter[Any](operation.hints[name]) for name in operation.path_names}

    async def serve(request: web.Request) -> web.StreamResponse:
        services = request.app[SERVICES]
        subject = services if operation.scope is None else await _call(services, request, operation.scope)
        arguments = _path_arguments(request, operation, adapters)
        if operation.query is not None:
            arguments["query"] = _query(request, operation.query)
        if operation.body is not None:
            arguments["body"] = await _body(request, operation.body, optional=operation.body_optional)
        if operation.takes_upload:
            arguments["upload"] = await uploads.read(request)

        async def run() -> Answer:
            return await operation.handler(subject, **arguments)

        key = request.headers.get(idempotency.HEADER)
        if operation.repeatable and key is not None and isinstance(subject, Call):
            fingerprint = _fingerprint(request, subject, arguments)
            return await idempotency.once(subject, key=key, fingerprint=fingerprint, run=run)
        return answers.whole(await run(), media_type=operation.media_type)

    serve.__name__ = operation.name
    return serve


def _signed(operation: Operation, purpose: str) -> WebHandler:
    model = operation.body
    assert model is not None  # a message without a body says nothing

    async def serve(request: web.Request) -> web.StreamResponse:
        with signed.refusals_counted(purpose):
            headers = signed.headers_of(request)
            call = await signed.call_of(request, headers, raw := await _raw(request, most=signed.MOST_BYTES), purpose)
            return answers.whole(await operation.handler(call, body=_parsed(request, raw, model)), media_type=JSON)

    serve.__name__ = operation.name
    return serve


async def _call(services: Services, request: web.Request, scope: str) -> Call:
    token = await auth.token_of(services, request.headers)
    request[TOKEN_ID] = token.id
    company = await auth.company_of(services, token, request.headers)
    auth.require(token, scope)
    return Call(services=services, company=company, token=token, headers=request.headers, now=services.clock())


def _path_arguments(
    request: web.Request, operation: Operation, adapters: dict[str, TypeAdapter[Any]]
) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for name, adapter in adapters.items():
        text = request.match_info[name]
        if operation.hints[name] is Id and not _ID.fullmatch(text):
            raise Problem(kind=kinds.NOT_FOUND)
        try:
            arguments[name] = adapter.validate_python(text)
        except ValidationError as error:
            raise _renamed(problems.from_validation(error), name) from None
    return arguments


def _renamed(problem: Problem, name: str) -> Problem:
    problem.errors = tuple(line.model_copy(update={"field": name}) for line in problem.errors)
    return problem


def _query(request: web.Request, model: type[BaseModel]) -> BaseModel:
    given: dict[str, str] = {}
    for name, value in request.query.items():
        if name in given:
            raise problems.invalid(name[:100], "The parameter is given more than once.")
        given[name] = value
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise problems.from_validation(error) from None


async def _body(request: web.Request, model: type[BaseModel], *, optional: bool) -> BaseModel:
    raw = await _raw(request)
    return model() if not raw and optional else _parsed(request, raw, model)


async def _raw(request: web.Request, *, most: int | None = None) -> bytes:
    if most is not None and (request.content_length or 0) > most:
        raise Problem(kind=kinds.TOO_LARGE, headers={"Connection": "close"})
    try:
        async with asyncio.timeout(request.app[SERVICES].settings.body_seconds):
            raw = await request.read()
    except TimeoutError as error:
        raise Problem(kind=kinds.TIMEOUT, headers={"Connection": "close"}) from error
    except web.HTTPRequestEntityTooLarge as error:
        raise Problem(kind=kinds.TOO_LARGE) from error
    if most is not None and len(raw) > most:
        raise Problem(kind=kinds.TOO_LARGE)
    return raw


def _parsed(request: web.Request, raw: bytes, model: type[BaseModel]) -> BaseModel:
    if request.content_type not in _TAKEN:
        raise Problem(kind=kinds.MEDIA_TYPE)
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise problems.from_validation(error) from None


def _fingerprint(request: web.Request, call: Call, arguments: dict[str, Any]) -> str:
    body = arguments.get("body")
    parts = (request.method, request.rel_url.raw_path, call.company.id, body.model_dump_json() if body else "")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
