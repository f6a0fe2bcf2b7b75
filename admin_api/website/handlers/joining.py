"""`/join/CODE`: somebody sets up a device, or chats here in the browser, with a link that they were handed.

Programs that preview links open them, so nothing personal is told to a browser that has not sent our form, not even
the company's name; a cookie of this path knows that it did. A login is in the answer to the form that made it and
nowhere else: that form, sent again, makes and shows none.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web

from kleanxmpp import errors, one_time_links
from kleanxmpp.one_time_links import Held
from kleanxmpp.website_ports import LinkPurpose

from ... import problem_kinds as kinds
from ... import qr
from ...problems import Problem
from .. import codes, cookies, devices
from ..devices import Device
from ..visits import Visit

Step = Callable[[Visit], Awaitable[web.StreamResponse]]


def _kindly(step: Step) -> Step:
    """Answer a link that leads nowhere with the same page, whatever the reason is."""

    async def answer(visit: Visit) -> web.StreamResponse:
        try:
            return await step(visit)
        except errors.NotFound:
            return visit.page("join_over.html", status=404)
        except Problem as problem:
            if problem.kind is not kinds.TOO_FAST:
                raise
            response = visit.page("join_wait.html", status=429)
            response.headers.update(problem.headers)
            return response

    return answer


@_kindly
async def look_at_link(visit: Visit) -> web.StreamResponse:
    """Show how far this browser is with the link: nothing yet, choosing, or done."""
    _, held = await codes.looked_up(visit, purpose=LinkPurpose.JOIN)
    match visit.request.cookies.get(cookies.JOINING):
        case "choosing":
            return visit.page("join_choose.html", held=held, device=_device(visit), devices=Device)
        case "shown":
            return visit.page("join_shown.html", held=held)
        case _:
            return visit.page("join.html")


@_kindly
async def take_step(visit: Visit) -> web.StreamResponse:
    """Begin, make this person's device a login, or let them chat here."""
    code, held = await codes.looked_up(visit, purpose=LinkPurpose.JOIN)
    match visit.form.get("step"):
        case "device":
            response = await _set_up(visit, code, held)
            cookies.keep_joining(response, visit.request.path, "shown")
        case "chat":
            response = await _chat_here(visit, code)
        case _:
            response = visit.go(visit.request.path)
            cookies.keep_joining(response, visit.request.path, "choosing")
    return response


async def _set_up(visit: Visit, code: str, held: Held) -> web.Response:
    device, left = _device(visit), visit.form.get("uses_left", "")
    try:
        held, _, password = await one_time_links.set_up_device(
            visit.directory, code, label=device.label, uses_left=int(left) if left.isdecimal() else 0, now=visit.now
        )
    except errors.Stale:
        return visit.page("join_shown.html", status=409, held=held)
    settings = visit.services.settings
    assert held.user is not None  # a link to join is somebody's
    jid = f"{held.user.username}@{held.company.domain}"
    return visit.page(
        "join_device.html",
        held=held,
        device=device,
        elsewhere=device is not devices.of_browser(visit.request.headers.get("User-Agent", "")),
        jid=jid,
        password=password,
        qr=qr.address(devices.account_code(jid=jid, password=password)),
        server=settings.xmpp_host,
        port=settings.xmpp_port,
    )


async def _chat_here(visit: Visit, code: str) -> web.Response:
    _, _, token = await one_time_links.sign_in(visit.directory, code, purpose=LinkPurpose.JOIN, now=visit.now)
    response = visit.go("/chat")
    cookies.keep_session(response, token)
    return response


def _device(visit: Visit) -> Device:
    """Return what they chose, else what they are at."""
    chosen = visit.form.get("device") or visit.request.query.get("device")
    return Device(chosen) if chosen in set(Device) else devices.of_browser(visit.request.headers.get("User-Agent", ""))
