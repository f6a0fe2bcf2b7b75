"""The chat in the browser: its page, what it signs in with, and how it learns that it is over.

Whoever asks by script gets JSON. Nothing secret is in an address; the credential lives for minutes, and only in the
memory of the page.
"""

from aiohttp import web
from yarl import URL

from kleanxmpp import credentials, desired, errors, one_time_links, web_sessions
from kleanxmpp.desired import Access
from kleanxmpp.website_ports import LinkPurpose

from .. import cookies
from ..chat_relay import RELAY, lets_chat
from ..visits import Visit

_CONVERSE = "vendor/converse/converse.min.js"
_LABEL = "Browser"
_EMPTY_STYLES = (
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' 'sha256-JRf3eZJIF59VkE1tlxlBPiCQXjGJ1uE88pEYh49RtTY='"
)
"""Converse adds style sheets that hold nothing, or a comment. They are allowed so that nothing is reported."""
_KNOWN_ATTRIBUTES = (
    "'unsafe-hashes' 'sha256-aqNNdDLnnrDOnTNdkJpYlAxKVJtLt9CtFLklmInuUAE=' "
    "'sha256-KpSV7LuPYEu58+3u9LJr9v5Drm0uIKEv0h3u/+NVNm8=' 'sha256-f6Ok7O1Yrm7MSWzLjCVDaqzhc1lbUB0U+7Op4qevB88='"
)
"""The style attributes in its templates: `display:none`, `position:relative`, `line-height:3em`, and no other text."""


async def show_chat(visit: Visit) -> web.StreamResponse:
    """Show the chat, or who does not get it, and why. A code after # is taken by the page's own script."""
    if visit.signed_in is None:
        return _page(visit, "chat_sign_in.html")  # 200: the way in for somebody with a code, too
    if not lets_chat(visit.signed_in):
        return _page(visit, "chat_refused.html", status=403, why=_why_not(visit))
    settings, converse = visit.services.settings, visit.pages.assets.get(_CONVERSE)
    if settings.chat_socket is None or converse is None:
        return _page(visit, "chat_refused.html", status=503, why=visit.say("This server offers no chat here."))
    return _page(
        visit,
        "chat.html",
        converse=converse.address,
        user=visit.user,
        jid=f"{visit.user.username}@{visit.company.domain}" if visit.user else "",
        rooms=settings.rooms_domain(visit.company.domain),
        files=_origin(settings.files_url) or "",
    )


async def make_credential(visit: Visit) -> web.StreamResponse:
    """Answer what the page signs in to the chat with, good for a moment and for this browser."""
    if visit.signed_in is None or visit.user is None:
        return web.json_response({}, status=401)
    if not lets_chat(visit.signed_in):
        return web.json_response({}, status=403)
    _, secret = await credentials.issue_for_browser(
        visit.directory, visit.company, visit.who.session, label=_LABEL, actor=visit.actor, now=visit.now
    )
    return web.json_response({"jid": f"{visit.user.username}@{visit.company.domain}", "password": secret})


async def tell_state(visit: Visit) -> web.StreamResponse:
    """Say whether the page may go on showing the chat."""
    return web.json_response({"open": lets_chat(visit.signed_in)})


async def show_end(visit: Visit) -> web.StreamResponse:
    """Show that it is over, and have the browser forget what it kept of the chat."""
    response = _page(visit, "chat_ended.html")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


async def take_code(visit: Visit) -> web.StreamResponse:
    """Sign the browser in with a code for the chat, which the page's script found behind #. It works once."""
    rates = visit.services.rates
    rates.admit_code(address=visit.address)
    try:
        _, _, token = await one_time_links.sign_in(
            visit.directory, visit.form.get("code", ""), purpose=LinkPurpose.CHAT, now=visit.now
        )
    except errors.NotFound:
        rates.was_wrong_code(address=visit.address)
        return web.json_response({}, status=404)
    former = visit.signed_in
    if former is not None and former.session.chat_only:
        await web_sessions.end(visit.directory, former.session, actor=former.actor, now=visit.now)
        visit.request.app[RELAY].end(former.session.id)
    response = web.json_response({})
    framed = visit.form.get("framed") == "yes" and bool(visit.services.settings.embed_origins)
    cookies.keep_session(response, token, embedded=framed)
    return response


def policy(visit: Visit) -> str:
    """Return the content security policy of the chat's pages: nothing inline here either (`static/chat/`)."""
    settings = visit.services.settings
    files = f" {origin}" if (origin := _origin(settings.files_url)) and origin != _here(visit) else ""
    framed_by = " ".join(settings.embed_origins) or "'none'"
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self' {_EMPTY_STYLES}; "
        f"style-src-attr {_KNOWN_ATTRIBUTES}; font-src 'self'; "
        f"img-src 'self' data: blob:{files}; media-src 'self' blob:{files}; connect-src 'self'{files}; "
        f"form-action 'self'; base-uri 'none'; frame-ancestors {framed_by}"
    )


def _page(visit: Visit, template: str, *, status: int = 200, **values: object) -> web.Response:
    response = visit.page(template, status=status, **values)
    response.headers["Content-Security-Policy"] = policy(visit)
    return response


def _why_not(visit: Visit) -> str:
    if visit.user is None:
        return visit.say("You are signed in with a link that belongs to no person, so there is nobody to chat as.")
    if desired.access(visit.company, visit.user) is Access.PAUSED:
        return visit.say("Your chat is paused while you are away. It comes back by itself.")
    return visit.say("You have no permission to chat.")


def _origin(url: str | None) -> str | None:
    return str(URL(url).origin()) if url else None


def _here(visit: Visit) -> str:
    return str(visit.request.url.origin())
