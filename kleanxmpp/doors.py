"""What a door (SCIM, HR, bulk …) says about people it knows already, through the guard against mass changes.

A door says facts about people one by one, and may say them about everybody at once by mistake. So whatever a door
wants goes through here, in the transaction of its request: what takes access beyond the door's limit waits for a
confirmation (`kleanxmpp.holds`), everything else happens now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kleanxmpp import edits, guard
from kleanxmpp.edits import UserPatch
from kleanxmpp.model import Company, Door, User
from kleanxmpp.ports import Transaction

_FACTS = ("active", "chat_permission")


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """By which door somebody comes, and how many people it may off-board. `limits` None: everybody."""

    door: Door
    limits: guard.Limits | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What became of what a door said about somebody. `held`: the loss of access waits for a confirmation."""

    user: User
    held: bool = False


async def say(
    tx: Transaction,
    company: Company,
    wanted: Sequence[tuple[User, UserPatch]],
    *,
    door: Door,
    limits: guard.Limits | None,
    actor: str,
    reason: str | None,
    now: datetime,
) -> Sequence[Said]:
    """Change these people, each once, as far as the guard lets the door; return them in order. Repeatable.

    Whoever the door expressly says is active, permitted or not absent does not wait for the opposite any more. Raises
    Invalid or Conflict, and then the transaction must end.
    """
    pairs = [(user, await edits.patched(tx, company, user, patch)) for user, patch in wanted]
    said = {user.id: affirmed(patch) for user, patch in wanted}
    by = Passage(door=door, limits=limits)
    return await say_pairs(tx, company, pairs, affirmed=said, by=by, actor=actor, reason=reason, now=now)


async def say_pairs(
    tx: Transaction,
    company: Company,
    pairs: Sequence[guard.Pair],
    *,
    affirmed: Mapping[str, frozenset[str]],
    by: Passage,
    actor: str,
    reason: str | None,
    now: datetime,
) -> Sequence[Said]:
    """Like `say`, of people as they are and as they shall be. `affirmed`: user id -> what is said for their access."""
    said = {user_id: facts for user_id, facts in affirmed.items() if facts}
    await guard.take_back(tx, company, door=by.door, affirmed=said, actor=actor, now=now)
    admission = await guard.admit(
        tx,
        company,
        door=by.door,
        wanted=[(before, after) for before, after in pairs if after != before],
        limits=by.limits,
        actor=actor,
        reason=reason,
        now=now,
    )
    saved = await edits.save(tx, company, admission.passing, actor=actor, reason=reason, now=now)
    after_by_id = {user.id: user for user in saved}
    waiting = {before.id for before, _ in admission.held}
    return [Said(user=after_by_id.get(user.id, user), held=user.id in waiting) for user, _ in pairs]


def affirmed(patch: UserPatch) -> frozenset[str]:
    """Return what the door says in favour of somebody's access."""
    said = {fact for fact in _FACTS if fact in patch.fields and getattr(patch, fact)}
    return frozenset(said | ({"absence"} if "absence" in patch.fields and patch.absence is None else set()))
