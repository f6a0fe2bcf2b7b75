"""Charts: counts and times of a whole company as bars, with the same numbers as a table; nothing about one person."""

import re
from datetime import UTC, datetime, timedelta

from admin_api.website.charts import DAYS, WEEKS
from kleanxmpp import ids
from kleanxmpp.model import Offboarding
from kleanxmpp.statistics_ports import DailyCount
from tests.integration.admin_api.desk import Desk
from tests.integration.website.browser import Browser, Shown


def table(shown: Shown, chart: str) -> dict[str, list[str]]:
    """The numbers of a chart by the heads of their rows."""
    part = shown.text.split(f'id="{chart}-title"')[1].split("</article>")[0]
    rows = re.findall(r'<th scope="row">([^<]+)</th>((?:<td>[^<]*</td>)+)', part)
    return {head: re.findall(r"<td>([^<]*)</td>", cells) for head, cells in rows}


async def took(desk: Desk, *seconds: float, days_ago: int) -> None:
    asked = datetime.now(UTC) - timedelta(days=days_ago)
    begun = [
        Offboarding(
            id=ids.new_id(),
            company_id=desk.company.id,
            user_id=ids.new_id(),
            reason=None,
            actor="test",
            requested_at=asked,
            completed_at=asked + timedelta(seconds=one),
        )
        for one in seconds
    ]
    async with desk.directory.write(desk.company.id) as tx:
        await tx.add_offboardings(begun)


async def test_nothing_is_drawn_where_nothing_is_known(admin: Browser) -> None:
    assert "<svg" not in (await admin.open("/")).text


async def test_off_boarding_times_are_told_by_week(admin: Browser) -> None:
    await took(admin.desk, 0.2, 0.4, 7200.0, days_ago=0)
    await took(admin.desk, 0.1, days_ago=7)
    await took(admin.desk, 90.0, days_ago=7 * WEEKS)
    shown = await admin.open("/")
    weeks = table(shown, "off-boarding-times")
    assert len(weeks) == WEEKS
    assert list(weeks.values())[:3] == [
        ["400 ms", "3, the longest 2 h"],
        ["100 ms", "1, the longest 100 ms"],
        ["0", "0"],
    ]
    part = shown.text.split("<svg")[1].split("</svg>")[0]
    heights = [float(found) for found in re.findall(r'<rect [^>]*height="([\d.]+)"', part)]
    assert len(heights) == 2 and heights[0] == heights[1] / 4, "the highest bar is the slowest week, nothing is cut off"
    assert 'role="img"' in part and "<desc" in part and "style=" not in part


async def test_messages_and_active_people_are_told_by_day_in_both_languages(admin: Browser) -> None:
    desk, today = admin.desk, datetime.now(UTC).date()
    async with desk.directory.write() as tx:
        for number in (0, 1, DAYS + 1):
            day = today - timedelta(days=number)
            await tx.save_daily_count(
                DailyCount(company_id=desk.company.id, day=day, messages=1234 + number, active_people=7, reading=9)
            )
    shown = await admin.open("/")
    assert [cells for cells in table(shown, "messages").values() if cells != ["0"]] == [["1,234"], ["1,235"]]
    assert len(table(shown, "active-people")) == DAYS
    admin.language = "de"
    shown = await admin.open("/")
    assert "Nachrichten am Tag" in shown.text and "Nur die Anzahl wird aufbewahrt, nicht wer." in shown.text
    assert table(shown, "messages")[f"{today - timedelta(days=1):%d.%m.%Y}"] == ["1.235"]
