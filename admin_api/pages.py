"""What is not JSON about people: the OpenAPI document, the readable pages, and the numbers for Prometheus.

Everything is rendered once per process, when the first API starts, and asks no other host for anything.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from importlib.resources import files

import prometheus_client
from aiohttp import web

from kleanxmpp import __version__, tokens

from .handlers.health import measure_sources
from .handlers.held import count_held
from .openapi.document import document
from .openapi.page import docs_page, problem_page
from .problem_kinds import KINDS, PREFIX
from .routes import OPERATIONS, TAGS
from .services import SERVICES

_POLICY = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_PAGE_HEADERS = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
_DOCS, _STYLE = "/api/docs", "/api/docs/style.css"

_Page = Callable[[web.Request], Awaitable[web.Response]]


def add_routes(app: web.Application) -> None:
    """Serve the document, the pages and the metrics."""
    for path, (text, content_type) in _fixed_pages(app[SERVICES].settings.public_url or "/").items():
        app.router.add_get(path, _fixed(text, content_type))
    app.router.add_get("/metrics", _metrics)


@cache
def _fixed_pages(url: str) -> Mapping[str, tuple[str, str]]:
    """Return text and content type of each path. `url` is where the API is served."""
    whole = document(OPERATIONS, version=__version__, tags=TAGS, scopes=tokens.SCOPES, url=url)
    problems = {PREFIX + kind.name: problem_page(kind, style=_STYLE, docs=_DOCS) for kind in KINDS.values()}
    return {
        "/api/openapi.json": (json.dumps(whole, ensure_ascii=False), "application/json"),
        _DOCS: (docs_page(whole, style=_STYLE), "text/html"),
        _STYLE: (files(__package__).joinpath("openapi", "style.css").read_text(), "text/css"),
        **{path: (page, "text/html") for path, page in problems.items()},
    }


def _fixed(text: str, content_type: str) -> _Page:
    async def serve(_request: web.Request) -> web.Response:
        return web.Response(text=text, content_type=content_type, charset="utf-8", headers=_PAGE_HEADERS)

    return serve


async def _metrics(request: web.Request) -> web.Response:
    await count_held(request.app[SERVICES])
    await measure_sources(request.app[SERVICES])
    return web.Response(
        body=prometheus_client.generate_latest(), headers={"Content-Type": prometheus_client.CONTENT_TYPE_LATEST}
    )
