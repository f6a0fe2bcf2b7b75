"""The one way in to every page: who is there, may they, did our own form send this, and what if it goes wrong.

A form counts only if the browser says that it comes from our own origin, and if it carries the session's own secret.
What somebody typed is not lost when their session ended meanwhile: the answer holds it, to be sent again.
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace

from aiohttp import web
from aiohttp.typedefs import Handler
from multidict import MultiDict, MultiDictProxy
from yarl import URL

from kleanxmpp import errors, web_sessions
from kleanxmpp.web_sessions import SignedIn

from .. import problem_kinds as kinds
from .. import problems
from ..languages import preferred_language
from ..problems import Problem
from ..services import SERVICES
from . import cookies, words
from .visits import PAGES, Visit
from .words import N_

Page = Callable[[Visit], Awaitable[web.StreamResponse]]

CSRF = "csrf"
UNASKED = "X-Klean-Unasked"
"""What a page sends along when it refreshes itself: a screen that nobody touches is signed out all the same."""
_CHANGING = frozenset({"POST"})
_OWN = frozenset({"same-origin", "none"})


def page(
    handler: Page,
    *,
    scope: str | None = None,
    lead: bool = False,
    own: bool = False,
    public: bool = False,
    unasked: bool = False,
    most_bytes: int | None = None,
) -> Handler:
    """Make a handler of aiohttp from a page.

    `scope`: who may see it; None: everybody who is signed in to the dashboard. `lead`: group leads, too. `own`: it is
    about whoever is signed in, so no role is needed. `public`: nobody has to be signed in.
    `unasked`: a script asks by itself, so the session does not last longer for it.
    `most_bytes`: its form brings files, with which it has at most this size. None: it is text, and files are left out.
    """

    async def serve(request: web.Request) -> web.StreamResponse:
        visit = _stranger(request)
        try:
            visit = await _known(visit, unasked=unasked)
            if request.method in _CHANGING and not from_here(request):
                return _error(visit, 403, visit.say("This form came from another website. Nothing was changed."))
            if request.method in _CHANGING:
                visit = await _with_form(visit, most_bytes=most_bytes)
            if not public and (refused := _refused(visit, scope, lead=lead, own=own)) is not None:
                return refused
            if request.method in _CHANGING and not _is_ours(visit):
                return visit.instead("again.html", status=409, fields=_fields(visit))
            return await handler(visit)
        except errors.NotFound:
            return _error(
                visit,
                404,
                visit.say(
                    "There is nothing here, or not any more. It was removed, or a part of the address is missing."
                ),
            )
        except errors.DirectoryUnavailable:
            return _error(visit, 503, visit.say("The directory cannot be reached at the moment. Please try again."))
        except errors.Forbidden as error:
            said = None if str(error) == errors.Forbidden.__doc__ else str(error)
            return _error(visit, 403, visit.say(_IN_WORDS[403]), detail=said)
        except (Problem, errors.KleanError) as error:
            return _problem(visit, error if isinstance(error, Problem) else problems.from_core(error))
        except web.HTTPException:
            raise
        except Exception as error:  # the outermost border: a defect is answered and logged, and takes nothing down
            problems.log_unexpected(error)
            return _error(visit, 500, visit.say(_DEFECT))

    return serve


def _stranger(request: web.Request) -> Visit:
    """Return a visit of somebody who is not known yet."""
    services = request.app[SERVICES]
    return Visit(
        request=request,
        services=services,
        pages=request.app[PAGES],
        signed_in=None,
        language=_language(request, None),
        now=services.clock(),
    )


async def _known(visit: Visit, *, unasked: bool) -> Visit:
    """Return the visit with whoever has the cookie's session. Raises DirectoryUnavailable: then nobody is anybody."""
    token = visit.request.cookies.get(cookies.SESSION)
    if token is None:
        return visit
    unasked = unasked or UNASKED in visit.request.headers
    signed_in = await web_sessions.resume(visit.directory, token, now=visit.now, unasked=unasked)
    return replace(visit, signed_in=signed_in, language=_language(visit.request, signed_in))


def _language(request: web.Request, signed_in: SignedIn | None) -> str:
    """Return the language that the person chose here, else theirs, else the browser's, else the company's."""
    chosen = request.cookies.get(cookies.LANGUAGE)
    if chosen in words.LANGUAGES:
        return chosen
    if signed_in is not None and signed_in.user is not None:
        return signed_in.user.locale
    return preferred_language(request.headers) or (signed_in.company.locale if signed_in else "de")


def _refused(visit: Visit, scope: str | None, *, lead: bool, own: bool) -> web.StreamResponse | None:
    """Return what somebody sees who may not see the page; None: they may."""
    who = visit.signed_in
    if who is None or who.session.chat_only:
        return _nobody(visit)
    if own:
        return None
    if not who.scopes:
        return _error(visit, 403, visit.say("You have no role on the dashboard. Ask an administrator for one."))
    if scope is None or visit.may(scope) or (lead and visit.is_lead()):
        return None
    return _error(visit, 403, visit.say("Your role does not allow this. Ask an administrator."))


def _nobody(visit: Visit) -> web.StreamResponse:
    here = str(visit.request.rel_url)
    sign_in = str(URL("/sign-in").with_query(next=here if visit.request.method == "GET" else "/"))
    if visit.by_script and visit.request.method == "GET":
        return web.Response(status=401, headers={"HX-Redirect": sign_in})
    if visit.request.method == "GET":
        return web.Response(status=303, headers={"Location": sign_in})
    return visit.instead("again.html", status=401, fields=_fields(visit))


def from_here(request: web.Request) -> bool:
    """Whether the browser says that its own page of this origin asks. Silence counts as no."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in _OWN
    origin = request.headers.get("Origin")
    return origin is not None and URL(origin).authority == request.headers.get("Host")


def _is_ours(visit: Visit) -> bool:
    """Whether the form carries the session's own secret; where nobody is signed in there is none."""
    return visit.signed_in is None or secrets.compare_digest(
        visit.form.get(CSRF, "").encode(), visit.who.session.csrf.encode()
    )


async def _with_form(visit: Visit, *, most_bytes: int | None) -> Visit:
    """Return the visit with what the form sent. Raises Problem if that is too much."""
    request = visit.request
    if most_bytes is not None:
        request = request.clone(client_max_size=most_bytes)
    try:
        sent = await request.post()
    except web.HTTPRequestEntityTooLarge as error:
        raise Problem(kind=kinds.TOO_LARGE) from error
    texts: MultiDict[str] = MultiDict()
    files: dict[str, bytes] = {}
    for name, value in sent.items():
        if isinstance(value, str):
            texts.add(name, value)
        elif isinstance(value, web.FileField):
            with value.file as file:  # of the disk, where the whole form had to be to be measured
                if most_bytes is not None:
                    files[name] = file.read()
    return replace(visit, form=MultiDictProxy(texts), files=files)


def _fields(visit: Visit) -> list[tuple[str, str]]:
    """Return what was typed, without the secret of a session that is not this one."""
    return [(name, value) for name, value in visit.form.items() if name != CSRF]


def _problem(visit: Visit, problem: Problem) -> web.Response:
    """Say in words what stands in the way and what to do; what the core said of it stands below."""
    message, detail = visit.say(_IN_WORDS.get(problem.kind.status, _NOT_TAKEN)), problem.detail
    if problem.kind is kinds.TOO_FAST:
        detail = None
        seconds = problem.headers["Retry-After"]
        message = visit.say(
            "This was tried too often from your network. Please wait a moment (%(seconds)s s), then try again.",
            seconds=seconds,
        )
    response = _error(visit, problem.kind.status, message, detail=detail)
    response.headers.update(problem.headers)
    return response


def _error(visit: Visit, status: int, message: str, *, detail: str | None = None) -> web.Response:
    return visit.page("error.html", status=status, message=message, detail=detail)


_DEFECT = N_(
    "This should not have happened. The error was logged. Please try again; if it does not help, tell whoever runs "
    "the server when it happened."
)
_NOT_TAKEN = N_("What was entered could not be taken. Please go back and look at it again.")
_IN_WORDS = {
    403: N_("This is not allowed, or not any more."),
    409: N_("This does not fit what is there by now. Please go back, reload the page and look at it again."),
    412: N_("Somebody else changed this meanwhile. Please go back, reload the page and look at it again."),
    413: N_("What was sent is too large."),
    501: N_("A part that this needs is not installed on the server. Please tell whoever runs the server."),
    502: N_("The chat server does not answer at the moment. Please try again in a minute."),
    503: N_("The chat server does not answer at the moment. Please try again in a minute."),
    504: N_("The chat server does not answer at the moment. Please try again in a minute."),
}
