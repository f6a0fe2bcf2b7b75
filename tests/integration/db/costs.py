"""What every database's transaction may cost, in statements. Subclass and override the fixture `directory`."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest

from kleanxmpp import chains, events
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.db.statements import count_statements
from kleanxmpp.device_ports import MARK_LENGTH, DeviceSeen
from kleanxmpp.due import Aspect, Priority
from kleanxmpp.model import Company, Role
from kleanxmpp.ports import Transaction
from tests.contracts.directory_base import DirectoryBase, saved_group, saved_user, saved_users
from tests.contracts.directory_records import an_entry
from tests.factories import AT, a_credential, a_mark, a_user, a_webhook, an_event

Work = Callable[[Transaction], Awaitable[object]]


async def _save_webhooks(tx: Transaction, company: Company, webhook_ids: Sequence[str]) -> None:
    for webhook_id in webhook_ids:
        await tx.save_webhook(a_webhook(company, id=webhook_id))


async def statements_of(directory: SqlDirectory, company: Company, work: Work) -> int:
    with count_statements(directory) as sent:
        async with directory.write(company.id) as tx:
            await work(tx)
    return len(sent)


class CostsContract(DirectoryBase):
    @pytest.mark.parametrize("size", [3, 300])
    async def test_one_person_costs_the_same_in_every_company(
        self, directory: SqlDirectory, company: Company, size: int
    ) -> None:
        people = await saved_users(directory, *(a_user(company) for _ in range(size)))
        groups = [await saved_group(directory, company, *people) for _ in range(3)]
        joiner = await saved_user(directory, company)
        roles = {joiner.id: Role.MEMBER}
        last = people[-1]

        async def cost(work: Work) -> int:
            return await statements_of(directory, company, work)

        nothing = await cost(lambda tx: tx.company(company.id)) - 1
        assert await cost(lambda tx: tx.person(company.id, last.id)) - nothing == 5
        assert await cost(lambda tx: tx.page_people(company.id, after=None, limit=size)) - nothing == 5
        assert await cost(lambda tx: tx.group_circle(company.id, groups[0].id)) - nothing == 4
        assert await cost(lambda tx: tx.put_members(groups[0].id, roles)) - nothing == 5
        assert await cost(lambda tx: tx.remove_members(groups[0].id, [joiner.id])) - nothing == 2
        assert await cost(lambda tx: tx.save_users([replace(last, version=9)])) - nothing == 3
        assert await cost(lambda tx: tx.roles_of(groups[0].id, [last.id])) - nothing == 1
        everybody: Work = lambda tx: tx.mark_users_due(  # noqa: E731 - reads like its neighbours
            company.id, aspects=Aspect.ALL, priority=Priority.CHANGE, at=AT
        )
        assert await cost(everybody) - nothing <= 2

    @pytest.mark.parametrize("size", [1, 1000])
    async def test_devices_seen_are_one_look_and_one_write(
        self, directory: SqlDirectory, company: Company, size: int
    ) -> None:
        people = await saved_users(directory, *(a_user(company) for _ in range(size)))
        held = [a_credential(user) for user in people]
        async with directory.write(company.id) as tx:
            await tx.add_credentials(held)
        seen = [
            DeviceSeen(username=user.username, mark=secret[:MARK_LENGTH], at=AT)
            for user, (_, secret) in zip(people, held, strict=True)
        ]
        nothing = await statements_of(directory, company, lambda tx: tx.company(company.id)) - 1
        assert await statements_of(directory, company, lambda tx: tx.note_devices_seen(company.id, seen)) - nothing == 2
        assert await statements_of(directory, company, lambda tx: tx.note_devices_seen(company.id, [])) - nothing == 0
        async with directory.read() as tx:
            assert [one.last_seen_at for one in await tx.credentials(people[-1].id)] == [AT]

    async def test_who_tells_nobody_pays_one_look(self, directory: SqlDirectory, company: Company) -> None:
        people = [(None, a_user(company)) for _ in range(1000)]

        async def tell(tx: Transaction) -> None:
            await events.people_changed(tx, before=company, after=company, people=people, now=AT)

        nothing = await statements_of(directory, company, lambda tx: tx.company(company.id)) - 1
        assert await statements_of(directory, company, tell) - nothing == 1
        async with directory.write(company.id) as tx:
            await tx.save_webhook(a_webhook(company))
        assert await statements_of(directory, company, tell) - nothing == 3

    async def test_ten_thousand_values_are_a_handful_of_statements(
        self, directory: SqlDirectory, company: Company
    ) -> None:
        people = [a_user(company) for _ in range(10_000)]
        ids = [user.id for user in people]

        async def cost(work: Work) -> int:
            return await statements_of(directory, company, work)

        assert await cost(lambda tx: tx.add_users(people)) <= 8
        assert await cost(lambda tx: tx.save_users(people)) <= 8
        assert await cost(lambda tx: tx.users_by_id(company.id, ids)) <= 8
        assert await cost(lambda tx: tx.mark_due([a_mark(user) for user in people])) <= 8
        group = await saved_group(directory, company)
        assert await cost(lambda tx: tx.put_members(group.id, dict.fromkeys(ids, Role.MEMBER))) <= 8
        assert await cost(lambda tx: tx.remove_members(group.id, ids)) <= 8
        entries = [an_entry(company.id, f"action{number}") for number in range(10_000)]
        assert await cost(lambda tx: tx.add_audit(entries[:1])) <= 7
        assert await cost(lambda tx: tx.add_audit(entries)) <= 5
        hooks = [a_webhook(company).id for _ in range(2)]
        happened = [an_event(company) for _ in range(10_000)]
        assert await cost(lambda tx: _save_webhooks(tx, company, hooks)) <= 4
        assert await cost(lambda tx: tx.add_events(happened, webhook_ids=hooks)) <= 4
        assert await cost(lambda tx: tx.redeliver_since(a_webhook(company, id=hooks[0]), since=AT, at=AT)) <= 3
        assert 5 < await cost(lambda tx: chains.verify(tx, company.id)) < 10, "a page at a time, flat in memory"
