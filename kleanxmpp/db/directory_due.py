"""Due scopes: one row per scope, so bursts coalesce.

A mark is told from a later one by `revision` together with `marked_at` (the time of the row's first mark): the
revision alone begins anew when a finished scope becomes due again.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import cache

from sqlalchemy import ColumnElement, Executable, Select, bindparam, case, delete, func, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from kleanxmpp.db.engine import Inserting
from kleanxmpp.db.rows import due_of, scope_row
from kleanxmpp.db.session import Part
from kleanxmpp.db.tables import due_scopes, memberships, users
from kleanxmpp.due import Aspect, Due, Priority, Scope, ScopeKind
from kleanxmpp.due_ports import LONGEST_PAUSE

_ORDER = (due_scopes.c.priority, due_scopes.c.kind, due_scopes.c.marked_at, due_scopes.c.scope_id)


class DueScopes(Part):
    """The transaction's part about what is out of step."""

    __slots__ = ()

    async def mark_due(self, marks: Sequence[Due]) -> None:
        if not marks:
            return
        now = datetime.now(UTC)
        rows = [_row(mark, now=now) for mark in sorted(marks, key=_lock_order)]
        await self._session.run_many(_marking(self._session.inserting), rows)
        self._session.marked = True

    async def mark_users_due(
        self,
        company_id: str,
        *,
        aspects: Aspect,
        priority: Priority,
        at: datetime,
        group_id: str | None = None,
    ) -> None:
        mark = Due(
            scope=Scope(kind=ScopeKind.USER, company_id=company_id, id=""),
            aspects=aspects,
            priority=priority,
            marked_at=at,
        )
        row = _row(mark, now=at) | {"scope_id": users.c.id}
        everybody = _selected(row).where(users.c.company_id == company_id)
        if group_id is not None:
            members = select(memberships.c.user_id).where(memberships.c.group_id == group_id)
            everybody = everybody.where(users.c.id.in_(members))
        statement = self._session.insert(due_scopes).from_select(list(row), everybody.order_by(users.c.id))
        await self._session.run(_merged(statement))
        self._session.marked = True

    async def take_due(self, *, now: datetime, limit: int, besides: Collection[Scope] = ()) -> Sequence[Due]:
        fresh = (due_scopes.c.attempts == 0) & (due_scopes.c.next_attempt_at == due_scopes.c.marked_at)
        reached = (due_scopes.c.next_attempt_at <= now) | (due_scopes.c.next_attempt_at > now + LONGEST_PAUSE)
        query = select(due_scopes).where(fresh | reached, *_none_of(besides))
        return [due_of(row) for row in await self._session.rows(query.order_by(*_ORDER).limit(limit))]

    async def due(self, scope: Scope) -> Due | None:
        row = await self._session.row(select(due_scopes).where(*_of(scope)))
        return row and due_of(row)

    async def finish_due(self, finished: Sequence[Due]) -> None:
        in_order = sorted(finished, key=_lock_order)
        for dated in (True, False):  # of a mark made by hand it is not known when it was made
            columns = _MARK if dated else _MARK[:-1]
            mark = (due_scopes.c[name] == bindparam(f"its_{name}") for name in columns)
            rows = [_its(due, columns) for due in in_order if (due.marked_at is not None) is dated]
            await self._session.run_many(delete(due_scopes).where(*mark), rows)

    async def fail_due(self, due: Due, *, error: str, next_attempt_at: datetime) -> None:
        failed = update(due_scopes).where(*_same_mark(due))
        attempts = due_scopes.c.attempts + 1
        await self._session.run(failed.values(attempts=attempts, last_error=error, next_attempt_at=next_attempt_at))

    async def page_due(self, company_id: str, *, limit: int) -> Sequence[Due]:
        query = select(due_scopes).where(due_scopes.c.company_id == company_id)
        return [due_of(row) for row in await self._session.rows(query.order_by(*_ORDER).limit(limit))]

    async def count_due(self, company_id: str) -> int:
        count = select(func.count()).select_from(due_scopes).where(due_scopes.c.company_id == company_id)
        return int(await self._session.scalar(count))

    async def next_attempt_at(self, *, besides: Collection[Scope] = ()) -> datetime | None:
        query = select(func.min(due_scopes.c.next_attempt_at)).where(*_none_of(besides))
        found: datetime | None = await self._session.scalar(query)
        return found


def _row(mark: Due, *, now: datetime) -> dict[str, object]:
    marked_at = mark.marked_at or now
    return scope_row(mark.scope) | {
        "aspects": int(mark.aspects),
        "priority": mark.priority,
        "revision": 1,
        "attempts": 0,
        "marked_at": marked_at,
        "next_attempt_at": mark.next_attempt_at or marked_at,
    }


_MARK = ("company_id", "kind", "scope_id", "revision", "marked_at")


def _its(due: Due, columns: Sequence[str]) -> dict[str, object]:
    row = scope_row(due.scope) | {"revision": due.revision, "marked_at": due.marked_at}
    return {f"its_{name}": row[name] for name in columns}


def _lock_order(mark: Due) -> tuple[str, str, str]:
    """Order marks alike in all transactions, so that two that mark the same scopes cannot wait for each other."""
    return mark.scope.company_id, mark.scope.kind.value, mark.scope.id


@cache
def _marking(inserting: Inserting) -> Executable:
    """Return the statement of every mark, made once: making it costs more than running it."""
    return _merged(inserting(due_scopes))


def _merged(statement: postgresql.Insert | sqlite.Insert) -> postgresql.Insert | sqlite.Insert:
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["company_id", "kind", "scope_id"],
        set_={
            "aspects": due_scopes.c.aspects.bitwise_or(new.aspects),
            "priority": _smaller(new.priority, due_scopes.c.priority),
            "revision": due_scopes.c.revision + 1,
            "attempts": 0,
            "next_attempt_at": _smaller(new.next_attempt_at, due_scopes.c.next_attempt_at),
        },
    )


def _smaller(new: ColumnElement[object], old: ColumnElement[object]) -> ColumnElement[object]:
    return case((new < old, new), else_=old)


def _selected(row: dict[str, object]) -> Select[tuple[object, ...]]:
    """Select the row's values as constants; columns among them stay columns."""
    columns = due_scopes.c
    return select(
        *(v if isinstance(v, ColumnElement) else literal(v, columns[n].type).label(n) for n, v in row.items())
    )


def _of(scope: Scope) -> list[ColumnElement[bool]]:
    return [due_scopes.c[name] == value for name, value in scope_row(scope).items()]


def _none_of(scopes: Collection[Scope]) -> list[ColumnElement[bool]]:
    """Ids are never given twice, whatever the kind of scope."""
    return [due_scopes.c.scope_id.not_in([scope.id for scope in scopes])] if scopes else []


def _same_mark(due: Due) -> list[ColumnElement[bool]]:
    same = [*_of(due.scope), due_scopes.c.revision == due.revision]
    return same if due.marked_at is None else [*same, due_scopes.c.marked_at == due.marked_at]
