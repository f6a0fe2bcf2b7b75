"""The first page: how things are, and what waits for somebody.

It refreshes itself, and nothing is answered if nothing is new: no jump, no word from a screen reader.
Whoever may not see that gets a page that says what they may do.
"""

import hashlib
from collections.abc import Iterator, Mapping

from aiohttp import web
from markupsafe import Markup

from kleanxmpp.doctor.findings import Level, Report
from kleanxmpp.documents import words as documents

from ...handlers.status import status_of
from ...schemas.held import HoldView
from ...schemas.offboardings import OffboardingView
from ...schemas.status import StatusView
from .. import charts, names
from ..names import DOORS, N_
from ..visits import Visit

SHOWN = 20
_LEFTOVERS: Mapping[str, str] = {
    "gate": N_("admission to the server"),
    "sessions": N_("sessions"),
    "rooms": N_("places in rooms"),
    "strange_rooms": N_("places in rooms that the directory does not know"),
    "contact_groups": N_("places in contact lists"),
    "bookmarks": N_("bookmarks"),
    "push": N_("push notifications"),
    "offline_messages": N_("waiting messages"),
    "tokens": N_("tokens"),
}


async def show_overview(visit: Visit) -> web.StreamResponse:
    """Show what is out of step, and what waits for somebody."""
    if not visit.may("status:read"):
        return visit.page("start.html")
    status = await status_of(visit.services, visit.company, now=visit.now)
    known = await names.look_up(visit, _mentioned(status))
    state = visit.pages.text(
        "overview_state.html", language=visit.language, visit=visit, **_values(visit, status, known)
    )
    digest = hashlib.sha256(state.encode()).hexdigest()[:16]
    if visit.by_script and visit.request.query.get("seen") == digest:
        return web.Response(status=204)
    if visit.by_script:
        return visit.page("overview_live.html", state=Markup(state), digest=digest)
    return visit.page("overview.html", state=Markup(state), digest=digest, charts=await charts.charts(visit))


def examined(visit: Visit) -> Report | None:
    """Return the doctor's last result for the company."""
    doctor = visit.services.doctor
    return None if doctor is None else doctor.known(visit.company)


def _values(visit: Visit, status: StatusView, known: names.Names) -> dict[str, object]:
    leaving = {one.user_id for one in status.open_offboardings}
    errors = {one.id: one.last_error for one in status.due.items}
    waiting = [one for one in status.due.items if one.id not in leaving]
    overdue = {one.id for one in status.open_offboardings if _is_overdue(visit, one)}
    report = examined(visit)
    counts = {} if report is None else {level.value: report.count(level) for level in Level}
    return {
        "status": status,
        "names": known,
        "waiting": waiting[:SHOWN],
        "count": max(status.due.count - len(leaving), len(waiting)),
        "offboardings": status.open_offboardings[:SHOWN],
        "errors": errors,
        "overdue": overdue,
        "modes": (documents.GERMAN if visit.language == "de" else documents.ENGLISH).modes,
        "doors": {door: visit.say(label) for door, label in DOORS.items()},
        "leftovers": _leftovers(visit, status),
        "checked": report.at if report is not None else None,
        "levels": counts,
        "needs": sum(1 for _ in _needs(status, overdue=len(overdue), red=counts.get(Level.RED.value, 0))),
    }


def _needs(status: StatusView, *, overdue: int, red: int) -> Iterator[str]:
    """Yield what somebody should look at, a word for each kind of it."""
    if status.server.reachable is False:
        yield "server"
    if status.held:
        yield "held"
    if overdue:
        yield "overdue"
    if any(one.last_error for one in status.due.items):
        yield "errors"
    if any(one.late_since for one in status.sources):
        yield "sources"
    if status.failing_webhooks:
        yield "webhooks"
    if status.scheduled.failed:
        yield "scheduled"
    if red:
        yield "doctor"


def _is_overdue(visit: Visit, offboarding: OffboardingView) -> bool:
    return visit.now - offboarding.requested_at > visit.services.settings.overdue_after


def _leftovers(visit: Visit, status: StatusView) -> list[tuple[str, int]]:
    found = status.last_sweep.leftovers if status.last_sweep is not None else {}
    return [(visit.say(_LEFTOVERS[kind]) if kind in _LEFTOVERS else kind, count) for kind, count in found.items()]


def _mentioned(status: StatusView) -> Iterator[str]:
    for due in status.due.items:
        yield f"{due.kind}:{due.id}"
    for offboarding in status.open_offboardings[:SHOWN]:
        yield f"user:{offboarding.user_id}"
        yield offboarding.actor
    for hold in status.held:
        yield from mentioned_in(hold)


def mentioned_in(hold: HoldView) -> Iterator[str]:
    """Yield whoever made held changes; whom they are about is known already."""
    for change in hold.changes:
        yield change.actor
