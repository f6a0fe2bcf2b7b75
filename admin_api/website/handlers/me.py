"""What concerns whoever is signed in alone: the browsers in which they are, and their language."""

from aiohttp import web

from kleanxmpp import web_sessions

from .. import cookies
from ..chat_relay import RELAY
from ..visits import Visit


async def show_me(visit: Visit) -> web.StreamResponse:
    """List the browsers in which the person is signed in."""
    here = visit.who.session
    if visit.user is None:
        return visit.page("me.html", sessions=[here])
    sessions = await web_sessions.of_person(visit.directory, visit.company, visit.user.id, now=visit.now)
    return visit.page("me.html", sessions=sorted(sessions, key=lambda one: one.id != here.id))


async def sign_out_everywhere(visit: Visit) -> web.StreamResponse:
    """Sign the person out in every browser, this one too."""
    if visit.user is None:  # a link from the shell signed in this browser alone
        await web_sessions.end(visit.directory, visit.who.session, actor=visit.actor, now=visit.now)
    else:
        await web_sessions.end_all(visit.directory, visit.company, visit.user.id, actor=visit.actor, now=visit.now)
        visit.request.app[RELAY].end_all(visit.user.id)
    response = visit.go("/sign-in")
    cookies.forget_session(response)
    return response
