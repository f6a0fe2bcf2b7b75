"""The cookies: who is signed in or about to, the language somebody chose, and how far they are with a link to join.

The session's is bound to this host and path, never readable by scripts, never sent by other sites' forms. Browsers
take it over plain http on loopback as well, so the demo works.
"""

from aiohttp import web

from kleanxmpp import provider_sign_ins, web_sessions

SESSION = "__Host-klean-session"
ATTEMPT = "__Host-klean-attempt"
LANGUAGE = "klean-language"
JOINING = "klean-joining"


def keep_session(response: web.StreamResponse, token: str, *, embedded: bool = False) -> None:
    """Keep the session's token in the browser until it is closed, or the session ends.

    `embedded`: the page is in a frame of another site, so the cookie belongs to the two of them together (CHIPS).
    """
    longest = int(web_sessions.LONGEST.total_seconds())
    if embedded:  # written by hand: http.cookies knows Partitioned from Python 3.14 on only
        attributes = "Path=/; Secure; HttpOnly; SameSite=None; Partitioned"
        response.headers.add("Set-Cookie", f"{SESSION}={token}; Max-Age={longest}; {attributes}")
        return
    response.set_cookie(SESSION, token, path="/", secure=True, httponly=True, samesite="Lax", max_age=longest)


def forget_session(response: web.StreamResponse) -> None:
    """Take the session's token out of the browser."""
    response.del_cookie(SESSION, path="/", secure=True, httponly=True, samesite="Lax")


def keep_attempt(response: web.StreamResponse, secret: str) -> None:
    """Keep what shows that this browser went to the identity provider, until it is back."""
    lasts = int(provider_sign_ins.ATTEMPT_LASTS.total_seconds())
    response.set_cookie(ATTEMPT, secret, path="/", secure=True, httponly=True, samesite="Lax", max_age=lasts)


def forget_attempt(response: web.StreamResponse) -> None:
    """Take it out of the browser."""
    response.del_cookie(ATTEMPT, path="/", secure=True, httponly=True, samesite="Lax")


def keep_language(response: web.StreamResponse, language: str) -> None:
    """Remember which language somebody chose, for a year."""
    response.set_cookie(LANGUAGE, language, path="/", secure=True, httponly=True, samesite="Lax", max_age=31_536_000)


def keep_joining(response: web.StreamResponse, path: str, step: str) -> None:
    """Remember for an hour how far this browser is with the link at this path."""
    response.set_cookie(JOINING, step, path=path, secure=True, httponly=True, samesite="Lax", max_age=3600)
