"""Files on their way in and out (XEP-0363): the only routes that need no token of the API, because the link is one.

A link's token stands in the address and nowhere else: what is logged and counted is the route's template. Whatever the
reason is that a link leads nowhere, the answer is the same. What is handed out can neither run in a browser nor be
taken for something else: see `_headers`.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote

from aiohttp import web

from kleanxmpp import errors, files, media_types
from kleanxmpp.file_ports import File, FileStore

from . import problem_kinds as kinds
from . import problems
from .problems import Problem
from .services import SERVICES, Services

_PATH = "/files/{token}/{name}"
_CHUNK = 64 * 1024
_METHODS = "GET, HEAD, PUT"


def add_routes(app: web.Application, store: FileStore) -> None:
    """Take files in and hand them out."""

    async def put(request: web.Request) -> web.StreamResponse:
        return await _put(request, store)

    async def get(request: web.Request) -> web.StreamResponse:
        return await _get(request, store)

    resource = app.router.add_resource(_PATH)
    for method, handler in (("PUT", put), ("GET", get), ("HEAD", get), ("OPTIONS", _options)):
        resource.add_route(method, handler)
    app.on_response_prepare.append(_let_the_web_chat_read)


async def _put(request: web.Request, store: FileStore) -> web.Response:
    services = request.app[SERVICES]
    if request.content_length is None:
        raise web.HTTPLengthRequired
    if "Content-Encoding" in request.headers:
        raise problems.invalid("Content-Encoding", "A file is uploaded as it is.")
    given = request.headers.get("Content-Type", "")
    sent = files.Sent(
        token=request.match_info["token"],
        size=request.content_length,
        media_type=media_types.plain(given) or given,
    )
    try:
        async with asyncio.timeout(files.DONE_WITHIN.total_seconds()):
            await files.receive(services.directory, store, sent, _chunks(request, services), clock=services.clock)
    except (TimeoutError, web.RequestPayloadError, ConnectionError) as error:
        raise Problem(kind=kinds.TIMEOUT, headers={"Connection": "close"}) from error
    return web.Response(status=201)


async def _chunks(request: web.Request, services: Services) -> AsyncIterator[bytes]:
    while True:
        async with asyncio.timeout(services.settings.body_seconds):
            chunk = await request.content.read(_CHUNK)
        if not chunk:
            return
        yield chunk


async def _get(request: web.Request, store: FileStore) -> web.StreamResponse:
    services = request.app[SERVICES]
    try:
        file = await files.linked(services.directory, request.match_info["token"], now=services.clock())
    except errors.NotFound as error:
        raise Problem(kind=kinds.NOT_FOUND) from error
    path = await store.path(file.id)
    if path is None:
        raise Problem(kind=kinds.NOT_FOUND)
    return web.FileResponse(path, headers=_headers(file, services))


def _headers(file: File, services: Services) -> Mapping[str, str]:
    """Return what keeps a file from doing harm, and its erasure from coming late: nobody keeps it for long."""
    place = "inline" if file.media_type in media_types.SHOWN else "attachment"
    return {
        "Content-Type": file.media_type,
        "Content-Disposition": f"{place}; filename*=UTF-8''{quote(file.name, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "cross-origin" if services.settings.web_origin else "same-origin",
        "Cache-Control": "private, max-age=300",
    }


async def _options(request: web.Request) -> web.Response:
    """Answer what a browser asks before it uploads for the web chat."""
    return web.Response(
        status=204,
        headers={
            "Allow": f"{_METHODS}, OPTIONS",
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Allow-Headers": "Content-Type",
            "Access-Control-Max-Age": "600",
        },
    )


async def _let_the_web_chat_read(request: web.Request, response: web.StreamResponse) -> None:
    resource = request.match_info.route.resource
    if resource is None or resource.canonical != _PATH:
        return
    origin = request.app[SERVICES].settings.web_origin
    response.headers["Vary"] = "Origin"
    if origin is not None and request.headers.get("Origin") == origin:
        response.headers["Access-Control-Allow-Origin"] = origin
