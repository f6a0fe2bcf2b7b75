"""The doctor's rounds: every enabled company is examined again and again, so that a broken promise is told unasked.

The first visit comes a while after the start, at a moment that chance chooses: a start has enough to do, and a program
that starts again and again shall not make a synthetic user each time. A checkup that somebody asked for counts as a
visit. Whatever a visit meets is logged, shows as "not known" in the metrics, and never ends the rounds.
"""

import asyncio
import logging
import math
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kleanxmpp import errors, metrics
from kleanxmpp.doctor.findings import Level
from kleanxmpp.doctor.run import Doctor
from kleanxmpp.model import Company
from kleanxmpp.ports import Directory

log = logging.getLogger(__name__)

_FIRST_WITHIN, _AGAIN_WITHIN = 3600.0, 600.0
"""Seconds until the first visit at most, and until the next one after one that failed."""
_SHORTEST, _LONGEST = 0.01, 60.0
"""Seconds between two looks for companies whose time has come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Visit:
    """When a company is to be examined next."""

    company: Company
    at: datetime


async def go_round(directory: Directory, doctor: Doctor, *, every: float) -> None:
    """Examine each enabled company every so many seconds, one after another, until cancelled."""
    planned: dict[str, _Visit] = {}
    while True:
        pause = _LONGEST
        try:
            planned = await _plan(directory, doctor, planned, every=every)
            for visit in planned.values():
                if visit.at <= datetime.now(UTC):
                    pause_after = every if await _visit(doctor, visit.company) else min(every, _AGAIN_WITHIN)
                    planned[visit.company.id] = _in(visit.company, pause_after)
            left = ((visit.at - datetime.now(UTC)).total_seconds() for visit in planned.values())
            pause = max(min(left, default=_LONGEST), _SHORTEST)
        except errors.DirectoryUnavailable:
            log.warning("directory unavailable, companies are examined later")
            pause = min(every, _LONGEST)
        await asyncio.sleep(min(pause, _LONGEST))


def first_pause(every: float) -> float:
    """Return the seconds until the first visit: by chance, but never at once."""
    return min(every, _FIRST_WITHIN) * random.uniform(0.25, 1.0)


async def _plan(directory: Directory, doctor: Doctor, planned: dict[str, _Visit], *, every: float) -> dict[str, _Visit]:
    """Return the visits to all enabled companies: those planned, later if one was examined meanwhile, and new ones."""
    async with directory.read() as tx:
        enabled = {company.id: company for company in await tx.companies() if company.enabled}
    for gone in planned.keys() - enabled.keys():
        _show_not_known(planned[gone].company)
    visits = {}
    for company in enabled.values():
        report = doctor.known(company)
        visit = planned.get(company.id) or _in(company, first_pause(every))
        if report is None and company.id not in planned:
            _show_not_known(company)
        seen = report.at + timedelta(seconds=every) if report is not None else visit.at
        visits[company.id] = _Visit(company=company, at=max(visit.at, seen))
    return visits


async def _visit(doctor: Doctor, company: Company) -> bool:
    """Examine a company; return whether there is a result."""
    try:
        report = await doctor.latest(company)
    except errors.KleanError as error:
        log.warning("company not examined", extra={"company": company.id, "error": type(error).__name__})
    except Exception:  # the outermost border of a visit: a defect in one must not stop all others
        log.exception("defect while examining a company", extra={"company": company.id})
    else:
        red = [finding.id for finding in report.findings if finding.level is Level.RED]
        told = log.error if red else log.info
        told("company examined", extra={"company": company.id, "red": red, "seconds": round(report.seconds, 1)})
        return True
    _show_not_known(company)
    return False


def _in(company: Company, seconds: float) -> _Visit:
    return _Visit(company=company, at=datetime.now(UTC) + timedelta(seconds=seconds))


def _show_not_known(company: Company) -> None:
    for level in Level:
        metrics.DOCTOR_LINES.labels(company=company.domain, level=level.value).set(math.nan)
