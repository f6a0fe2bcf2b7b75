"""Requests to off-board people that come at the same moment, done in one transaction.

Writing transactions run one after another. With one for each request the last of two hundred people would be let out
long after the first; the doors close with the commit, so the commit is what must come soon for all.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kleanxmpp import users
from kleanxmpp.model import Company, Offboarding
from kleanxmpp.ports import Directory
from kleanxmpp.users import FOR_GOOD, Departure


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """Somebody asks for somebody's off-boarding."""

    company: Company
    user_id: str
    departure: Departure = FOR_GOOD
    actor: str
    reason: str | None
    now: datetime


async def leave_together(directory: Directory, asked: Sequence[Leave]) -> Sequence[Offboarding]:
    """Off-board all of them as `users.deactivate` does each; return theirs in order.

    Raises what is wrong with any of them, and then nothing was changed in that company. Whoever is asked for in one
    moment by the same caller for the same reason is off-boarded at the first one's time.
    """
    companies: dict[str, dict[tuple[Departure, str, str | None], list[Leave]]] = defaultdict(lambda: defaultdict(list))
    for one in asked:
        companies[one.company.id][one.departure, one.actor, one.reason].append(one)
    begun: dict[Leave, Offboarding] = {}
    for company_id, alike in companies.items():
        async with directory.write(company_id) as tx:
            for (departure, actor, reason), some in alike.items():
                found = await users.deactivate_in(
                    tx,
                    some[0].company,
                    [one.user_id for one in some],
                    departure=departure,
                    actor=actor,
                    reason=reason,
                    now=min(one.now for one in some),
                )
                begun |= {one: found[one.user_id] for one in some}
    return [begun[one] for one in asked]
