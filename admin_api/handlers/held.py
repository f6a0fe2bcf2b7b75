"""What waits for a confirmation, because it would off-board many people at once."""

import math
from collections.abc import Sequence
from datetime import datetime

from kleanxmpp import errors, holds, metrics
from kleanxmpp.holds import SWEEP_ID
from kleanxmpp.model import Company
from kleanxmpp.ports import Transaction
from kleanxmpp.sweep_report import SweepReport

from .. import problem_kinds as kinds
from ..answers import Answer
from ..problems import Problem
from ..schemas.held import ConfirmBody, ConfirmedView, HoldPage, HoldView, first_people
from ..schemas.sweeps import report_view
from ..schemas.types import Id
from ..services import Call, Reconciler, Services


async def list_held(call: Call) -> Answer:
    """List what waits for a confirmation.

    When an import, another system or the sweep would off-board more people at once than the settings allow, a few pass
    and the rest is held until somebody confirms or discards it, all at once. People who are off-boarded by name are
    never held.
    """
    async with call.directory.read() as tx:
        items = await held_views(call.services, tx, call.company)
    return Answer(body=HoldPage(items=items, next_cursor=None))


async def confirm_held(call: Call, *, hold_id: Id, body: ConfirmBody) -> Answer:
    """Confirm what is held.

    Everybody of the hold is off-boarded, except for those who left or came back since. Of a held sweep (`sweep`): it is
    made again and mends all that it finds. Pass `people` as you were shown it, to confirm what you saw and no more.
    """
    if hold_id == SWEEP_ID:
        report = await confirm_sweep(call.services, call.company, people=body.people, actor=call.actor, now=call.now)
        return Answer(status=202, body=ConfirmedView.of_sweep(report_view(report, dry_run=False)))
    done = await holds.confirm(
        call.directory, call.company, hold_id, people=body.people, actor=call.actor, now=call.now
    )
    return Answer(status=202, body=ConfirmedView.of(done))


async def discard_held(call: Call, *, hold_id: Id) -> Answer:
    """Discard what is held.

    Everybody stays as they are. The door may ask for the same again; so does the next sweep, if nothing changed.
    """
    if hold_id != SWEEP_ID:
        await holds.discard(call.directory, call.company, hold_id, actor=call.actor, now=call.now)
        return Answer(status=204)
    await discard_sweep(call.services, call.company, actor=call.actor, now=call.now)
    return Answer(status=204)


async def held_views(services: Services, tx: Transaction, company: Company) -> list[HoldView]:
    """Return everything of a company that waits, the sweep last."""
    found = await tx.holds(company.id)
    users = await tx.users_by_id(company.id, [user_id for hold in found for user_id in first_people(hold)])
    views = [
        HoldView.of(hold, {user_id: users[user_id] for user_id in first_people(hold) if user_id in users})
        for hold in found
    ]
    report = _report(services.reconciler, company)
    return views if report is None else [*views, HoldView.of_sweep(report)]


async def count_held(services: Services) -> None:
    """Set the gauge of people who wait, in all companies."""
    try:
        async with services.directory.read() as tx:
            companies: Sequence[Company] = await tx.companies()
            people = [len(hold.changes) for one in companies for hold in await tx.holds(one.id)]
    except errors.DirectoryUnavailable:
        metrics.HELD_PEOPLE.set(math.nan)
        return
    sweeps = (_report(services.reconciler, one) for one in companies)
    metrics.HELD_PEOPLE.set(sum(people) + sum(report.removing for report in sweeps if report is not None))


async def confirm_sweep(
    services: Services, company: Company, *, people: int | None, actor: str, now: datetime
) -> SweepReport:
    """Make a held sweep again, and mend all that it finds. Raises Conflict if it would touch more or less by now."""
    reconciler, held = _held_sweep(services, company)
    if people not in {None, held.removing}:
        raise errors.Conflict(f"It is {held.removing} by now. Look again, then confirm.", field="people")
    await _note(services, company, "hold.confirmed", held, actor=actor, now=now)
    return await reconciler.sweep_now(company, force=True)


async def discard_sweep(services: Services, company: Company, *, actor: str, now: datetime) -> None:
    """Forget a held sweep; the next one finds the same, if nothing changed."""
    _, report = _held_sweep(services, company)
    await _note(services, company, "hold.discarded", report, actor=actor, now=now)
    report.discarded = True


async def _note(
    services: Services, company: Company, action: str, report: SweepReport, *, actor: str, now: datetime
) -> None:
    await holds.note_decision_on_sweep(
        services.directory, company, action, removing=report.removing, actor=actor, now=now
    )


def _held_sweep(services: Services, company: Company) -> tuple[Reconciler, SweepReport]:
    reconciler = services.reconciler
    if reconciler is None:
        raise Problem(kind=kinds.NO_RECONCILER)
    report = _report(reconciler, company)
    if report is None:
        raise errors.NotFound("No sweep is held.")
    return reconciler, report


def _report(reconciler: Reconciler | None, company: Company) -> SweepReport | None:
    """Return the last sweep if it waits."""
    report = None if reconciler is None else reconciler.reports.get(company.id)
    return report if report is not None and report.waits else None
