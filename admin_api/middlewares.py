"""What happens to every request: it is timed, counted and logged in one line, and its answer gets safe headers.

The line holds the route's template, never the address: ids and names in addresses are personal data.
"""

import logging
import time

from aiohttp import web
from aiohttp.typedefs import Handler

from . import metrics
from .services import TOKEN_ID

log = logging.getLogger(__name__)

SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""The content security policy of answers that are data."""


@web.middleware
async def request_line(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Log and count the request when it is answered. Outermost, so it sees the answer that goes out."""
    began = time.perf_counter()
    response = await handler(request)
    seconds = time.perf_counter() - began
    route = template(request)
    method = request.method if request.method in _METHODS else "OTHER"
    metrics.REQUESTS.labels(method=method, route=route, status=str(response.status)).inc()
    if not isinstance(response, web.WebSocketResponse):  # how long somebody chats says nothing about how fast we are
        metrics.REQUEST_SECONDS.labels(method=method, route=route).observe(seconds)
    log.info(
        "request answered",
        extra={
            "method": method,
            "route": route,
            "status": response.status,
            "milliseconds": round(seconds * 1000, 1),
            "token": request.get(TOKEN_ID),
        },
    )
    return response


async def add_safe_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Forbid browsers to guess, to frame and to keep what is answered. Pages and files may bring their own policy."""
    for name, value in SAFE_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", NOTHING)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Server"] = "kleanxmpp"


def template(request: web.Request) -> str:
    """Return the route's template; one word for everything that is no route."""
    resource = request.match_info.route.resource
    return "unknown" if resource is None else resource.canonical


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
