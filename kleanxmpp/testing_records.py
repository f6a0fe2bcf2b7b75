"""The parts of `MemoryDirectory`'s transaction about due scopes, the audit log and off-boardings."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from kleanxmpp import audit
from kleanxmpp.due import Aspect, Due, Priority, Scope, ScopeKind
from kleanxmpp.due_ports import LONGEST_PAUSE
from kleanxmpp.model import AuditEntry, ChainHead, Offboarding
from kleanxmpp.record_ports import EVERY_ENTRY, AuditFilter, WrittenEntry
from kleanxmpp.testing_tables import MemoryPart


class MemoryDue(MemoryPart):
    """Due scopes."""

    async def mark_due(self, marks: Sequence[Due]) -> None:
        if not marks:
            return
        with self._changing() as tables:
            for mark in marks:
                at = mark.marked_at or datetime.now(UTC)
                new = replace(mark, marked_at=at, next_attempt_at=mark.next_attempt_at or at)
                tables.due[mark.scope] = _merged(tables.due.get(mark.scope), new)
        self.marked = True

    async def mark_users_due(
        self,
        company_id: str,
        *,
        aspects: Aspect,
        priority: Priority,
        at: datetime,
        group_id: str | None = None,
    ) -> None:
        everybody = {user.id for user in self._tables.users.values() if user.company_id == company_id}
        if group_id is not None:
            everybody &= self._tables.circles.get(group_id, {}).keys()
        scopes = [Scope(kind=ScopeKind.USER, company_id=company_id, id=user_id) for user_id in everybody]
        await self.mark_due([Due(scope=s, aspects=aspects, priority=priority, marked_at=at) for s in scopes])

    async def take_due(self, *, now: datetime, limit: int, besides: Collection[Scope] = ()) -> Sequence[Due]:
        others = (due for scope, due in self._tables.due.items() if scope not in besides)
        return sorted((due for due in others if _is_due(due, now=now)), key=_order)[:limit]

    async def due(self, scope: Scope) -> Due | None:
        return self._tables.due.get(scope)

    async def finish_due(self, finished: Sequence[Due]) -> None:
        with self._changing() as tables:
            for due in finished:
                if self._is_newest(due):
                    del tables.due[due.scope]

    async def fail_due(self, due: Due, *, error: str, next_attempt_at: datetime) -> None:
        with self._changing() as tables:
            if self._is_newest(due):
                now = tables.due[due.scope]
                failed = replace(now, attempts=now.attempts + 1, last_error=error, next_attempt_at=next_attempt_at)
                tables.due[due.scope] = failed

    async def page_due(self, company_id: str, *, limit: int) -> Sequence[Due]:
        return sorted((d for d in self._tables.due.values() if d.scope.company_id == company_id), key=_order)[:limit]

    async def count_due(self, company_id: str) -> int:
        return sum(scope.company_id == company_id for scope in self._tables.due)

    async def next_attempt_at(self, *, besides: Collection[Scope] = ()) -> datetime | None:
        others = (due for scope, due in self._tables.due.items() if scope not in besides)
        return min((due.next_attempt_at for due in others if due.next_attempt_at), default=None)

    def _is_newest(self, due: Due) -> bool:
        found = self._tables.due.get(due.scope)
        return found is not None and found.revision == due.revision and due.marked_at in {None, found.marked_at}


class MemoryRecords(MemoryPart):
    """Audit log and off-boardings."""

    async def add_audit(self, entries: Sequence[AuditEntry]) -> None:
        with self._whole() as tables:
            for entry in entries:
                chain = audit.chain_of(entry.company_id)
                (placed,), head = audit.link([entry], head=tables.audit_heads.get(chain, audit.EMPTY))
                tables.audit.append(replace(placed, id=len(tables.audit) + 1))
                tables.audit_heads[chain] = head

    async def page_chain(self, company_id: str | None, *, after: tuple[int, int], limit: int) -> Sequence[AuditEntry]:
        mine = (e for e in self._tables.audit if e.company_id == company_id and (e.number, e.id) > after)
        return sorted(mine, key=lambda entry: (entry.number, entry.id))[:limit]

    async def page_written(
        self, company_id: str | None, *, after: tuple[int, int], limit: int
    ) -> Sequence[WrittenEntry]:
        return [_written(entry) for entry in await self.page_chain(company_id, after=after, limit=limit)]

    async def chain_head(self, company_id: str | None) -> ChainHead | None:
        return self._tables.audit_heads.get(audit.chain_of(company_id))

    async def chains(self) -> frozenset[str | None]:
        having_head = {None if chain == audit.OPERATOR else chain for chain in self._tables.audit_heads}
        return frozenset({*(entry.company_id for entry in self._tables.audit), *having_head})

    async def page_audit(
        self, company_id: str | None, *, before: int | None, limit: int, matching: AuditFilter = EVERY_ENTRY
    ) -> Sequence[AuditEntry]:
        all_of_them = (entry for entry in reversed(self._tables.audit) if entry.company_id == company_id)
        mine = [entry for entry in all_of_them if _matches(entry, matching)]
        return [entry for entry in mine if before is None or entry.id < before][:limit]

    async def add_offboardings(self, begun: Sequence[Offboarding]) -> None:
        with self._changing() as tables:
            tables.offboardings |= {one.id: one for one in begun}

    async def save_offboardings(self, changed: Sequence[Offboarding]) -> None:
        with self._changing() as tables:
            for one in changed:
                if await self.offboarding(one.company_id, one.id):
                    tables.offboardings[one.id] = one

    async def offboarding(self, company_id: str, offboarding_id: str) -> Offboarding | None:
        found = self._tables.offboardings.get(offboarding_id)
        return found if found and found.company_id == company_id else None

    async def offboardings_by_id(self, company_id: str, offboarding_ids: Collection[str]) -> Mapping[str, Offboarding]:
        found = {one: await self.offboarding(company_id, one) for one in offboarding_ids}
        return {id_: one for id_, one in found.items() if one is not None}

    async def open_offboarding(self, user_id: str) -> Offboarding | None:
        mine = (o for o in self._newest_first() if o.user_id == user_id)
        return next((o for o in mine if o.completed_at is None and o.cancelled_at is None), None)

    async def open_offboardings(
        self, company_id: str, user_ids: Collection[str] | None = None
    ) -> Sequence[Offboarding]:
        theirs = (o for o in reversed(self._newest_first()) if o.company_id == company_id)
        still_open = [o for o in theirs if o.completed_at is None and o.cancelled_at is None]
        return still_open if user_ids is None else [o for o in still_open if o.user_id in set(user_ids)]

    async def newest_offboardings(self, company_id: str, user_ids: Collection[str]) -> Mapping[str, Offboarding]:
        found: dict[str, Offboarding] = {}
        for one in self._newest_first():
            if one.company_id == company_id and one.user_id in user_ids:
                found.setdefault(one.user_id, one)
        return found

    async def page_offboardings(self, company_id: str, user_id: str, *, limit: int) -> Sequence[Offboarding]:
        return [o for o in self._newest_first() if o.company_id == company_id and o.user_id == user_id][:limit]

    def _newest_first(self) -> list[Offboarding]:
        return sorted(self._tables.offboardings.values(), key=lambda o: (o.requested_at, o.id), reverse=True)


def _matches(entry: AuditEntry, wanted: AuditFilter) -> bool:
    people = wanted.references
    return (
        (people is None or not people.isdisjoint({entry.subject, entry.actor}))
        and wanted.action in {None, entry.action}
        and (wanted.actors is None or entry.actor.startswith(wanted.actors))
        and (wanted.since is None or entry.at >= wanted.since)
        and (wanted.until is None or entry.at < wanted.until)
    )


def _is_due(due: Due, *, now: datetime) -> bool:
    at, fresh = due.next_attempt_at, due.attempts == 0 and due.next_attempt_at == due.marked_at
    return at is not None and (fresh or at <= now or at > now + LONGEST_PAUSE)


def _written(entry: AuditEntry) -> WrittenEntry:
    return WrittenEntry(
        id=entry.id,
        number=entry.number,
        previous=entry.previous,
        hash=entry.hash,
        at=audit.moment(entry.at),
        actor=entry.actor,
        action=entry.action,
        subject=entry.subject,
        reason=entry.reason,
        details=json.dumps(dict(entry.details)),
    )


def _order(due: Due) -> tuple[Priority, ScopeKind, datetime | None, str]:
    return due.priority, due.scope.kind, due.marked_at, due.scope.id


def _merged(old: Due | None, new: Due) -> Due:
    if old is None:
        return replace(new, revision=1, attempts=0, last_error=None)
    attempts_at = [at for at in (old.next_attempt_at, new.next_attempt_at) if at]
    return replace(
        old,
        aspects=old.aspects | new.aspects,
        priority=min(old.priority, new.priority),
        revision=old.revision + 1,
        attempts=0,
        next_attempt_at=min(attempts_at),
    )
