"""The audit log: searched, in words, verified, and to take away."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from aiohttp import web
from yarl import URL

from kleanxmpp import errors
from kleanxmpp.chains import after_number, line_of, verify
from kleanxmpp.doctor.findings import Level
from kleanxmpp.model import AuditEntry
from kleanxmpp.ports import UserFilter
from kleanxmpp.record_ports import AuditFilter

from ...errands import Verified
from .. import audit_facts, audit_words, names
from ..core_words import told
from ..names import N_
from ..visits import Visit
from ..words import spoken

_PAGE, _EXPORTED_AT_ONCE, _PEOPLE = 50, 1000, 200
_ACTORS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "people": (N_("Somebody on the website"), ("user:", "session:", "link:")),
    "systems": (N_("Another system"), ("token:", "hook:")),
    "shell": (N_("Command line"), ("shell:",)),
    "itself": (N_("The service by itself"), ("schedule", "service", "doctor", "demo")),
}
_LARGEST = 2**63


async def show_audit(visit: Visit) -> web.StreamResponse:
    """Show who did what to whom, when; the newest first."""
    asked = visit.request.query
    typed = {name: asked.get(name, "").strip() for name in ("q", "action", "by", "from", "to")}
    wrong, found, older = None, [], None
    try:
        matching, before = await _matching(visit, typed), _before(asked.get("before"))
    except ValueError:
        wrong = visit.say("Please write dates like 2026-11-22.")
    else:
        async with visit.directory.read() as tx:
            page = await tx.page_audit(visit.company.id, before=before, limit=_PAGE + 1, matching=matching)
        found = list(page[:_PAGE])
        if len(page) > _PAGE:
            older = _address(typed, before=found[-1].id)
    known = await names.look_up(visit, (one for entry in found for one in audit_facts.mentioned(entry)))
    return visit.page(
        "audit.html",
        status=422 if wrong else 200,
        typed=typed,
        wrong=wrong,
        entries=[_row(entry, known) for entry in found],
        older=older,
        newest=_address(typed) if "before" in asked else None,
        searching=any(typed.values()),
        actions=audit_words.choices(visit),
        actors=[(key, visit.say(label)) for key, (label, _) in _ACTORS.items()],
        chain=_chain(visit),
    )


async def show_chain(visit: Visit) -> web.StreamResponse:
    """Show whether the log is intact, for a page that waits for it."""
    return visit.page("audit_chain.html", chain=_chain(visit))


async def check_chain(visit: Visit) -> web.StreamResponse:
    """Begin to verify the log. It is read from its first entry on, so it takes longer the longer it is."""
    directory, company, clock = visit.directory, visit.company, visit.services.clock

    async def work() -> Verified:
        async with directory.read() as tx:
            found = await verify(tx, company.id)
        return Verified(at=clock(), found=found)

    visit.services.errands.verification.begin(company.id, work)
    return visit.go("/audit")


async def export(visit: Visit) -> web.StreamResponse:
    """Hand out the whole log as JSON lines, the oldest first, a transaction for each part of it."""
    name = f"audit-{visit.company.domain}-{visit.now:%Y-%m-%d}.jsonl"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    response = web.StreamResponse(headers=headers)
    response.content_type = "application/jsonl"
    await response.prepare(visit.request)
    async for lines in _lines(visit):
        await response.write(lines)
    await response.write_eof()
    return response


async def _lines(visit: Visit) -> AsyncIterator[bytes]:
    last = 0
    while True:
        async with visit.directory.read() as tx:
            page = await tx.page_chain(visit.company.id, after=after_number(last), limit=_EXPORTED_AT_ONCE)
        if not page:
            return
        yield "".join(f"{line_of(entry)}\n" for entry in page).encode()
        last = page[-1].number


async def _matching(visit: Visit, typed: Mapping[str, str]) -> AuditFilter:
    """Return what was searched for. Raises ValueError for what is no date."""
    people = None
    if typed["q"]:
        wanted = UserFilter(text=typed["q"])
        async with visit.directory.read() as tx:
            found = await tx.page_users(visit.company.id, after=None, limit=_PEOPLE, matching=wanted)
        people = frozenset(user.id for user in found)
    until = _day(visit, typed["to"])
    return AuditFilter(
        people=people,
        action=typed["action"] or None,
        actors=_ACTORS[typed["by"]][1] if typed["by"] in _ACTORS else None,
        since=_day(visit, typed["from"]),
        until=_day(visit, typed["to"], plus=1) if until else None,
    )


def _day(visit: Visit, text: str, *, plus: int = 0) -> datetime | None:
    """Return when a day begins at the company."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text) + timedelta(days=plus)
        return datetime.combine(day, time(), tzinfo=ZoneInfo(visit.company.timezone))
    except OverflowError as error:
        raise ValueError from error


def _before(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) >= _LARGEST:
        raise errors.NotFound("There is no such page.")
    return int(text)


def _address(typed: Mapping[str, str], *, before: int | None = None) -> str:
    query = {name: value for name, value in typed.items() if value}
    return str(URL("/audit").with_query(query if before is None else query | {"before": str(before)}))


def _row(entry: AuditEntry, known: names.Names) -> dict[str, object]:
    return {
        "entry": entry,
        "what": audit_words.sentence(entry, known),
        "more": audit_facts.more(entry, known),
        "who": known.link(entry.actor),
        "details": json.dumps(dict(entry.details), ensure_ascii=False, indent=1),
    }


def _chain(visit: Visit) -> dict[str, object]:
    """Return how the log was found last: when it was asked for, else by the doctor on its rounds."""
    company, errand, doctor = visit.company, visit.services.errands.verification, visit.services.doctor
    running, failed = errand.running(company.id), company.id in errand.failed
    known: dict[str, object] = {"running": running, "failed": failed and not running, "at": None, "intact": None}
    verified = errand.found(company.id)
    report = doctor.known(company) if doctor is not None else None
    line = next((one for one in report.findings if one.id == "audit-chain"), None) if report is not None else None
    if verified is not None and (report is None or verified.at >= report.at):
        problems = [told(problem.message, language=visit.language) for problem in verified.found.problems]
        return known | {"at": verified.at, "intact": verified.found.intact, "problems": problems}
    if report is not None and line is not None and line.level in {Level.GREEN, Level.RED}:
        intact = line.level is Level.GREEN
        return known | {
            "at": report.at,
            "intact": intact,
            "problems": [] if intact else [line.words.of(spoken(visit.language))],
        }
    return known | {"problems": []}
