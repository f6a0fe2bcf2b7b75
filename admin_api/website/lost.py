"""An address that nobody serves: a browser that wants a page gets one. Everybody else gets the API's answer."""

from aiohttp import web
from aiohttp.typedefs import Handler

from kleanxmpp import errors

from .binding import page
from .visits import Visit


@web.middleware
async def show_the_way(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a browser with a page in its language."""
    try:
        return await handler(request)
    except web.HTTPNotFound:
        if request.method != "GET" or "text/html" not in request.headers.get("Accept", ""):
            raise
        return await _nothing_here(request)


async def _refuse(_visit: Visit) -> web.StreamResponse:
    raise errors.NotFound


_nothing_here = page(_refuse, public=True)
