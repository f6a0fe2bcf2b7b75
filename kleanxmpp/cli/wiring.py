"""Where the parts meet: the directory in the middle, the component and the admin API on either side of it.

The only module that knows them all. Everything is opened top-down in one stack and closed in reverse.
"""

import asyncio
import gc
import logging
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from aiohttp import web

from admin_api.app import create_app, make_runner
from admin_api.oidc.settings import ProviderSettings
from admin_api.settings import ApiSettings
from admin_api.webhook_sender import HttpSender
from component.app import ComponentSettings, open_component
from component.handlers.askers import Questions
from component.handlers.assistant import assistant_handlers
from component.handlers.upload import Upload
from kleanxmpp import counting, destinations, errors, file_keeping, logs
from kleanxmpp.cli.doctor import open_doctor
from kleanxmpp.cli.shell import limits
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.deliveries import Deliverer
from kleanxmpp.deliveries import Pace as DeliveryPace
from kleanxmpp.disk_store import DiskStore
from kleanxmpp.doctor import rounds
from kleanxmpp.doctor.run import Doctor
from kleanxmpp.file_ports import FileStore
from kleanxmpp.ports import Directory, Server
from kleanxmpp.provider_sign_ins import Matches
from kleanxmpp.reconcile import Pace, Reconciler
from kleanxmpp.scopes import Worker
from kleanxmpp.settings import Settings, check_for_serving
from kleanxmpp.steps import Steps

log = logging.getLogger(__name__)

Only = Literal["component", "api"]

_POLL_SECONDS = 0.2
_COUNT_EVERY = 60.0
"""Between two looks for changes by other processes on SQLite, such as an off-boarding from the shell (microseconds)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What runs. `reconciler` None: only the API; `api_url` None: only the component."""

    directory: Directory
    reconciler: Reconciler | None
    api_url: str | None


def serve(settings: Settings, *, only: Only | None = None) -> None:
    """Run until SIGTERM or Ctrl-C."""
    logs.set_up(level=settings.log.level, as_json=settings.log.format == "json")
    asyncio.run(_serve(settings, only=only))


async def _serve(settings: Settings, *, only: Only | None) -> None:
    async with open_service(settings, only=only) as service:
        gc.collect()
        gc.freeze()  # what is there now stays: looking through it again and again would hold everything up (100 ms)
        log.info("running", extra={"api": service.api_url, "only": only})
        await until_stopped()
        log.info("stopping")


async def until_stopped() -> None:
    """Return on SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()


@asynccontextmanager
async def open_service(settings: Settings, *, only: Only | None = None) -> AsyncIterator[Service]:
    """Open the directory and the roles that `only` leaves. Raises Invalid if something is not set or missing."""
    async with AsyncExitStack() as stack:
        directory = await _open_directory(settings, stack)
        server: Server | None = None
        reconciler: Reconciler | None = None
        doctor: Doctor | None = None
        if only != "api":
            check_for_serving(settings)
            domains = await _domains(directory)
            server, reconciler = await _open_component(settings, directory, domains, stack)
            doctor = await stack.enter_async_context(open_doctor(settings, directory))
            await _count_days(directory, server, stack)
            await _examine_unasked(directory, doctor, every=settings.doctor.every, stack=stack)
        api_url = None
        if only != "component":
            api_url = await _open_api(settings, directory, server, reconciler, doctor, stack)
        yield Service(directory=directory, reconciler=reconciler, api_url=api_url)


async def _open_directory(settings: Settings, stack: AsyncExitStack) -> SqlDirectory:
    database = settings.database
    url = database.url.get_secret_value()
    directory = SqlDirectory(url, lock_timeout=database.lock_timeout, poll=_POLL_SECONDS)
    stack.push_async_callback(directory.close)
    await directory.check()
    return directory


async def _domains(directory: Directory) -> tuple[str, ...]:
    async with directory.read() as tx:
        domains = tuple(company.domain for company in await tx.companies())
    if not domains:
        raise errors.Invalid("There is no company yet. Add one: kleanxmpp company add DOMAIN NAME")
    return domains


async def _open_component(
    settings: Settings, directory: Directory, domains: tuple[str, ...], stack: AsyncExitStack
) -> tuple[Server, Reconciler]:
    chosen = component_settings(settings, domains=domains)
    handlers = [*assistant_handlers(directory, addresses=chosen.addresses)]
    if settings.files.public_url is not None:
        questions = Questions(directory=directory, addresses=chosen.addresses)
        handlers.append(Upload(questions, files_url=f"{settings.files.public_url}/files"))
    component = await stack.enter_async_context(open_component(chosen, handlers=handlers))
    steps = Steps(
        directory=directory,
        server=component.server,
        rooms_prefix=settings.server.rooms_prefix,
        files=DiskStore(settings.files.folder),
    )
    pace = Pace(
        workers=settings.reconcile.workers,
        sweep_interval=settings.reconcile.sweep_interval,
        retry_min=settings.reconcile.retry_min,
        retry_max=settings.reconcile.retry_max,
        share=settings.reconcile.share,
        floor=settings.reconcile.floor,
    )
    reconciler = Reconciler(
        directory=directory,
        server=component.server,
        worker=Worker(steps=steps),
        pace=pace,
        limits=limits(settings),
    )
    component.connection.on_ready(reconciler.look_around)
    tasks = await stack.enter_async_context(asyncio.TaskGroup())
    running = tasks.create_task(reconciler.run())
    stack.callback(running.cancel)
    return component.server, reconciler


def component_settings(settings: Settings, *, domains: tuple[str, ...]) -> ComponentSettings:
    """Return what the component has to know."""
    server = settings.server
    return ComponentSettings(
        domains=domains,
        component_secret=server.component_secret.get_secret_value(),
        api_url=server.api_url,
        api_user=server.api_user,
        api_password=server.api_password.get_secret_value(),
        component_host=server.component_host,
        component_port=server.component_port,
        component_prefix=server.component_prefix,
        rooms_prefix=server.rooms_prefix,
        api_timeout=server.api_timeout,
        api_concurrency=server.api_concurrency,
    )


def providers(settings: Settings) -> dict[str, ProviderSettings]:
    """Return what is known of the companies' identity providers, by domain."""
    return {
        domain: ProviderSettings(
            issuer=chosen.issuer,
            client_id=chosen.client_id,
            client_secret=chosen.client_secret.get_secret_value() if chosen.client_secret else None,
            scopes=chosen.scopes,
            claim=chosen.claim,
            matches=Matches(chosen.matches),
            labels={language: label for language, label in (("de", chosen.label_de), ("en", chosen.label_en)) if label},
            ca_file=chosen.ca_file,
        )
        for domain, chosen in settings.oidc.items()
    }


async def _examine_unasked(directory: Directory, doctor: Doctor, *, every: float, stack: AsyncExitStack) -> None:
    if every:
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        going = tasks.create_task(rounds.go_round(directory, doctor, every=every))
        stack.callback(going.cancel)


async def _count_days(directory: Directory, server: Server, stack: AsyncExitStack) -> None:
    tasks = await stack.enter_async_context(asyncio.TaskGroup())
    going = tasks.create_task(counting.count_for_ever(directory, server, every=_COUNT_EVERY))
    stack.callback(going.cancel)


async def _keep_tidy(directory: Directory, store: FileStore, *, every: float, stack: AsyncExitStack) -> None:
    tasks = await stack.enter_async_context(asyncio.TaskGroup())
    tidying = tasks.create_task(file_keeping.tidy_for_ever(directory, store, every=every))
    stack.callback(tidying.cancel)


def make_sender(settings: Settings) -> HttpSender:
    """Return what sends to webhooks. Raises Invalid for an authority that cannot be read."""
    chosen = settings.webhooks
    allowed = destinations.allowed_of(chosen.allow_private)
    return HttpSender(allowed=allowed, timeout=chosen.timeout, ca_file=chosen.ca_file)


async def _deliver_events(settings: Settings, directory: Directory, sender: HttpSender, stack: AsyncExitStack) -> None:
    chosen = settings.webhooks
    pace = DeliveryPace(
        claim=timedelta(seconds=60 + 5 * chosen.timeout),
        give_up_after=timedelta(seconds=chosen.disable_after),
        overdue_after=timedelta(seconds=chosen.overdue_after),
        keep=timedelta(seconds=chosen.keep),
    )
    deliverer = Deliverer(directory=directory, sender=sender, rooms_prefix=settings.server.rooms_prefix, pace=pace)
    tasks = await stack.enter_async_context(asyncio.TaskGroup())
    delivering = tasks.create_task(deliverer.run())
    stack.callback(delivering.cancel)


def _chat_tls(settings: Settings) -> ssl.SSLContext:
    file = settings.website.ca_file or settings.doctor.ca_file
    try:
        return ssl.create_default_context(cafile=file)
    except OSError as error:
        raise errors.Invalid(f"{file} cannot be read as an authority: {error}", field="website.ca_file") from error


async def _open_api(
    settings: Settings,
    directory: Directory,
    server: Server | None,
    reconciler: Reconciler | None,
    doctor: Doctor | None,
    stack: AsyncExitStack,
) -> str:
    chosen = ApiSettings(
        xmpp_host=settings.client.xmpp_host,
        xmpp_port=settings.client.xmpp_port,
        websocket_url=settings.client.websocket_url,
        rooms_prefix=settings.server.rooms_prefix,
        component_prefix=settings.server.component_prefix,
        max_body_bytes=settings.api.max_body_bytes,
        public_url=settings.api.public_url,
        web_origin=settings.files.web_origin,
        limits=limits(settings),
        requests_per_second=settings.api.requests_per_second,
        requests_burst=settings.api.requests_burst,
        webhooks_may_go_to=destinations.allowed_of(settings.webhooks.allow_private),
        scim_lenient=settings.scim.lenient,
        website_folder=settings.website.folder,
        overdue_after=timedelta(seconds=settings.webhooks.overdue_after),
        trusted_proxies=destinations.allowed_of(settings.api.trusted_proxies),
        sign_in_at=providers(settings),
        chat_socket=settings.website.websocket_url or settings.client.websocket_url,
        chat_tls=_chat_tls(settings),
        files_url=settings.files.public_url,
        embed_origins=settings.website.embed_origins,
    )
    store = DiskStore(settings.files.folder)
    sender = make_sender(settings)
    app = create_app(
        directory=directory,
        server=server,
        settings=chosen,
        reconciler=reconciler,
        clock=lambda: datetime.now(UTC),
        files=store,
        doctor=doctor,
        sender=sender,
    )
    await _deliver_events(settings, directory, sender, stack)
    await _keep_tidy(directory, store, every=settings.files.tidy_interval, stack=stack)
    runner = make_runner(app)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    address = f"{settings.api.host}:{settings.api.port}"
    try:
        await web.TCPSite(runner, settings.api.host, settings.api.port).start()
    except OSError as error:
        raise errors.Invalid(
            f"The admin API cannot listen at api.host:api.port = {address}: {error.strerror}"
        ) from error
    return settings.api.public_url or f"http://{address}"
