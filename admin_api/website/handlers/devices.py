"""What lets somebody in: their devices, the links they were handed, and the browsers they are signed in at."""

from datetime import timedelta
from urllib.parse import quote

from aiohttp import web
from markupsafe import Markup

from kleanxmpp import credentials, errors, one_time_links, users, web_sessions
from kleanxmpp.model import User

from ... import qr
from ..chat_relay import RELAY
from ..public_address import public_address
from ..visits import Visit

HOURS = (1, 24, 72, 168, 720)
_USUAL_HOURS = int(one_time_links.JOIN_LASTS / timedelta(hours=1))


async def show_set_up(visit: Visit) -> web.StreamResponse:
    """Ask how long the link shall last, and for how many devices."""
    return await _ask(visit, await _person(visit))


async def set_up(visit: Visit) -> web.StreamResponse:
    """Make a link and show it, only this once, with a sheet to print in the language of the person."""
    user = await _person(visit)
    hours, uses = (_number(visit.form.get(name, "")) for name in ("hours", "uses"))
    if hours not in HOURS:
        return await _ask(visit, user, wrong={"hours": visit.say("Please choose how long the link lasts.")})
    try:
        link, code = await one_time_links.make_join(
            visit.directory,
            visit.company,
            user.id,
            lasts=timedelta(hours=hours),
            uses=uses,
            actor=visit.actor,
            now=visit.now,
        )
    except errors.Invalid:
        return await _ask(visit, user, wrong={"uses": visit.say("A link is good for 1 to 10 devices.")})
    except errors.Conflict:
        return visit.page("people/no_access.html", status=409, person=user)
    address = f"{public_address(visit)}/join/{code}"
    handed = {"visit": visit, "person": user, "link": link, "address": address}
    sheet = visit.pages.text("people/sheet.html", language=user.locale, qr=qr.address(address), **handed)
    letter = visit.pages.text("people/letter.txt", language=user.locale, **handed).strip()
    return visit.page(
        "people/access.html",
        person=user,
        address=address,
        sheet=Markup(sheet),
        letter=letter,
        mail=_mail(user, subject=visit.company.name, body=letter),
    )


def _mail(user: User, *, subject: str, body: str) -> str:
    """Return what opens the mail program of whoever hands the link out (RFC 6068)."""
    lines = body.replace("\n", "\r\n")
    return f"mailto:{quote(user.email or '', safe='@')}?subject={quote(subject)}&body={quote(lines)}"


async def revoke_device(visit: Visit) -> web.StreamResponse:
    """Let a device in no more."""
    user_id, device_id = visit.id("user_id"), visit.id("device_id")
    await credentials.revoke(visit.directory, visit.company, user_id, device_id, actor=visit.actor, now=visit.now)
    return visit.go(f"/people/{user_id}?done=revoked")


async def revoke_link(visit: Visit) -> web.StreamResponse:
    """Let nobody in with a link any more."""
    user_id, link_id = visit.id("user_id"), visit.id("link_id")
    await one_time_links.revoke(
        visit.directory, visit.company, link_id, user_id=user_id, actor=visit.actor, now=visit.now
    )
    return visit.go(f"/people/{user_id}?done=revoked")


async def sign_out_everywhere(visit: Visit) -> web.StreamResponse:
    """Sign somebody out of the website in every browser."""
    user = await _person(visit)
    await web_sessions.end_all(visit.directory, visit.company, user.id, actor=visit.actor, now=visit.now)
    visit.request.app[RELAY].end_all(user.id)
    return visit.go(f"/people/{user.id}?done=out")


async def _ask(visit: Visit, user: User, *, wrong: dict[str, str] | None = None) -> web.Response:
    return visit.page(
        "people/set_up.html",
        status=422 if wrong else 200,
        person=user,
        wrong=wrong or {},
        choices=HOURS,
        hours=_number(visit.form.get("hours", "")) or _USUAL_HOURS,
        uses=visit.form.get("uses", str(one_time_links.JOIN_USES)),
        most=one_time_links.MOST_USES,
    )


def _number(text: str) -> int:
    """Return a small number, 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


async def _person(visit: Visit) -> User:
    async with visit.directory.read() as tx:
        return await users.existing(tx, visit.company, visit.id("user_id"))
