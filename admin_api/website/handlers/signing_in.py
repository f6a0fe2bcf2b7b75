"""Signing in by a link, signing out, and choosing a language. At an identity provider: `at_provider`."""

from aiohttp import web
from yarl import URL

from kleanxmpp import errors, one_time_links, web_sessions
from kleanxmpp.website_ports import LinkPurpose

from .. import cookies, words
from ..chat_relay import RELAY
from ..codes import looked_up
from ..visits import Visit, own_path
from . import at_provider


async def sign_in(visit: Visit) -> web.StreamResponse:
    """Say how one signs in."""
    if visit.signed_in is not None and not visit.who.session.chat_only:
        return visit.go(own_path(visit.request.query.get("next", "/")))
    query = visit.request.query
    domain, signed_out = query.get("company"), "signed_out" in query
    there = await at_provider.where_to_sign_out(visit, domain=domain) if domain and signed_out else None
    return visit.page(
        "sign_in.html",
        doors=await at_provider.doors(visit, domain=domain),
        next=own_path(query.get("next", "/")),
        signed_out=signed_out,
        sign_out_there=there,
    )


async def look_at_link(visit: Visit) -> web.StreamResponse:
    """Show what a link is good for. Programs that preview links use nothing up."""
    try:
        await looked_up(visit, purpose=LinkPurpose.SIGN_IN)
    except errors.NotFound:
        return _over(visit)
    return visit.page("sign_in_link.html")


async def take_link(visit: Visit) -> web.StreamResponse:
    """Sign the browser in with a link."""
    try:
        code, _ = await looked_up(visit, purpose=LinkPurpose.SIGN_IN)
        _, _, token = await one_time_links.sign_in(visit.directory, code, purpose=LinkPurpose.SIGN_IN, now=visit.now)
    except errors.NotFound:
        return _over(visit)
    response = visit.go("/")
    cookies.keep_session(response, token)
    return response


async def sign_out(visit: Visit) -> web.StreamResponse:
    """End the session of this browser. That at the provider is another matter, and the next page offers it."""
    path = "/sign-in"
    if visit.signed_in is not None:
        await web_sessions.end(visit.directory, visit.who.session, actor=visit.actor, now=visit.now)
        visit.request.app[RELAY].end(visit.who.session.id)
        if visit.user is not None and visit.company.domain in visit.request.app[at_provider.PROVIDERS]:
            path = str(URL(path).with_query(company=visit.company.domain, signed_out="1"))
    response = visit.go(path)
    cookies.forget_session(response)
    return response


async def choose_language(visit: Visit) -> web.StreamResponse:
    """Show everything in another language from now on."""
    language = visit.form.get("language", "")
    response = visit.go(own_path(visit.form.get("next", "/")))
    if language in words.LANGUAGES:
        cookies.keep_language(response, language)
    return response


def _over(visit: Visit) -> web.Response:
    message = visit.say(
        "This link is not valid any more: it signs in once, and only for a while. Perhaps a part of the address is "
        "missing, too. Ask whoever gave it to you for a new one."
    )
    return visit.page("sign_in_refused.html", status=404, message=message, domain=None)
