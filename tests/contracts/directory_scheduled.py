"""What is to happen later."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kleanxmpp import errors, ids
from kleanxmpp.model import Company, Door
from kleanxmpp.ports import Directory
from kleanxmpp.scheduled_ports import ChangeKind, ScheduledChange, ScheduleState
from tests.contracts.directory_base import DirectoryBase, saved_company, saved_user
from tests.factories import AT, a_company

HOUR = timedelta(hours=1)
EVERY_STATE = frozenset(ScheduleState)
PENDING = {ScheduleState.PENDING}


def a_plan(company: Company, **facts: Any) -> ScheduledChange:
    given = {"kind": ChangeKind.LEFT, "effective_at": AT, "created_at": AT, "aware_at": AT, "actor": "hook:1"} | facts
    return ScheduledChange(**{"id": ids.new_id(), "company_id": company.id} | given)


async def saved_plan(directory: Directory, company: Company, **facts: Any) -> ScheduledChange:
    plan = a_plan(company, **facts)
    async with directory.write(company.id) as tx:
        await tx.add_scheduled(plan)
    return plan


class ScheduledContract(DirectoryBase):
    async def test_a_plan_comes_back_as_saved_and_only_in_its_company(
        self, directory: Directory, company: Company
    ) -> None:
        user, other = await saved_user(directory, company), await saved_company(directory, a_company())
        said = {"active": False, "attributes": {"site": ["Süd"]}, "email": None}
        plan = await saved_plan(
            directory, company, user_id=user.id, said=said, reason="ä", door=Door.HR, aware_of={"a": None}
        )
        later = replace(
            plan, said={}, state=ScheduleState.FAILED, result="no", finished_at=AT + HOUR, aware_at=AT + HOUR, version=2
        )
        async with directory.write(company.id) as tx:
            assert await tx.scheduled(company.id, plan.id) == plan
            assert await tx.scheduled(other.id, plan.id) is None
            await tx.save_scheduled(replace(later, company_id=other.id))
            assert await tx.scheduled(company.id, plan.id) == plan
            await tx.save_scheduled(later)
            assert await tx.scheduled(company.id, plan.id) == later

    async def test_a_plan_is_for_somebody_of_the_company(self, directory: Directory, company: Company) -> None:
        stranger = await saved_user(directory, await saved_company(directory, a_company()))
        for facts in ({"user_id": stranger.id}, {"user_id": ids.new_id()}):
            with pytest.raises(errors.NotFound):
                await saved_plan(directory, company, **facts)

    async def test_the_pending_ones_of_a_person_are_found_by_either_id(
        self, directory: Directory, company: Company
    ) -> None:
        user, other = await saved_user(directory, company), await saved_user(directory, company)
        last = await saved_plan(directory, company, user_id=user.id, effective_at=AT + HOUR)
        second = await saved_plan(directory, company, external_id="4711", created_at=AT + HOUR)
        first = await saved_plan(directory, company, user_id=user.id)
        await saved_plan(directory, company, user_id=other.id)
        await saved_plan(directory, company, user_id=user.id, state=ScheduleState.DONE)
        async with directory.read() as tx:
            both = await tx.pending_of(company.id, user_id=user.id, external_id="4711")
            assert both == [first, second, last]
            assert await tx.pending_of(company.id, user_id=user.id, external_id=None) == [first, last]
            assert await tx.pending_of(company.id, user_id=None, external_id="4711") == [second]
            assert await tx.pending_of(company.id, user_id=None, external_id=None) == []
            assert await tx.pending_of("other", user_id=user.id, external_id="4711") == []

    async def test_plans_are_paged_in_the_order_of_their_moments(self, directory: Directory, company: Company) -> None:
        user = await saved_user(directory, company)
        late = await saved_plan(directory, company, user_id=user.id, effective_at=AT + HOUR)
        early = [await saved_plan(directory, company, id=f"{n:032x}", external_id=str(n)) for n in range(2)]
        done = await saved_plan(directory, company, id="f" * 32, state=ScheduleState.DONE)
        async with directory.read() as tx:

            async def page(**options: Any) -> list[ScheduledChange]:
                given = {"user_id": None, "states": PENDING, "after": None, "limit": 9} | options
                return list(await tx.page_scheduled(company.id, **given))

            assert await page() == [*early, late]
            assert await page(limit=1) == early[:1]
            assert await page(after=(AT, early[0].id)) == [early[1], late]
            assert await page(after=(AT, early[1].id)) == [late]
            assert await page(user_id=user.id) == [late]
            assert await page(states={ScheduleState.DONE}) == [done]
            assert await page(states=EVERY_STATE) == [*early, done, late]
            assert await page(states=[]) == []

    async def test_what_is_due_is_found_in_all_companies_and_in_order(
        self, directory: Directory, company: Company
    ) -> None:
        other = await saved_company(directory, a_company())
        async with directory.read() as tx:
            assert await tx.next_change_at() is None
        third = await saved_plan(directory, company, effective_at=AT + HOUR)
        second = await saved_plan(directory, other, created_at=AT + HOUR)
        first = await saved_plan(directory, company)
        await saved_plan(directory, company, effective_at=AT - HOUR, state=ScheduleState.CANCELLED)
        async with directory.read() as tx:
            assert await tx.due_changes(now=AT - timedelta(microseconds=1), limit=9) == []
            assert await tx.due_changes(now=AT, limit=9) == [first, second]
            assert await tx.due_changes(now=AT + HOUR, limit=9) == [first, second, third]
            assert await tx.due_changes(now=AT + HOUR, limit=1) == [first]
            assert await tx.next_change_at() == AT
            assert await tx.next_change_at(other.id) == AT
            assert await tx.next_change_at("nobody's") is None
            assert await tx.count_scheduled(company.id) == {ScheduleState.PENDING: 2, ScheduleState.CANCELLED: 1}
            assert await tx.count_scheduled("nobody's") == {}

    async def test_what_is_planned_for_a_person_goes_with_the_person(
        self, directory: Directory, company: Company
    ) -> None:
        user, other = await saved_user(directory, company), await saved_user(directory, company)
        for state in ScheduleState:
            await saved_plan(directory, company, user_id=user.id, state=state)
        kept = await saved_plan(directory, company, user_id=other.id)
        async with directory.write(company.id) as tx:
            await tx.delete_user(company.id, user.id)
            assert await tx.page_scheduled(company.id, user_id=None, states=EVERY_STATE, after=None, limit=9) == [kept]

    async def test_a_plan_wakes_who_waits_for_changes(self, directory: Directory, company: Company) -> None:
        await directory.wait_for_change(timeout=0.05)
        waiting = asyncio.create_task(directory.wait_for_change(timeout=30))
        plan = await saved_plan(directory, company)
        await asyncio.wait_for(waiting, 10)
        waiting = asyncio.create_task(directory.wait_for_change(timeout=30))
        async with directory.write(company.id) as tx:
            await tx.save_scheduled(replace(plan, version=2))
        await asyncio.wait_for(waiting, 10)
