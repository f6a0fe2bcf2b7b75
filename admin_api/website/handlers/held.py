"""What waits for a confirmation: who would lose access and why, and the decision, on a page that holds still."""

from aiohttp import web

from kleanxmpp import errors, holds
from kleanxmpp.holds import SWEEP_ID

from ...handlers.held import confirm_sweep, discard_sweep, held_views
from ...schemas.held import HoldView
from .. import names
from ..names import DOORS
from ..visits import Visit
from .overview import mentioned_in


async def show_hold(visit: Visit) -> web.StreamResponse:
    """Show what would happen, and ask."""
    return await _shown(visit, await _hold(visit))


async def decide(visit: Visit) -> web.StreamResponse:
    """Confirm or discard it: as much of it as was shown, and no more."""
    hold = await _hold(visit)
    people = visit.form.get("people", "")
    try:
        if visit.form.get("decision") == "discard":
            await _discard(visit, hold.id)
        elif visit.form.get("decision") == "confirm" and people.isdecimal():
            await _confirm(visit, hold.id, people=int(people))
        else:
            return await _shown(visit, hold)
    except errors.Conflict:
        return await _shown(visit, await _hold(visit), changed=True)
    return visit.go("/")


async def _hold(visit: Visit) -> HoldView:
    wanted = visit.request.match_info["hold_id"]
    async with visit.directory.read() as tx:
        found = await held_views(visit.services, tx, visit.company)
    hold = next((one for one in found if one.id == wanted), None)
    if hold is None:
        raise errors.NotFound("Nothing is held under this id.")
    return hold


async def _shown(visit: Visit, hold: HoldView, *, changed: bool = False) -> web.StreamResponse:
    known = await names.look_up(visit, {*mentioned_in(hold), *(f"user:{change.user_id}" for change in hold.changes)})
    return visit.page(
        "held.html",
        status=409 if changed else 200,
        hold=hold,
        names=known,
        door=visit.say(DOORS[hold.door]),
        changed=changed,
    )


async def _confirm(visit: Visit, hold_id: str, *, people: int) -> None:
    if hold_id == SWEEP_ID:
        await confirm_sweep(visit.services, visit.company, people=people, actor=visit.actor, now=visit.now)
        return
    await holds.confirm(visit.directory, visit.company, hold_id, people=people, actor=visit.actor, now=visit.now)


async def _discard(visit: Visit, hold_id: str) -> None:
    if hold_id == SWEEP_ID:
        await discard_sweep(visit.services, visit.company, actor=visit.actor, now=visit.now)
        return
    await holds.discard(visit.directory, visit.company, hold_id, actor=visit.actor, now=visit.now)
