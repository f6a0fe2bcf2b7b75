"""Taking access away from one person, for a while or for good, and giving it back.

Whoever clicks must show that this person is meant: by a reason, or by typing the name.
"""

from collections.abc import Mapping, Sequence

from aiohttp import web
from pydantic import ValidationError

from kleanxmpp import errors, returns, users
from kleanxmpp.desired import may_chat
from kleanxmpp.leaving import Leave
from kleanxmpp.model import Mode, Offboarding, User
from kleanxmpp.names import fold
from kleanxmpp.ports import UserFilter
from kleanxmpp.users import Departure

from ...schemas.users import ReasonBody
from ..visits import Visit

_MOST_CANDIDATES = 10
_ABSENCES = {"paused": Mode.PAUSED, "garden_leave": Mode.GARDEN_LEAVE}


async def show_off_board(visit: Visit) -> web.StreamResponse:
    """Ask what is needed to off-board somebody."""
    return await _off_board_page(visit, await _person(visit))


async def off_board(visit: Visit) -> web.StreamResponse:
    """Off-board somebody for good."""
    user, wrong = await _person(visit), dict[str, str]()
    reason = _reason(visit, wrong)
    if _text(visit, "name"):
        _check_name(visit, user, wrong)
    elif reason is None and not wrong:
        wrong["reason"] = visit.say("Please give the reason, or type the name of the person.")
    candidates = await _candidates(visit, user)
    successor = _chosen(visit, candidates, wrong)
    if wrong:
        return await _off_board_page(visit, user, wrong=wrong, candidates=candidates)
    return _shown(visit, await _leave(visit, user, Departure(hand_over_to=successor), reason))


async def show_pause(visit: Visit) -> web.StreamResponse:
    """Ask what is needed to let somebody be absent."""
    return visit.page("people/pause.html", person=await _person(visit), wrong={})


async def pause(visit: Visit) -> web.StreamResponse:
    """Let somebody be absent, until a day or until somebody takes them back."""
    user, wrong = await _person(visit), dict[str, str]()
    reason = _reason(visit, wrong)
    mode, day = _ABSENCES.get(_text(visit, "mode")), _text(visit, "returns_on")
    if mode is None:
        wrong["mode"] = visit.say("Please choose what the person may still do.")
    if not wrong and mode is not None:
        try:
            until = returns.moment(day, company=visit.company) if day else None
            return _shown(visit, await _leave(visit, user, Departure(mode=mode, until=until), reason))
        except errors.Invalid as error:
            if error.field != "returns_on":
                raise
            wrong["returns_on"] = visit.say("Please choose a day in the future.")
    return visit.page("people/pause.html", status=422, person=user, wrong=wrong)


async def show_take_back(visit: Visit) -> web.StreamResponse:
    """Say what giving access back does."""
    return visit.page("people/take_back.html", person=await _person(visit), wrong={})


async def take_back(visit: Visit) -> web.StreamResponse:
    """Give somebody access back."""
    user, wrong = await _person(visit), dict[str, str]()
    reason = _reason(visit, wrong)
    if wrong:
        return visit.page("people/take_back.html", status=422, person=user, wrong=wrong)
    await users.reactivate(visit.directory, visit.company, user.id, actor=visit.actor, reason=reason, now=visit.now)
    return visit.go(f"/people/{user.id}?done=back")


async def show_erase(visit: Visit) -> web.StreamResponse:
    """Say what erasing does."""
    return visit.page("people/erase.html", person=await _person(visit), wrong={})


async def erase(visit: Visit) -> web.StreamResponse:
    """Off-board somebody and erase what is stored about them."""
    user, wrong = await _person(visit), dict[str, str]()
    reason = _reason(visit, wrong)
    _check_name(visit, user, wrong)
    if wrong:
        return visit.page("people/erase.html", status=422, person=user, wrong=wrong)
    begun = await users.erase(visit.directory, visit.company, user.id, actor=visit.actor, reason=reason, now=visit.now)
    return _shown(visit, begun)


async def _leave(visit: Visit, user: User, departure: Departure, reason: str | None) -> Offboarding:
    asked = Leave(
        company=visit.company, user_id=user.id, departure=departure, actor=visit.actor, reason=reason, now=visit.now
    )
    return await visit.services.together.leave(asked)


async def _off_board_page(
    visit: Visit, user: User, *, wrong: Mapping[str, str] | None = None, candidates: Sequence[User] = ()
) -> web.Response:
    async with visit.directory.read() as tx:
        moderated = await tx.moderated_by(visit.company.id, [user.id])
    return visit.page(
        "people/off_board.html",
        status=422 if wrong else 200,
        person=user,
        groups=moderated.get(user.id, ()),
        wrong=wrong or {},
        candidates=candidates,
    )


async def _candidates(visit: Visit, leaver: User) -> Sequence[User]:
    """Return who may be meant by the name of whoever takes over."""
    text = _text(visit, "successor")
    if not text or not text.isprintable():
        return ()
    wanted = UserFilter(text=text, active=True, chat_permission=True, absent=False)
    async with visit.directory.read() as tx:
        found = await tx.page_users(visit.company.id, after=None, limit=_MOST_CANDIDATES, matching=wanted)
    return [user for user in found if user.id != leaver.id and may_chat(visit.company, user)]


def _chosen(visit: Visit, candidates: Sequence[User], wrong: dict[str, str]) -> str | None:
    """Return the id of whoever takes over; None: nobody was named, or it is not clear who is meant."""
    if not (text := _text(visit, "successor")):
        return None
    chosen = [user for user in candidates if user.id == _text(visit, "successor_id")]
    named = [user for user in candidates if fold(user.display_name) == fold(text)]
    if meant := next((some[0] for some in (chosen, named) if len(some) == 1), None):
        return meant.id
    if candidates:
        wrong["successor"] = visit.say("Please choose who is meant.")
    else:
        wrong["successor"] = visit.say("Nobody who may chat has this name.")
    return None


def _reason(visit: Visit, wrong: dict[str, str]) -> str | None:
    try:
        return ReasonBody.model_validate({"reason": _text(visit, "reason") or None}).reason
    except ValidationError:
        wrong["reason"] = visit.say("A reason has up to 500 letters.")
        return None


def _check_name(visit: Visit, user: User, wrong: dict[str, str]) -> None:
    typed = " ".join(_text(visit, "name").split())
    if typed.casefold() != user.display_name.casefold():
        wrong["name"] = visit.say("This is not the name of the person: %(name)s", name=user.display_name)


def _text(visit: Visit, name: str) -> str:
    return visit.form.get(name, "").strip()


async def _person(visit: Visit) -> User:
    async with visit.directory.read() as tx:
        return await users.existing(tx, visit.company, visit.id("user_id"))


def _shown(visit: Visit, begun: Offboarding) -> web.Response:
    """Send the browser to where it can watch."""
    return visit.go(f"/people/{begun.user_id}/offboardings/{begun.id}")
