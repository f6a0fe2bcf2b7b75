"""What is out of step and why, and sweeping now."""

from datetime import datetime

from kleanxmpp import handovers
from kleanxmpp.model import Company

from .. import problem_kinds as kinds
from ..answers import Answer
from ..problems import Problem
from ..schemas.offboardings import OffboardingView
from ..schemas.status import DueSummary, DueView, ServerView, SourceView, StatusView, WebhookStateView
from ..schemas.sweeps import ReconcileBody, report_view, sweep_view
from ..services import Call, Reconciler, Services
from .held import held_views
from .scheduled import scheduled_summary

_SHOWN = 100


async def get_status(call: Call) -> Answer:
    """Show what is out of step and why.

    How much work is waiting and since when, the first hundred with their last error, off-boardings that are not proven
    yet, what waits for a confirmation, how much is planned for later, when each source of people was last heard of,
    webhooks that fail, whether the XMPP server can be reached, and what the last full comparison found.
    """
    return Answer(body=await status_of(call.services, call.company, now=call.now))


async def status_of(services: Services, company: Company, *, now: datetime) -> StatusView:
    """Return what is out of step in a company and why. The number of queries does not depend on how much that is."""
    async with services.directory.read() as tx:
        due = await tx.page_due(company.id, limit=_SHOWN)
        count = await tx.count_due(company.id)
        running = await tx.open_offboardings(company.id)
        held = await held_views(services, tx, company)
        known = await tx.sources(company.id)
        planned = await scheduled_summary(tx, company)
        names = await handovers.group_names(tx, company.id, running)
        failing = [one for one in await tx.webhooks(company.id) if one.failing_since or one.disabled_at]
    marked = [one.marked_at for one in due if one.marked_at is not None]
    reconciler = services.reconciler
    report = None if reconciler is None else reconciler.reports.get(company.id)
    return StatusView(
        due=DueSummary(count=count, oldest=min(marked, default=None), items=[DueView.of(one) for one in due]),
        open_offboardings=[OffboardingView.of(one, names=names) for one in running],
        held=held,
        sources=[SourceView.of(one, now=now) for one in known],
        scheduled=planned,
        failing_webhooks=[WebhookStateView.of(one) for one in failing],
        server=_server(reconciler),
        last_sweep=None if report is None else sweep_view(report),
    )


async def reconcile(call: Call, *, body: ReconcileBody) -> Answer:
    """Sweep now.

    Compares everything of the company with the live server, and looks for every trace of people without access. What
    differs is set going and repaired right after (202); with `dry_run` it is only reported (200). A sweep that would
    remove more than the allowed share changes nothing and answers 409, unless `force` is set; it waits in `held`.
    """
    reconciler = call.services.reconciler
    if reconciler is None:
        raise Problem(kind=kinds.NO_RECONCILER)
    report = await reconciler.sweep_now(call.company, force=body.force, dry_run=body.dry_run, actor=call.actor)
    if report.held is not None and not body.dry_run:
        raise Problem(kind=kinds.UNSAFE_PLAN, detail=report.held)
    return Answer(status=200 if body.dry_run else 202, body=report_view(report, dry_run=body.dry_run))


def _server(reconciler: Reconciler | None) -> ServerView:
    if reconciler is None:
        return ServerView(reachable=None, why=None, unreachable_since=None)
    return ServerView(reachable=reconciler.away is None, why=reconciler.away, unreachable_since=reconciler.away_since)
