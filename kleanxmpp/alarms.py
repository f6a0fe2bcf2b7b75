"""What needs somebody's eyes and is told once until it has ended: overdue off-boardings, red lines of the doctor.

A line of the doctor has ended when it is seen kept again (green, or yellow); that nobody could look ends nothing. What
was told to nobody, because no webhook wanted it, counts as not told.
"""

import logging
from collections import defaultdict
from datetime import datetime, timedelta

from kleanxmpp import errors, events
from kleanxmpp.doctor.findings import Finding, Level, Report
from kleanxmpp.event_facts import moment
from kleanxmpp.event_ports import EventType, Facts
from kleanxmpp.model import Company, Offboarding
from kleanxmpp.ports import Directory

log = logging.getLogger(__name__)

_OVERDUE, _RED = EventType.OFFBOARDING_OVERDUE, EventType.DOCTOR_RED


async def note_overdue(directory: Directory, *, after: timedelta, now: datetime) -> None:
    """Tell of off-boardings that are not complete `after` they were asked for, once each."""
    async with directory.read() as tx:
        late: dict[str, dict[str, Offboarding]] = defaultdict(dict)
        for one in await tx.overdue_offboardings(before=now - after):
            late[one.company_id][one.id] = one
        known: dict[str, set[str]] = defaultdict(set)
        for company_id, subject in await tx.raised_alarms(_OVERDUE):
            known[company_id].add(subject)
        companies = {
            company_id: await tx.company(company_id)
            for company_id in {*late, *known}
            if known[company_id] - late[company_id].keys()
            or (late[company_id].keys() - known[company_id] and await tx.subscribers(company_id, _OVERDUE))
        }
    for company_id, company in companies.items():
        if company is not None:
            facts = {one.id: events.overdue(one, now=now) for one in late[company_id].values()}
            ended = frozenset(known[company_id] - facts.keys())
            await _raise(directory, company, _OVERDUE, facts, ended=ended, now=now)


async def note_report(directory: Directory, company: Company, report: Report) -> None:
    """Tell of lines that are red in this report and were not when they were looked at last."""
    red = {finding.id: _line(finding, report) for finding in report.findings if finding.level is Level.RED}
    kept = frozenset(f.id for f in report.findings if f.level in {Level.GREEN, Level.YELLOW})
    try:
        async with directory.read() as tx:
            known = {subject for _, subject in await tx.raised_alarms(_RED, company_id=company.id)}
        if red.keys() - known or kept & known:
            await _raise(directory, company, _RED, red, ended=kept & known, now=report.at)
    except errors.DirectoryUnavailable:
        log.warning("directory unavailable, nobody is told of the checkup", extra={"red": len(red)})


async def _raise(
    directory: Directory,
    company: Company,
    kind: EventType,
    found: dict[str, Facts],
    *,
    ended: frozenset[str],
    now: datetime,
) -> None:
    """Tell of what was found and not told yet, and forget what has ended."""
    async with directory.write(company.id) as tx:
        await tx.clear_alarms(kind, company.id, ended)
        if not await tx.subscribers(company.id, kind):
            return
        known = {subject for _, subject in await tx.raised_alarms(kind, company_id=company.id)}
        fresh = {subject: facts for subject, facts in found.items() if subject not in known}
        await events.alarmed(tx, company, kind, list(fresh.values()), now=now)
        await tx.raise_alarms(kind, company.id, fresh.keys(), at=now)


def _line(finding: Finding, report: Report) -> Facts:
    return {
        "line": finding.id,
        "title": {"de": finding.title.de, "en": finding.title.en},
        "words": {"de": finding.words.de, "en": finding.words.en},
        "checked_at": moment(report.at),
    }
