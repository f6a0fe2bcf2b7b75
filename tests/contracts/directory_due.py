"""Due scopes: bursts coalesce, nothing marked meanwhile is lost."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from kleanxmpp.due import Aspect, Due, Priority, Scope, ScopeKind
from kleanxmpp.due_ports import LONGEST_PAUSE
from kleanxmpp.model import Company
from kleanxmpp.ports import Directory
from tests.contracts.directory_base import DirectoryBase, saved_company, saved_group, saved_user, saved_users
from tests.factories import AT, a_company, a_mark, a_user

SECOND = timedelta(seconds=1)


async def marked(directory: Directory, *marks: Due) -> Due:
    """Mark, and return the row of the last one."""
    async with directory.write() as tx:
        await tx.mark_due(marks)
        found = await tx.due(marks[-1].scope)
    assert found is not None
    return found


class DueContract(DirectoryBase):
    async def test_a_mark_is_due_at_once_unless_it_says_when(self, directory: Directory) -> None:
        mark = a_mark(a_user(), aspects=Aspect.PROFILE)
        found = await marked(directory, mark)
        assert found == replace(mark, revision=found.revision, next_attempt_at=AT)
        later = await marked(directory, a_mark(a_user(), next_attempt_at=AT + SECOND))
        assert later.next_attempt_at == AT + SECOND
        undated = await marked(directory, a_mark(a_user(), marked_at=None))
        assert undated.marked_at is not None
        assert undated.next_attempt_at == undated.marked_at
        assert undated.marked_at <= datetime.now(UTC)

    async def test_marks_of_one_scope_merge(self, directory: Directory) -> None:
        user = a_user()
        first = await marked(directory, a_mark(user, aspects=Aspect.PROFILE, priority=Priority.BACKGROUND))
        second = a_mark(user, aspects=Aspect.ACCESS, priority=Priority.OFFBOARDING, marked_at=AT + SECOND)
        third = a_mark(user, aspects=Aspect.ACCESS, priority=Priority.CHANGE, marked_at=AT + 2 * SECOND)
        merged = await marked(directory, second, third)
        assert merged == replace(
            first,
            aspects=Aspect.PROFILE | Aspect.ACCESS,
            priority=Priority.OFFBOARDING,
            revision=first.revision + 2,
        )

    async def test_a_new_mark_ends_the_waiting_after_a_failure(self, directory: Directory) -> None:
        user = a_user()
        due = await marked(directory, a_mark(user))
        async with directory.write() as tx:
            await tx.fail_due(due, error="away", next_attempt_at=AT + 100 * SECOND)
            failed = await tx.due(due.scope)
        assert failed == replace(due, attempts=1, last_error="away", next_attempt_at=AT + 100 * SECOND)
        again = await marked(directory, a_mark(user, marked_at=AT + SECOND))
        assert (again.attempts, again.next_attempt_at, again.last_error) == (0, AT + SECOND, "away")

    async def test_a_mark_for_later_does_not_delay_what_is_due(self, directory: Directory) -> None:
        user = a_user()
        await marked(directory, a_mark(user))
        merged = await marked(directory, a_mark(user, next_attempt_at=AT + 100 * SECOND))
        assert merged.next_attempt_at == AT

    async def test_what_was_marked_meanwhile_is_not_finished(self, directory: Directory) -> None:
        user = a_user()
        taken = await marked(directory, a_mark(user))
        newer = await marked(directory, a_mark(user))
        async with directory.write() as tx:
            await tx.finish_due([taken])
            assert await tx.due(newer.scope) == newer
            await tx.finish_due([newer])
            assert await tx.due(newer.scope) is None
            await tx.finish_due([newer])

    async def test_many_are_finished_at_once_and_each_by_its_own_mark(self, directory: Directory) -> None:
        first, second, third = [await marked(directory, a_mark(a_user())) for _ in range(3)]
        newer = await marked(directory, replace(second, marked_at=AT))
        async with directory.write() as tx:
            await tx.finish_due([])
            await tx.finish_due([third, second, replace(first, marked_at=None)])
            assert [await tx.due(one.scope) for one in (first, second, third)] == [None, newer, None]

    async def test_what_was_finished_and_marked_again_is_not_finished_by_the_old_one(
        self, directory: Directory
    ) -> None:
        user = a_user()
        old = await marked(directory, a_mark(user))
        async with directory.write() as tx:
            await tx.finish_due([old])
        new = await marked(directory, a_mark(user, marked_at=AT + SECOND))
        async with directory.write() as tx:
            await tx.finish_due([old])
            assert await tx.due(new.scope) == new

    async def test_a_newer_mark_keeps_its_schedule_when_the_older_work_fails(self, directory: Directory) -> None:
        user = a_user()
        taken = await marked(directory, a_mark(user))
        newer = await marked(directory, a_mark(user))
        async with directory.write() as tx:
            await tx.fail_due(taken, error="away", next_attempt_at=AT + 100 * SECOND)
            assert await tx.due(newer.scope) == newer

    async def test_due_scopes_come_by_priority_then_kind_then_oldest_first(self, directory: Directory) -> None:
        late = timedelta(minutes=5)

        def mark(name: str, kind: ScopeKind, priority: Priority, after: timedelta = 0 * SECOND) -> Due:
            scope = Scope(kind=kind, company_id="c1", id=name)
            return Due(scope=scope, priority=priority, marked_at=AT + after)

        urgent = mark("urgent", ScopeKind.USER, Priority.OFFBOARDING, 2 * SECOND)
        company = mark("company", ScopeKind.COMPANY, Priority.CHANGE, 2 * SECOND)
        group = mark("group", ScopeKind.GROUP, Priority.CHANGE, 2 * SECOND)
        old, young = (
            mark("old", ScopeKind.USER, Priority.CHANGE),
            mark("young", ScopeKind.USER, Priority.CHANGE, SECOND),
        )
        swept = mark("swept", ScopeKind.COMPANY, Priority.BACKGROUND)
        future = replace(mark("future", ScopeKind.USER, Priority.OFFBOARDING, 3 * SECOND), next_attempt_at=AT + late)
        await marked(directory, swept, young, old, group, company, urgent, future)
        order = ["urgent", "company", "group", "old", "young", "swept"]
        async with directory.read() as tx:
            taken = await tx.take_due(now=AT + 3 * SECOND, limit=9)
            assert [due.scope.id for due in taken] == order
            assert await tx.take_due(now=AT + 3 * SECOND, limit=2) == taken[:2]
            besides = {due.scope for due in (*taken[:2], taken[3])}
            assert await tx.take_due(now=AT + 3 * SECOND, limit=2, besides=besides) == [taken[2], taken[4]]
            everything = await tx.page_due("c1", limit=9)
            assert [due.scope.id for due in everything] == ["urgent", "future", *order[1:]]
            assert await tx.page_due("c1", limit=1) == everything[:1]
            assert await tx.page_due("c2", limit=1) == []
            assert await tx.count_due("c1") == 7
            assert await tx.count_due("c2") == 0

    async def test_a_mark_by_a_clock_that_is_ahead_is_due_at_once(self, directory: Directory) -> None:
        due = await marked(directory, a_mark(a_user(), marked_at=AT + timedelta(days=1)))
        async with directory.read() as tx:
            assert await tx.take_due(now=AT, limit=9) == [due]

    async def test_a_pause_planned_before_the_clock_was_set_back_is_not_waited_for(self, directory: Directory) -> None:
        due = await marked(directory, a_mark(a_user()))
        async with directory.write() as tx:
            await tx.fail_due(due, error="away", next_attempt_at=AT + LONGEST_PAUSE)
            assert await tx.take_due(now=AT, limit=9) == []
            assert [found.scope for found in await tx.take_due(now=AT - SECOND, limit=9)] == [due.scope]

    async def test_the_next_attempt_is_the_earliest(self, directory: Directory) -> None:
        async with directory.write() as tx:
            assert await tx.next_attempt_at() is None
            await tx.mark_due([a_mark(a_user(), next_attempt_at=AT + SECOND)])
            await tx.mark_due([a_mark(a_user(), next_attempt_at=AT + 2 * SECOND)])
            assert await tx.next_attempt_at() == AT + SECOND
            (first,) = await tx.take_due(now=AT + SECOND, limit=1)
            assert await tx.next_attempt_at(besides=[first.scope]) == AT + 2 * SECOND
            await tx.mark_due([])

    async def test_kinds_with_one_id_are_different_scopes(self, directory: Directory) -> None:
        for kind in ScopeKind:
            await marked(directory, Due(scope=Scope(kind=kind, company_id="c1", id="same"), marked_at=AT))
        async with directory.read() as tx:
            assert await tx.count_due("c1") == 3

    async def test_everybody_of_a_company_or_a_circle_is_marked(self, directory: Directory, company: Company) -> None:
        anna, bob = await saved_users(directory, a_user(company), a_user(company, active=False))
        group = await saved_group(directory, company, bob)
        stranger = await saved_user(directory, await saved_company(directory, a_company()))
        facts = {"aspects": Aspect.BOOKMARKS, "priority": Priority.BACKGROUND, "at": AT}
        async with directory.write(company.id) as tx:
            await tx.mark_due([a_mark(bob, aspects=Aspect.ACCESS)])
            await tx.mark_users_due(company.id, group_id=group.id, **facts)
            assert await tx.count_due(company.id) == 1
            await tx.mark_users_due(company.id, **facts)
            assert await tx.count_due(company.id) == 2
            assert await tx.count_due(stranger.company_id) == 0
            bobs = await tx.due(a_mark(bob).scope)
            assert bobs is not None
            assert (bobs.aspects, bobs.priority) == (Aspect.ACCESS | Aspect.BOOKMARKS, Priority.CHANGE)
            annas = await tx.due(a_mark(anna).scope)
            assert annas is not None
            assert annas == a_mark(
                anna,
                revision=annas.revision,
                next_attempt_at=AT,
                aspects=Aspect.BOOKMARKS,
                priority=Priority.BACKGROUND,
            )
