"""Circles follow what is known about people, in the transaction that changed it."""

from collections.abc import Sequence
from datetime import datetime

from kleanxmpp import circle_rules, circles
from kleanxmpp.model import Company, User
from kleanxmpp.ports import Transaction


async def follow(
    tx: Transaction,
    company: Company,
    *,
    before: Sequence[User | None],
    after: Sequence[User],
    actor: str,
    reason: str | None,
    now: datetime,
) -> None:
    """Let these people into the circles that are theirs by rule now, and out of those that no longer are.

    Pairs by position, as `consequences.record_changes` gets them. Beside what each circle that changes costs, three
    queries at most, none where nothing changed that rules read.
    """
    found = await circle_rules.moves_of(tx, company.id, list(zip(before, after, strict=True)))
    touched = await tx.groups_by_id(company.id, found) if found else {}
    for group_id, moves in found.items():
        await circles.follow_rule(
            tx, company=company, group=touched[group_id], moves=moves, actor=actor, reason=reason, now=now
        )
