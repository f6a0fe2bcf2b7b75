"""The server: whether it keeps the promises, line by line, as the doctor saw it last; and looking again."""

from aiohttp import web
from markupsafe import Markup

from kleanxmpp.doctor.findings import UNCHECKABLE, Finding, Level

from ..core_words import told
from ..visits import Visit
from ..words import spoken
from .overview import examined

_WORST_FIRST = (Level.RED, Level.NOT_CHECKED, Level.YELLOW, Level.GREEN)


async def show_server(visit: Visit) -> web.StreamResponse:
    """Show every line, the worst first. A script that waits for the result gets that part alone."""
    report, errand = examined(visit), visit.services.errands.checkup
    running = errand.running(visit.company.id)
    findings: list[Finding] = [] if report is None else sorted(report.findings, key=_rank)
    return visit.page(
        "server_report.html" if visit.by_script else "server.html",
        report=report,
        findings=[(finding, _in_words(visit, finding)) for finding in findings],
        counts=[] if report is None else [(level.value, report.count(level)) for level in _WORST_FIRST],
        spoken=spoken(visit.language),
        running=running,
        failed=visit.company.id in errand.failed,
        possible=visit.services.doctor is not None,
    )


async def check_now(visit: Visit) -> web.StreamResponse:
    """Begin to look. A result that is a minute old at most is good enough."""
    doctor, company = visit.services.doctor, visit.company
    if doctor is not None:
        visit.services.errands.checkup.begin(company.id, lambda: doctor.latest(company))
    return visit.go("/server")


def _in_words(visit: Visit, finding: Finding) -> Markup:
    """Return what a line says; errors in it, too, in the reader's language."""
    lead = UNCHECKABLE.of(spoken(visit.language))
    before, *said = finding.words.of(spoken(visit.language)).split(lead)
    return Markup("{}").format(before) + Markup(" ").join(
        Markup("{} {}").format(lead, told(one.strip(), language=visit.language)) for one in said
    )


def _rank(finding: Finding) -> int:
    return _WORST_FIRST.index(finding.level)
