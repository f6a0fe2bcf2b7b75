"""Numbers over time."""

from datetime import date, timedelta

from kleanxmpp.model import Company
from kleanxmpp.ports import Directory
from kleanxmpp.statistics_ports import DailyCount
from tests.contracts.directory_base import DirectoryBase, saved_company
from tests.contracts.directory_records import HOUR, SECOND, an_offboarding
from tests.factories import AT, a_company

MONDAY = date(2026, 11, 16)


class StatisticsContract(DirectoryBase):
    async def test_days_are_kept_replaced_and_read_in_their_order(self, directory: Directory, company: Company) -> None:
        other = await saved_company(directory, a_company())
        days = [DailyCount(company_id=company.id, day=MONDAY + timedelta(days=n), messages=n) for n in range(3)]
        async with directory.write() as tx:
            for day in (days[2], days[0], DailyCount(company_id=company.id, day=days[1].day, messages=9), days[1]):
                await tx.save_daily_count(day)
            await tx.save_daily_count(DailyCount(company_id=other.id, day=MONDAY, active_people=7, reading=2**40))
        async with directory.read() as tx:
            assert list(await tx.daily_counts(company.id)) == days
            assert list(await tx.daily_counts(company.id, since=days[1].day)) == days[1:]
            assert list(await tx.daily_counts(company.id, newest=True)) == days[2:]
            assert [(one.active_people, one.reading) for one in await tx.daily_counts(other.id)] == [(7, 2**40)]
            assert list(await tx.daily_counts("nobody", newest=True)) == []

    async def test_how_long_proven_off_boardings_took_is_read(self, directory: Directory, company: Company) -> None:
        begun = [
            an_offboarding(company, "1", requested_at=AT, completed_at=AT + SECOND),
            an_offboarding(company, "2", requested_at=AT + HOUR, completed_at=AT + 2 * HOUR),
            an_offboarding(company, "3", requested_at=AT + HOUR),
            an_offboarding(company, "4", requested_at=AT + HOUR, cancelled_at=AT + HOUR),
        ]
        async with directory.write(company.id) as tx:
            await tx.add_offboardings(begun)
        async with directory.read() as tx:
            both = [(AT + HOUR, AT + 2 * HOUR), (AT, AT + SECOND)]
            assert list(await tx.proven_offboardings(company.id, since=AT, limit=9)) == both
            assert list(await tx.proven_offboardings(company.id, since=AT, limit=1)) == both[:1]
            assert list(await tx.proven_offboardings(company.id, since=AT + SECOND, limit=9)) == both[:1]
            assert list(await tx.proven_offboardings("other", since=AT, limit=9)) == []
