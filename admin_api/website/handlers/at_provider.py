"""Signing in at a company's identity provider: to it, back from it, and what is said when that leads nowhere.

The way there is a link and no form, because browsers apply the page's `form-action` to where a form is sent on to, too.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web
from yarl import URL

from kleanxmpp import errors, provider_sign_ins, web_sessions
from kleanxmpp.model import Company
from kleanxmpp.provider_sign_ins import NotLetIn, Why

from ...oidc.provider import Provider
from ...oidc.troubles import Away, Declined, Trouble, Unconfirmed, Untrusted
from .. import cookies
from ..visits import Visit, own_path
from ..words import N_

log = logging.getLogger(__name__)

PROVIDERS = web.AppKey("providers", Mapping[str, Provider])
COME_BACK = "/oidc/callback"

_NOT_LET_IN = {
    Why.UNKNOWN: N_(
        "You are not among the people of %(company)s here yet. Ask your HR department or an administrator to add you, "
        "then sign in again."
    ),
    Why.SEVERAL: N_(
        "More than one person of %(company)s has your e-mail address here, so it does not tell who you are. "
        "Ask an administrator to correct that."
    ),
    Why.LEFT: N_("Your access at %(company)s has ended. If that is a mistake, ask your HR department."),
    Why.ABSENT: N_(
        "Your access at %(company)s is paused. It comes back when your absence ends. If you are back already, ask your "
        "HR department."
    ),
    Why.NO_ROLE: N_(
        "You are known at %(company)s, but neither the chat nor the dashboard is open to you. Ask an administrator."
    ),
}
_TROUBLES: dict[type[Trouble], tuple[int, str]] = {
    Away: (
        503,
        N_("The sign-in of %(company)s does not answer at the moment. Please try again in a few minutes."),
    ),
    Declined: (
        403,
        N_(
            "The sign-in at %(company)s was cancelled, or is not allowed for you. Try again, or ask whoever looks "
            "after your company's accounts."
        ),
    ),
    Unconfirmed: (
        403,
        N_(
            "Your e-mail address is not confirmed in your account at %(company)s. Ask whoever looks after your "
            "company's accounts to confirm it."
        ),
    ),
    Untrusted: (
        403,
        N_(
            "The sign-in at %(company)s gave an answer that cannot be trusted, so nobody was signed in. Please start "
            "again. If that does not help, tell an administrator: the reason is in the log of the service."
        ),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A company at whose provider one can sign in. `label`: what the button says instead of the company's name."""

    company: Company
    label: str | None


async def doors(visit: Visit, *, domain: str | None = None) -> list[Door]:
    """Return where one can sign in; `domain`: only there, if that is somewhere."""
    providers = visit.request.app[PROVIDERS]
    async with visit.directory.read() as tx:
        found = [await tx.company_by_domain(known) for known in providers]
    every = [
        Door(company=one, label=providers[one.domain].settings.labels.get(visit.language))
        for one in found
        if one is not None and one.enabled
    ]
    return [door for door in every if door.company.domain == domain] or every


async def go_there(visit: Visit) -> web.StreamResponse:
    """Send the browser to the provider of a company."""
    company, provider = await _of(visit, visit.request.match_info["domain"])
    visit.services.rates.began_sign_in(address=visit.address)
    return_to = own_path(visit.request.query.get("next", "/"))
    begun = await provider_sign_ins.begin(visit.directory, company, return_to=return_to, now=visit.now)
    try:
        there = await provider.where_to_sign_in(
            begun, come_back=_here(visit, COME_BACK), language=visit.language, now=visit.now
        )
    except Trouble as trouble:
        return _troubled(visit, company, trouble)
    response = visit.go(str(there))
    cookies.keep_attempt(response, begun.secret)
    return response


async def come_back(visit: Visit) -> web.StreamResponse:
    """Sign in whoever comes back from the provider, if it is the browser that went there."""
    response = await _came_back(visit)
    cookies.forget_attempt(response)
    return response


async def where_to_sign_out(visit: Visit, *, domain: str) -> URL | None:
    """Return where somebody of this company signs out at the provider, too; None: nowhere, or nobody knows now."""
    try:
        _, provider = await _of(visit, domain)
        return await provider.where_to_sign_out(come_back=_here(visit, "/sign-in"), now=visit.now)
    except (errors.NotFound, Trouble):
        return None


async def _came_back(visit: Visit) -> web.Response:
    answer, secret = visit.request.query, visit.request.cookies.get(cookies.ATTEMPT, "")
    try:
        company, attempt = await provider_sign_ins.take(
            visit.directory, answer.get("state", ""), secret=secret, now=visit.now
        )
        company, provider = await _of(visit, company.domain)
    except errors.NotFound:
        message = visit.say("This sign-in took too long, or was begun in another browser. Please start again.")
        return visit.page("sign_in_refused.html", status=400, message=message, domain=None)
    try:
        value = await provider.who(answer, attempt=attempt, come_back=_here(visit, COME_BACK), now=visit.now)
        token, has_role = await provider_sign_ins.sign_in(
            visit.directory, company, matches=provider.settings.matches, value=value, now=visit.now
        )
    except Trouble as trouble:
        return _troubled(visit, company, trouble)
    except NotLetIn as refused:
        log.info("not let in", extra={"company": company.domain, "why": refused.why})
        return _refused(visit, company, 403, _NOT_LET_IN[refused.why])
    if visit.signed_in is not None:
        await web_sessions.end(visit.directory, visit.who.session, actor=visit.actor, now=visit.now)
    response = visit.go(attempt.return_to if has_role else "/chat")
    cookies.keep_session(response, token)
    return response


async def _of(visit: Visit, domain: str) -> tuple[Company, Provider]:
    """Return the company with its provider. Raises NotFound."""
    provider = visit.request.app[PROVIDERS].get(domain)
    async with visit.directory.read() as tx:
        company = await tx.company_by_domain(domain)
    if provider is None or company is None or not company.enabled:
        raise errors.NotFound
    return company, provider


def _here(visit: Visit, path: str) -> str:
    return (visit.services.settings.public_url or str(visit.request.url.origin())) + path


def _troubled(visit: Visit, company: Company, trouble: Trouble) -> web.Response:
    log.warning("signing in at the provider failed", extra={"company": company.domain, "why": str(trouble)})
    status, message = next(said for kind, said in _TROUBLES.items() if isinstance(trouble, kind))
    return _refused(visit, company, status, message)


def _refused(visit: Visit, company: Company, status: int, message: str) -> web.Response:
    said = visit.say(message, company=company.name)
    return visit.page("sign_in_refused.html", status=status, message=said, domain=company.domain)
