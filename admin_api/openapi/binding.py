"""From an HTTP request to a handler's arguments, and from its answer to an HTTP response.

The order of checks is part of the promise: who (401), where and whether (403, 404), what (4xx), and only then the
use case. Nothing is changed before everything was checked.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ValidationError

from kleanxmpp import photos

from .. import answers, auth, idempotency, problems, signed, uploads
from .. import problem_kinds as kinds
from ..addresses import address_of
from ..answers import JSON, Answer
from ..problems import Problem
from ..services import SERVICES, TOKEN_ID, Call, Services
from . import dry_run
from .arguments import body_of, path_arguments
from .operation import ANY_TOKEN, Operation

_TAKEN = frozenset({"application/json", "application/merge-patch+json"})

WebHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def bound(operation: Operation) -> WebHandler:
    """Return the aiohttp handler that serves an operation."""
    if operation.signed is not None:
        return _signed(operation, operation.signed)

    async def serve(request: web.Request) -> web.StreamResponse:
        services = request.app[SERVICES]
        subject = services if operation.scope is None else await _call(services, request, operation.scope)
        arguments = path_arguments(operation, request.match_info)
        trying = dry_run.is_asked_for(operation, request.query.getall(dry_run.PARAMETER, []))
        if operation.query is not None:
            own = {dry_run.PARAMETER} if operation.can_be_tried else set()
            arguments["query"] = _query(request, operation.query, own=own)
        if operation.body is not None:
            arguments["body"] = await _body(request, operation.body, optional=operation.body_optional)
        if operation.takes_upload:
            arguments["upload"] = await uploads.read(request)
        if operation.takes_picture:
            arguments["picture"] = await uploads.read_picture(request, most=photos.MOST_BYTES)

        async def run(subject: Call | Services = subject) -> Answer:
            return await operation.handler(subject, **arguments)

        if trying and isinstance(subject, Call):
            return answers.whole(await dry_run.tried(subject, run), media_type=answers.JSON)
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
        dry_run.is_asked_for(operation, request.query.getall(dry_run.PARAMETER, []))  # refuses: nobody's to try
        with signed.refusals_counted(purpose):
            headers = signed.headers_of(request)
            call = await signed.call_of(request, headers, raw := await _raw(request, most=signed.MOST_BYTES), purpose)
            return answers.whole(await operation.handler(call, body=_parsed(request, raw, model)), media_type=JSON)

    serve.__name__ = operation.name
    return serve


async def _call(services: Services, request: web.Request, scope: str) -> Call:
    token = await auth.token_of(services, request.headers, address=address_of(request))
    request[TOKEN_ID] = token.id
    company = await auth.company_of(services, token, request.headers)
    if scope != ANY_TOKEN:
        auth.require(token, scope)
    return Call(services=services, company=company, token=token, headers=request.headers, now=services.clock())


def _query(request: web.Request, model: type[BaseModel], *, own: Collection[str]) -> BaseModel:
    given: dict[str, str] = {}
    for name, value in request.query.items():
        if name in own:
            continue
        if name in given:
            raise problems.invalid(name[:100], "The parameter is given more than once.")
        given[name] = value
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise problems.from_validation(error) from None


async def _body(request: web.Request, model: type[BaseModel], *, optional: bool) -> BaseModel:
    raw = await _raw(request)
    return body_of(model, b"{}") if not raw and optional else _parsed(request, raw, model)


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
    return body_of(model, raw)


def _fingerprint(request: web.Request, call: Call, arguments: dict[str, Any]) -> str:
    body = arguments.get("body")
    parts = (request.method, request.rel_url.raw_path, call.company.id, body.model_dump_json() if body else "")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
