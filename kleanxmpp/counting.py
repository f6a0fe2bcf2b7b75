"""Looking at a company once a minute: messages sent and people who were there, as counts, and never whose.

The same round writes down which devices came or went (`devices`).

Who was there today is kept in memory until midnight, so that nobody is counted twice, and is written nowhere. After
a restart a day's people are counted anew, and the larger number stays. The server counts messages itself; what it
counted since the last look belongs to the day of this look.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from kleanxmpp import devices, errors
from kleanxmpp.model import Company
from kleanxmpp.ports import Directory, Server
from kleanxmpp.statistics_ports import DailyCount

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Counter:
    """Looks at each company from time to time.

    `_here`: who was there on a company's newest day. `_taken`: what the server may forget of a company's devices.
    """

    directory: Directory
    server: Server
    _here: dict[str, tuple[date, set[str]]] = field(default_factory=dict)
    _taken: dict[str, Sequence[str]] = field(default_factory=dict)

    async def look(self, *, now: datetime) -> None:
        """Look at all enabled companies once; one that cannot be seen is left out. Raises DirectoryUnavailable."""
        async with self.directory.read() as tx:
            companies = [one for one in await tx.companies() if one.enabled]
        for company in companies:
            try:
                await self._count(company, now=now)
            except errors.ServerError as error:
                log.warning("not counted", extra={"company": company.id, "error": str(error)})
            try:
                await self._see_devices(company, now=now)
            except errors.ServerError as error:
                log.warning("devices not looked at", extra={"company": company.id, "error": str(error)})

    async def _see_devices(self, company: Company, *, now: datetime) -> None:
        taken = self._taken.get(company.id, ())
        self._taken[company.id] = await devices.write_down(self.directory, self.server, company, taken=taken, now=now)

    async def _count(self, company: Company, *, now: datetime) -> None:
        day = now.astimezone(ZoneInfo(company.timezone)).date()
        reading, online = await self.server.messages_sent(company), await self.server.online(company)
        known, here = self._here.get(company.id, (day, set()))
        here = here | online if known == day else set(online)
        self._here[company.id] = day, here
        async with self.directory.read() as tx:
            last = next(iter(await tx.daily_counts(company.id, newest=True)), None)
        counted = after(last, company_id=company.id, day=day, reading=reading, people=len(here))
        if counted != last:
            async with self.directory.write() as tx:
                await tx.save_daily_count(counted)


def after(last: DailyCount | None, *, company_id: str, day: date, reading: int, people: int) -> DailyCount:
    """Return the day as it is after a look. A reading smaller than the last one: the server started anew."""
    if last is None:
        return DailyCount(company_id=company_id, day=day, active_people=people, reading=reading)
    fresh = reading - last.reading if reading >= last.reading else reading
    today = last if last.day >= day else DailyCount(company_id=company_id, day=day)
    people = max(today.active_people, people) if last.day <= day else today.active_people
    return replace(today, messages=today.messages + fresh, active_people=people, reading=reading)


async def count_for_ever(directory: Directory, server: Server, *, every: float) -> None:
    """Look every so many seconds, until cancelled. The first look comes after the first pause."""
    counter = Counter(directory=directory, server=server)
    while True:
        await asyncio.sleep(every)
        try:
            await counter.look(now=datetime.now(UTC))
        except errors.DirectoryUnavailable:
            log.warning("directory unavailable, companies are counted later")
