"""Use cases about the rules of groups: who is excepted, what a rule would change, and why somebody is in or not.

The rule itself is a fact of the group (`groups.add_group`, `groups.update_group`). An exception keeps somebody from
being a member by rule, whichever rule the group has or will have; a fixed membership counts more than it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kleanxmpp import circle_rules, circles, edits, errors, group_records, rules
from kleanxmpp.circle_rules import Moves
from kleanxmpp.model import AuditEntry, Company, Group, User
from kleanxmpp.ports import Directory, Transaction
from kleanxmpp.rule_ports import GroupException, Standing
from kleanxmpp.rules import Condition, Rule

SHOWN = 100
"""People named in a preview, of those who come and of those who go."""


class Because(StrEnum):
    """Why somebody is in a circle, or is not."""

    FIXED = "fixed"
    RULE = "rule"
    EXCEPTION = "exception"
    NO_RULE = "no_rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why this person is in this group, or is not. `holds` is what the rule says; None: not known, or no rule."""

    group: Group
    user: User
    standing: Standing | None
    excepted: bool
    holds: bool | None
    conditions: Sequence[Condition]

    @property
    def because(self) -> Because:
        """What decides: somebody's word, the rule, an exception from it, or that there is no rule."""
        if self.standing is not None:
            return Because.RULE if self.standing.by_rule else Because.FIXED
        if self.group.rule is None:
            return Because.NO_RULE
        return Because.EXCEPTION if self.excepted and self.holds else Because.RULE


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a rule would change: who comes and who goes, and the first of them by name. `total` is the size after."""

    moves: Moves
    total: int
    joining: Sequence[User]
    leaving: Sequence[User]


async def preview(tx: Transaction, group: Group, rule: Rule | None) -> Preview:
    """Return what would happen if the group had this rule (None: no rule). Changes nothing, reads everybody."""
    moves = await circle_rules.moves(tx, group, rule)
    first = [*moves.joining[:SHOWN], *moves.leaving[:SHOWN]]
    found = await tx.users_by_id(group.company_id, first) if first else {}
    return Preview(
        moves=moves,
        total=await tx.member_count(group.id) + len(moves.joining) - len(moves.leaving),
        joining=[found[user_id] for user_id in moves.joining[:SHOWN]],
        leaving=[found[user_id] for user_id in moves.leaving[:SHOWN]],
    )


async def explain(tx: Transaction, company: Company, group_id: str, user_id: str) -> Explanation:
    """Say why somebody is in a group, or is not. Raises NotFound."""
    group = await group_records.existing(tx, company, group_id)
    user = edits.not_erasing(await tx.user(company.id, user_id))
    standings, excepted = await tx.standings([group.id], [user.id]), await tx.excepted([group.id], [user.id])
    known = circle_rules.known_of(user)
    return Explanation(
        group=group,
        user=user,
        standing=standings.get(group.id, {}).get(user.id),
        excepted=group.id in excepted,
        holds=rules.holds(group.rule, rules.facts(known)) if group.rule else None,
        conditions=rules.explain(group.rule, known) if group.rule else (),
    )


async def add_exception(
    directory: Directory, company: Company, group_id: str, user_id: str, *, actor: str, now: datetime
) -> GroupException:
    """Never let the group's rule make this person a member; who is in by it leaves. Repeatable. Raises NotFound.

    A fixed member stays one: take them out, too.
    """
    async with directory.write(company.id) as tx:
        group, user = await _both(tx, company, group_id, user_id)
        if await tx.add_exception(group.id, user.id, at=now):
            await tx.add_audit([_entry(group, "group.exception_added", user, actor=actor, now=now)])
            if await circle_rules.by_rule(tx, group, [user.id]):
                out = Moves(leaving=(user.id,))
                await circles.follow_rule(tx, company=company, group=group, moves=out, actor=actor, now=now)
        found = await tx.exception(group.id, user.id)
        if found is None:
            raise errors.NotFound("There is no such exception.")
        return found


async def remove_exception(
    directory: Directory, company: Company, group_id: str, user_id: str, *, actor: str, now: datetime
) -> None:
    """Let the group's rule decide about this person again; whom it matches comes in. Repeatable. Raises NotFound."""
    async with directory.write(company.id) as tx:
        group, user = await _both(tx, company, group_id, user_id)
        if not await tx.remove_exception(group.id, user.id):
            return
        await tx.add_audit([_entry(group, "group.exception_removed", user, actor=actor, now=now)])
        if circle_rules.meant(group.rule, user) and not await tx.roles_of(group.id, [user.id]):
            back = Moves(joining=(user.id,))
            await circles.follow_rule(tx, company=company, group=group, moves=back, actor=actor, now=now)


async def _both(tx: Transaction, company: Company, group_id: str, user_id: str) -> tuple[Group, User]:
    group = await group_records.existing(tx, company, group_id)
    return group, edits.not_erasing(await tx.user(company.id, user_id))


def _entry(group: Group, action: str, user: User, *, actor: str, now: datetime) -> AuditEntry:
    return AuditEntry(
        company_id=group.company_id,
        at=now,
        actor=actor,
        action=action,
        subject=f"group:{group.id}",
        details={"user": user.id},
    )
