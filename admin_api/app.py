"""Wiring of the API: one function builds it from its parts; nothing here opens or owns a database or a server."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from kleanxmpp import errors
from kleanxmpp.event_ports import Sender
from kleanxmpp.file_ports import FileStore
from kleanxmpp.ports import Directory, Server

from . import links, middlewares, pages, problems
from .httplog import quiet_http_log
from .openapi.binding import bound
from .rates import Rates
from .routes import OPERATIONS
from .scim import mount as scim
from .services import SERVICES, Doctor, Reconciler, Services
from .settings import ApiSettings
from .website import mount as website

log = logging.getLogger(__name__)

_ENDED_LONG_AGO = timedelta(hours=1)
_LONGEST_LINE = 32_768  # the longest cursor, and a username of 1023 letters that are percent-encoded


def create_app(
    *,
    directory: Directory,
    server: Server | None,
    settings: ApiSettings,
    reconciler: Reconciler | None,
    clock: Callable[[], datetime],
    files: FileStore | None = None,
    doctor: Doctor | None = None,
    sender: Sender | None = None,
) -> web.Application:
    """Build the API. `clock` answers with a time zone. `server` None: this process runs only the API.

    `files` None: it neither takes nor hands out files. `sender` None: it tries no webhook.
    """
    app = web.Application(
        client_max_size=settings.max_body_bytes, middlewares=[middlewares.request_line, problems.problem_middleware]
    )
    app[SERVICES] = Services(
        directory=directory,
        server=server,
        settings=settings,
        reconciler=reconciler,
        files=files,
        doctor=doctor,
        sender=sender,
        clock=clock,
        rates=Rates(per_second=settings.requests_per_second, burst=settings.requests_burst),
    )
    app.on_response_prepare.append(middlewares.add_safe_headers)
    app.on_shutdown.append(_stop_waiting)
    app.on_cleanup.append(_stop_errands)
    app.cleanup_ctx.append(_forgetting)
    for operation in OPERATIONS:
        resource = app.router.add_resource(operation.path)
        resource.add_route(operation.method, bound(operation))
        if operation.reads:
            resource.add_route("HEAD", bound(operation))
    pages.add_routes(app)
    scim.add_routes(app)
    website.add_routes(app, vendor=settings.website_folder)
    if files is not None:
        links.add_routes(app, files)
    return app


def make_runner(app: web.Application) -> web.AppRunner:
    """Return the runner to serve the API with. See `serving_options`."""
    return web.AppRunner(app, shutdown_timeout=5, **serving_options(app[SERVICES].settings))


def serving_options(settings: ApiSettings) -> dict[str, Any]:
    """Return the options of aiohttp's server: no log of raw addresses, and no patience for slow senders."""
    return {
        "access_log": None,
        "keepalive_timeout": settings.header_seconds,  # also the time for the first request's head to arrive
        "lingering_time": min(2.0, settings.body_seconds),
        "logger": quiet_http_log(),
        "max_line_size": _LONGEST_LINE,
    }


async def _stop_waiting(app: web.Application) -> None:
    app[SERVICES].stopping.set()


async def _stop_errands(app: web.Application) -> None:
    await app[SERVICES].errands.stop()


async def _forgetting(app: web.Application) -> AsyncIterator[None]:
    """Forget answers that were kept for repeated requests, once they are too old."""
    task = asyncio.create_task(_forget_old_answers(app[SERVICES]))
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _forget_old_answers(services: Services) -> None:
    settings = services.settings
    while True:
        try:
            async with services.directory.write() as tx:
                now = services.clock()
                await tx.forget_remembered(before=now - settings.remembered_for)
                await tx.forget_web_access(before=now - _ENDED_LONG_AGO, attempts_before=now - _ENDED_LONG_AGO)
        except errors.DirectoryUnavailable:
            log.warning("directory unavailable, old answers are forgotten later")
        await asyncio.sleep(settings.purge_seconds)
