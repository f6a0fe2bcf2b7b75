"""Counting days: what was sent since the last look, who was there, and never less than was known."""

from datetime import UTC, date, datetime, timedelta

import pytest

from kleanxmpp import errors
from kleanxmpp.counting import Counter, after
from kleanxmpp.statistics_ports import DailyCount
from kleanxmpp.testing_directory import MemoryDirectory
from kleanxmpp.testing_server import MemoryServer
from tests.contracts.directory_base import saved_company
from tests.factories import a_company

MONDAY, TUESDAY = date(2026, 11, 16), date(2026, 11, 17)
NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)


def count(messages: int = 0, active_people: int = 0, reading: int = 0, *, day: date = MONDAY) -> DailyCount:
    return DailyCount(company_id="firma", day=day, messages=messages, active_people=active_people, reading=reading)


@pytest.mark.parametrize(
    ("last", "day", "reading", "people", "wanted"),
    [
        (None, MONDAY, 500, 3, count(0, 3, 500)),
        (count(5, 3, 500), MONDAY, 507, 4, count(12, 4, 507)),
        (count(5, 3, 500), MONDAY, 500, 1, count(5, 3, 500)),
        (count(5, 3, 500), MONDAY, 2, 3, count(7, 3, 2)),
        (count(5, 3, 500), TUESDAY, 501, 1, count(1, 1, 501, day=TUESDAY)),
        (count(5, 3, 500, day=TUESDAY), MONDAY, 501, 9, count(6, 3, 501, day=TUESDAY)),
    ],
    ids=["first look", "the same day", "nothing new", "server restarted", "next day", "clock went back"],
)
def test_a_look_adds_what_is_new(
    last: DailyCount | None, day: date, reading: int, people: int, wanted: DailyCount
) -> None:
    assert after(last, company_id="firma", day=day, reading=reading, people=people) == wanted


async def test_a_day_counts_everybody_once_and_begins_at_the_companys_midnight() -> None:
    directory, server = MemoryDirectory(), MemoryServer()
    company = await saved_company(directory, a_company(timezone="Europe/Berlin"))
    held, counter = server.holdings(company), Counter(directory=directory, server=server)
    held.messages_sent = 10
    for minute, (here, sent) in enumerate([("anna", 0), ("ben", 4), ("anna", 1), ("", 0)]):
        held.sessions = {here: {"phone": NOON}} if here else {}
        held.messages_sent += sent
        await counter.look(now=NOON + timedelta(minutes=minute))
    held.sessions, held.messages_sent = {"ben": {"phone": NOON}}, 17
    await counter.look(now=datetime(2026, 11, 16, 23, 30, tzinfo=UTC))
    async with directory.read() as tx:
        days = await tx.daily_counts(company.id)
    assert [(one.day, one.messages, one.active_people) for one in days] == [(MONDAY, 5, 2), (TUESDAY, 2, 1)]


async def test_a_server_that_is_away_leaves_the_day_as_it_is() -> None:
    directory, server = MemoryDirectory(), MemoryServer()
    company = await saved_company(directory, a_company())
    await Counter(directory=directory, server=server).look(now=NOON)
    async with directory.read() as tx:
        before = await tx.daily_counts(company.id)
    server.away = True
    with pytest.raises(errors.Temporary):
        await server.messages_sent(company)
    await Counter(directory=directory, server=server).look(now=NOON)
    async with directory.read() as tx:
        assert await tx.daily_counts(company.id) == before
