"""SCIM in the API's application: whatever is asked under /scim/v2 is answered in SCIM's own form.

Who calls is asked before anything else is looked at: a token for SCIM may do nothing else, and no other token may this.
"""

import asyncio
import json
from datetime import datetime, timedelta

from aiohttp import web
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse

from kleanxmpp import tokens
from kleanxmpp.model import Company, Door
from kleanxmpp.scim_people import Source

from .. import auth
from .. import problem_kinds as kinds
from ..addresses import address_of
from ..problems import Problem
from ..services import SERVICES, TOKEN_ID, Services
from . import errors
from .handler import DirectoryHandler, DirectoryService
from .models import make_provider
from .storage import DirectoryStorage

PREFIX = "/scim/v2"
_NOTED_EVERY = timedelta(minutes=1)
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Scim:
    """Serves requests of identity providers. Remembers when it last noted that one was heard of."""

    def __init__(self, *, max_payload: int) -> None:
        self._service = DirectoryService(make_provider(max_payload=max_payload))
        self._noted: dict[str, datetime] = {}

    async def serve(self, request: web.Request) -> web.Response:
        """Answer a request, whatever it is."""
        try:
            answer = await self._answer(request)
        except Exception as error:  # the border of SCIM: every error is answered in its form, defects are logged
            answer = errors.answer(error)
        return _response(answer)

    async def _answer(self, request: web.Request) -> ScimResponse:
        services = request.app[SERVICES]
        source = await self._source(services, request)
        await self._note_contact(services, source.company, now=source.now)
        public = services.settings.public_url or f"{request.scheme}://{request.host}"
        asked = ScimRequest(
            method=request.method,
            base_url=public + PREFIX,
            path="/" + request.match_info.get("tail", ""),
            query=dict(request.query),
            headers=list(request.headers.items()),
            body=await _body(request, seconds=services.settings.body_seconds),
        )
        reads = request.method in _READING or asked.path.endswith("/.search")
        storage = DirectoryStorage(services.directory, source, reads=reads)
        try:
            return await DirectoryHandler(self._service, storage).handle(asked)
        except Exception as error:  # the library knows the headers of its own errors
            answer = self._service.error_response(error)
            answer.headers.update(errors.headers_of(error))
            return answer

    async def _source(self, services: Services, request: web.Request) -> Source:
        token = await auth.token_of(services, request.headers, address=address_of(request))
        request[TOKEN_ID] = token.id
        if tokens.SCIM not in token.scopes:
            raise Problem(kind=kinds.MISSING_SCOPE, detail="SCIM needs a token with the scope scim.")
        company = await auth.company_of(services, token, request.headers)
        return Source(
            company=company,
            actor=f"token:{token.id}",
            now=services.clock(),
            limits=services.settings.limits,
            lenient=services.settings.scim_lenient,
        )

    async def _note_contact(self, services: Services, company: Company, *, now: datetime) -> None:
        """Note that the company's identity provider was heard of, at most once a minute."""
        if now - self._noted.get(company.id, now - _NOTED_EVERY) < _NOTED_EVERY:
            return
        async with services.directory.write(company.id) as tx:
            await tx.note_contact(company.id, Door.SCIM, at=now)
        self._noted[company.id] = now


def add_routes(app: web.Application) -> None:
    """Serve SCIM under its prefix: every address and every method."""
    scim = Scim(max_payload=app[SERVICES].settings.max_body_bytes)
    for path in (PREFIX, PREFIX + "/{tail:.*}"):
        app.router.add_route("*", path, scim.serve)


async def _body(request: web.Request, *, seconds: float) -> bytes:
    try:
        async with asyncio.timeout(seconds):
            return await request.read()
    except TimeoutError:
        raise Problem(kind=kinds.TIMEOUT, headers={"Connection": "close"}) from None
    except web.HTTPRequestEntityTooLarge:
        raise Problem(kind=kinds.TOO_LARGE) from None


def _response(answer: ScimResponse) -> web.Response:
    headers = dict(answer.headers)
    if answer.body is None:
        headers.pop("Content-Type", None)
        return web.Response(status=answer.status, headers=headers)
    return web.Response(status=answer.status, headers=headers, body=json.dumps(answer.body).encode())
