"""How somebody stands with the company's chat, in a few words that stand beside a name. Pure."""

from dataclasses import dataclass

from kleanxmpp.model import Absence, User

from . import formats
from .visits import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`tone` is a class of the style sheet: good, warn, bad or quiet."""

    words: str
    tone: str


def standing(visit: Visit, user: User, *, devices: int) -> Standing:
    """Say how the person stands; of several things the gravest."""
    if user.erasing:
        return Standing(words=visit.say("being erased"), tone="bad")
    if not user.active:
        return Standing(words=visit.say("left"), tone="quiet")
    if not user.chat_permission:
        return Standing(words=visit.say("no chat permission"), tone="quiet")
    if user.absence is not None:
        return Standing(words=_absent(visit, user), tone="warn")
    if not devices:
        return Standing(words=visit.say("no device yet"), tone="warn")
    return Standing(words=visit.say("may chat"), tone="good")


def _absent(visit: Visit, user: User) -> str:
    on_leave = user.absence is Absence.GARDEN_LEAVE
    if user.absent_until is None:
        return visit.say("on garden leave") if on_leave else visit.say("paused")
    day = formats.date(user.absent_until, company=visit.company, language=visit.language)
    if on_leave:
        return visit.say("on garden leave until %(day)s", day=day)
    return visit.say("paused until %(day)s", day=day)
