"""Charts where a person would rather look than read: bars in SVG, with the same numbers as a table beneath.

Everything is a count or a time over all people of a company. Nothing here can be asked about one person.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from kleanxmpp.statistics_ports import DailyCount

from . import formats
from .visits import Visit

WEEKS, DAYS = 12, 30
_MOST = 5000
_WIDTH, _HEIGHT, _TOP = 360.0, 90.0, 16.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar, as it is drawn: `label` under it, `text` for its value. Height 0: nothing was there."""

    label: str
    text: str
    more: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """All bars of a chart. `greatest` says what the highest stands for."""

    bars: Sequence[Bar]
    greatest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Bars under one title. `columns` head the table."""

    id: str
    title: str
    words: str
    columns: tuple[str, ...]
    drawn: Drawn

    @property
    def empty(self) -> bool:
        """Whether there is nothing to see."""
        return not any(bar.height for bar in self.drawn.bars)


async def charts(visit: Visit) -> list[Chart]:
    """Return the charts of a company that have something to show."""
    zone = ZoneInfo(visit.company.timezone)
    today = visit.now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday(), weeks=WEEKS - 1)
    begins = datetime.combine(monday, datetime.min.time(), tzinfo=zone)
    async with visit.directory.read() as tx:
        proven = await tx.proven_offboardings(visit.company.id, since=begins, limit=_MOST)
        days = await tx.daily_counts(visit.company.id, since=today - timedelta(days=DAYS - 1))
    made = [_off_boardings(visit, monday, proven, zone=zone), *_daily(visit, today, days)]
    return [chart for chart in made if not chart.empty]


def _off_boardings(visit: Visit, monday: date, proven: Iterable[tuple[datetime, datetime]], *, zone: ZoneInfo) -> Chart:
    weeks: dict[date, list[float]] = defaultdict(list)
    for asked, done in proven:
        day = asked.astimezone(zone).date()
        weeks[day - timedelta(days=day.weekday())].append((done - asked).total_seconds() * 1000)
    rows = []
    for begins in (monday + timedelta(weeks=number) for number in range(WEEKS)):
        took = weeks.get(begins, [])
        longest = visit.say(
            "%(count)s, the longest %(longest)s", count=len(took), longest=_lasted(visit, max(took, default=0))
        )
        rows.append((begins, median(took) if took else 0.0, longest if took else "0"))
    return Chart(
        id="off-boarding-times",
        title=visit.say("How long off-boardings took"),
        words=visit.say("From the request to the proof; half of a week's off-boardings were faster than its bar."),
        columns=(visit.say("Week from"), visit.say("Half were faster than"), visit.say("Off-boardings")),
        drawn=_drawn(visit, rows, text=lambda value: _lasted(visit, value)),
    )


def _daily(visit: Visit, today: date, counts: Sequence[DailyCount]) -> list[Chart]:
    known = {one.day: one for one in counts}
    days = [today - timedelta(days=DAYS - 1 - number) for number in range(DAYS)]

    def rows(value: Callable[[DailyCount], int]) -> list[tuple[date, float, str]]:
        return [(day, float(value(known[day])) if day in known else 0.0, "") for day in days]

    def text(value: float) -> str:
        return formats.number(value, language=visit.language)

    return [
        Chart(
            id="active-people",
            title=visit.say("Active people a day"),
            words=visit.say("How many people were connected to the chat on a day. Only the number is kept, not who."),
            columns=(visit.say("Day"), visit.say("People")),
            drawn=_drawn(visit, rows(lambda one: one.active_people), text=text),
        ),
        Chart(
            id="messages",
            title=visit.say("Messages a day"),
            words=visit.say("How many messages all people together sent. Nothing in them is looked at."),
            columns=(visit.say("Day"), visit.say("Messages")),
            drawn=_drawn(visit, rows(lambda one: one.messages), text=text),
        ),
    ]


def _drawn(visit: Visit, rows: Sequence[tuple[date, float, str]], *, text: Callable[[float], str]) -> Drawn:
    greatest = max((value for _, value, _ in rows), default=0.0)
    step = _WIDTH / len(rows)
    bars = []
    for number, (day, value, more) in enumerate(rows):
        height = 0.0 if not greatest else max(value / greatest * _HEIGHT, 1.5 if value else 0.0)
        bar = Bar(
            label=f"{day:%d.%m.%Y}" if visit.language == "de" else f"{day:%d %b %Y}",
            text=text(value) if value else "0",
            more=more,
            x=round(number * step + step * 0.1, 1),
            y=round(_TOP + _HEIGHT - height, 1),
            width=round(step * 0.8, 1),
            height=round(height, 1),
        )
        bars.append(bar)
    return Drawn(bars=bars, greatest=text(greatest))


def _lasted(visit: Visit, milliseconds: float) -> str:
    if milliseconds < 120_000:
        return formats.duration(milliseconds, language=visit.language)
    if milliseconds < 7_200_000:
        return f"{milliseconds / 60_000:.0f} min"
    return f"{milliseconds / 3_600_000:.0f} h"
