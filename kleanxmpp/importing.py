"""The use case of importing a file of people: all of it in one transaction, or nothing.

What is read is bounded by the file, not by the company, and reads and writes go in bulk. What a change sets in motion
(off-boardings, due marks, audit) is decided where it always is, in `users` and `groups`.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import TypeVar

from kleanxmpp import circle_rules, circles, consequences, groups, guard, ids, import_dates, names
from kleanxmpp.batches import batches
from kleanxmpp.import_matching import Known, Match, match, usernames_to_make
from kleanxmpp.import_plan import (
    NICKNAMES_TRIED,
    Existing,
    ImportPlan,
    affirmed,
    local_day,
    plan_import,
    without_held,
)
from kleanxmpp.import_rows import Fault, FaultyFile, Row
from kleanxmpp.model import Company, Door, Group, Role, User
from kleanxmpp.ports import Directory, Transaction, UserFilter

_CHUNK = 1000
_USUAL = guard.Limits()
T = TypeVar("T")
Progress = Callable[[int, int], None]
"""Called with the steps done and the steps in all."""


async def import_people(
    directory: Directory,
    company: Company,
    rows: Sequence[Row],
    *,
    announcements: Iterable[str] = (),
    limits: guard.Limits | None = _USUAL,
    off_board_missing: bool = False,
    dry_run: bool = False,
    actor: str,
    reason: str | None,
    now: datetime,
    progress: Progress = lambda done, total: None,
) -> ImportPlan:
    """Make the directory say what the file says, and return what that changed. Repeatable: then nothing changes.

    Who would be off-boarded beyond `limits` (None: there are none) is held (`holds`), the rest of the file is applied.
    `off_board_missing`: the file lists everybody; who has an external id, is no admin and is not in it, has left.
    Raises FaultyFile with every row that does not fit the directory. A dry run only reads.
    """
    if off_board_missing:
        _check_complete(rows)
    async with directory.read() if dry_run else directory.write(company.id) as tx:
        matches = await _matched(tx, company, rows)
        plan = plan_import(
            matches,
            await _existing(tx, company, matches, complete=off_board_missing),
            company=company,
            announcements=frozenset(announcements),
            missing=await _missing(tx, company, matches) if off_board_missing else (),
            now=now,
            make_id=ids.new_id,
        )
        wanted = (*plan.changed, *plan.missing)
        if dry_run:
            return without_held(
                plan, await guard.decide(tx, company, door=Door.IMPORT, wanted=wanted, limits=limits, now=now)
            )
        stays = affirmed(matches, today=local_day(company, now), listed=off_board_missing)
        await guard.take_back(tx, company, door=Door.IMPORT, affirmed=stays, actor=actor, now=now)
        admission = await guard.admit(
            tx,
            company,
            door=Door.IMPORT,
            wanted=wanted,
            limits=limits,
            actor=actor,
            reason=reason,
            now=now,
        )
        plan = without_held(plan, admission)
        await _apply(tx, company, plan, actor=actor, reason=reason, now=now, progress=progress)
        await import_dates.apply(tx, company, plan.dated, actor=actor, reason=reason, now=now)
        await tx.note_contact(company.id, Door.IMPORT, at=now)
    return plan


def _check_complete(rows: Sequence[Row]) -> None:
    """Refuse to conclude from a file who left that does not say for certain who is there."""
    reason = "has no external_id, so it cannot be told who is missing in the file"
    faults = [Fault(line=row.line, reason=reason) for row in rows if not row.external_id]
    if faults or not rows:
        raise FaultyFile(faults or [Fault(line=1, reason="the file has no people, which is no reason to remove all")])


async def _missing(tx: Transaction, company: Company, matches: Sequence[Match]) -> Sequence[User]:
    """Return the active people who came from HR, as their external id says, and are not in the file. Never admins."""
    listed = {one.user.id for one in matches if one.user}
    missing: list[User] = []
    after: str | None = None
    while True:
        page = await tx.page_users(company.id, after=after, limit=_CHUNK, matching=UserFilter(active=True))
        missing += [
            user for user in page if user.external_id and not user.admin and not user.erasing and user.id not in listed
        ]
        if len(page) < _CHUNK:
            return missing
        after = page[-1].username


async def _matched(tx: Transaction, company: Company, rows: Sequence[Row]) -> Sequence[Match]:
    explicit = {row.username for row in rows if row.username}
    given = set(await tx.taken_usernames(company.id, explicit))
    wanted, asked = Counter(usernames_to_make(rows)), 4
    while wanted:
        candidates = {base: list(islice(names.numbered_from(base), count + asked)) for base, count in wanted.items()}
        given |= await tx.taken_usernames(company.id, {name for several in candidates.values() for name in several})
        wanted = Counter(
            {b: n for b, n in wanted.items() if sum(c not in given and c not in explicit for c in candidates[b]) < n}
        )
        asked *= 8
    known = Known(
        by_external_id=await tx.users_by_external_id(company.id, {r.external_id for r in rows if r.external_id}),
        by_username=await tx.users_by_username(company.id, given),
        given=frozenset(given),
    )
    matches, faults = match(rows, known)
    if faults:
        raise FaultyFile(faults)
    return matches


async def _existing(tx: Transaction, company: Company, matches: Sequence[Match], *, complete: bool = False) -> Existing:
    named = {group for one in matches for group in one.row.groups or ()}
    found = await tx.groups_by_name(company.id, named)
    listed = {one.user.id for one in matches if one.user}
    nicknames = {
        nickname
        for one in matches
        if one.user is None or one.user.display_name != one.row.display_name
        for nickname in islice(names.nicknames_from(one.row.display_name, one.username), NICKNAMES_TRIED)
    }
    plans = await import_dates.pending(tx, company)
    return Existing(
        nicknames=await tx.taken_nicknames(company.id, nicknames),
        groups=found,
        roles={group.id: await _roles(tx, group, listed) for group in found.values()},
        plans=plans,
        joiners=await tx.users_by_id(company.id, import_dates.joiners(plans, but=listed)) if complete else {},
    )


async def _roles(tx: Transaction, group: Group, listed: Collection[str]) -> Mapping[str, Role]:
    """Return the roles of the people listed: asked for by name if they are few, else picked from the whole circle.

    Who is in by the group's rule has none as long as nobody, such as this file, says that they are a member.
    """
    few = len(listed) <= _CHUNK
    roles = await (tx.roles_of(group.id, listed) if few else tx.roles(group.id))
    by_rule = await circle_rules.by_rule(tx, group, listed if few else None)
    return {user_id: role for user_id, role in roles.items() if user_id in listed and user_id not in by_rule}


async def _apply(
    tx: Transaction,
    company: Company,
    plan: ImportPlan,
    *,
    actor: str,
    reason: str | None,
    now: datetime,
    progress: Progress,
) -> None:
    touched = (*plan.changed, *plan.missing)
    done, total = 0, len(plan.added) + len(touched) + len(plan.circles)
    for added in batches(plan.added, _CHUNK):
        await tx.add_users(added)
        await consequences.record_changes(
            tx, company=company, before=[None] * len(added), after=added, actor=actor, reason=reason, now=now
        )
        progress(done := done + len(added), total)
    await tx.save_users([after for _, after in touched])
    for changed in batches(touched, _CHUNK):
        before, after = [old for old, _ in changed], [new for _, new in changed]
        await consequences.record_changes(
            tx, company=company, before=before, after=after, actor=actor, reason=reason, now=now
        )
        progress(done := done + len(changed), total)
    for name, kind in plan.new_groups.items():
        await groups.new_group(tx, company=company, name=name, kind=kind, actor=actor, reason=reason, now=now)
    found = await tx.groups_by_name(company.id, [circle.group for circle in plan.circles])
    for circle in plan.circles:
        await circles.record_circle_change(
            tx,
            company=company,
            group=found[circle.group],
            roles_before=circle.before,
            roles_after=circle.after,
            actor=actor,
            reason=reason,
            now=now,
        )
        progress(done := done + 1, total)
