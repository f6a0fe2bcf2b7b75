"""Signing in by a link, signing out, and choosing a language."""

from aiohttp import web

from kleanxmpp import errors, one_time_links, web_sessions
from kleanxmpp.website_ports import LinkPurpose

from .. import cookies, words
from ..visits import Visit


async def sign_in(visit: Visit) -> web.StreamResponse:
    """Say how one signs in."""
    if visit.signed_in is not None and not visit.who.session.chat_only:
        return visit.go(_own(visit.request.query.get("next", "/")))
    return visit.page("sign_in.html")


async def look_at_link(visit: Visit) -> web.StreamResponse:
    """Show what a link is good for. Programs that preview links use nothing up."""
    await _admitted(visit)
    return visit.page("sign_in_link.html")


async def take_link(visit: Visit) -> web.StreamResponse:
    """Sign the browser in with a link."""
    code = await _admitted(visit)
    _, _, token = await one_time_links.sign_in(visit.directory, code, purpose=LinkPurpose.SIGN_IN, now=visit.now)
    response = visit.go("/")
    cookies.keep_session(response, token)
    return response


async def sign_out(visit: Visit) -> web.StreamResponse:
    """End the session of this browser."""
    if visit.signed_in is not None:
        await web_sessions.end(visit.directory, visit.who.session, actor=visit.actor, now=visit.now)
    response = visit.go("/sign-in")
    cookies.forget_session(response)
    return response


async def choose_language(visit: Visit) -> web.StreamResponse:
    """Show everything in another language from now on."""
    language = visit.form.get("language", "")
    response = visit.go(_own(visit.form.get("next", "/")))
    if language in words.LANGUAGES:
        cookies.keep_language(response, language)
    return response


async def _admitted(visit: Visit) -> str:
    """Return the code in the address if it may be looked up, after few wrong ones from there, and leads somewhere."""
    code, rates, address = visit.request.match_info["code"], visit.services.rates, visit.request.remote
    rates.admit("", address=address)
    try:
        await one_time_links.look(visit.directory, code, purpose=LinkPurpose.SIGN_IN, now=visit.now)
    except errors.NotFound:
        rates.was_wrong("", address=address)
        raise
    return code


def _own(path: str) -> str:
    """Return a path of ours, and nothing that leads elsewhere."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"
