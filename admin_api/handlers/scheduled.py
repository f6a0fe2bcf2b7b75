"""What is to happen to people later."""

from kleanxmpp import scheduling
from kleanxmpp.model import Company
from kleanxmpp.ports import Transaction
from kleanxmpp.scheduled_ports import ScheduledChange, ScheduleState

from .. import etags
from ..answers import Answer
from ..schemas.scheduled import (
    NewScheduledBody,
    ScheduledPage,
    ScheduledPatchBody,
    ScheduledQuery,
    ScheduledSummary,
    ScheduledView,
    cursor_of,
    local,
    moment_of,
    new_moment_of,
)
from ..schemas.types import Id
from ..services import Call


async def list_scheduled(call: Call, *, query: ScheduledQuery) -> Answer:
    """List what is planned.

    By moment, the next first, a page at a time: departures, pauses, returns and other changes that HR announced or
    somebody planned here. Without a filter also what failed and needs somebody.
    """
    async with call.directory.read() as tx:
        found = await tx.page_scheduled(
            call.company.id,
            user_id=query.user_id,
            states=query.states(),
            after=query.after_moment(),
            limit=query.limit + 1,
        )
    page = found[: query.limit]
    items = [ScheduledView.of(one, company=call.company) for one in page]
    return Answer(body=ScheduledPage(items=items, next_cursor=cursor_of(page[-1]) if len(found) > len(page) else None))


async def schedule_change(call: Call, *, body: NewScheduledBody) -> Answer:
    """Plan a change of a person.

    "Leaves on 31.12. at 18:00": it happens on time, within a second, also if the service was restarted meanwhile. What
    was planned of the same kind for the person is replaced. The person is named, so the guard against mass changes
    does not hold it.
    """
    what = body.announcement(call.company)
    change = await scheduling.schedule(
        call.directory,
        call.company,
        body.user_id,
        what,
        at=moment_of(body.effective_at, what, company=call.company),
        actor=call.actor,
        reason=body.reason,
        now=call.now,
    )
    return _one(call, change, status=201)


async def get_scheduled(call: Call, *, change_id: Id) -> Answer:
    """Show something that is planned.

    Also when it is over: `state` and `result` say what came of it.
    """
    async with call.directory.read() as tx:
        change = await scheduling.find(tx, call.company, change_id)
    if etags.is_known(call.headers, etags.tag(change.version)):
        return Answer(status=304, headers={"ETag": etags.tag(change.version)})
    return _one(call, change)


async def change_scheduled(call: Call, *, change_id: Id, body: ScheduledPatchBody) -> Answer:
    """Move something that is planned, or give it another reason.

    What failed is pending again with its new moment. With If-Match only if nobody else changed it meanwhile.
    """
    at = None
    if body.effective_at is not None:
        async with call.directory.read() as tx:
            known = await scheduling.find(tx, call.company, change_id)
        at = new_moment_of(body.effective_at, known, company=call.company)
    change = await scheduling.reschedule(
        call.directory,
        call.company,
        change_id,
        at=at,
        actor=call.actor,
        reason=body.reason,
        now=call.now,
        if_version=etags.expected_version(call.headers),
    )
    return _one(call, change)


async def cancel_scheduled(call: Call, *, change_id: Id) -> Answer:
    """Cancel something that is planned, or put away what failed.

    It does not happen; the audit log says who cancelled it.
    """
    await scheduling.cancel(
        call.directory,
        call.company,
        change_id,
        actor=call.actor,
        reason=None,
        now=call.now,
        if_version=etags.expected_version(call.headers),
    )
    return Answer(status=204)


async def scheduled_summary(tx: Transaction, company: Company) -> ScheduledSummary:
    """Return how much is planned in the company."""
    counts, next_at = await tx.count_scheduled(company.id), await tx.next_change_at(company.id)
    return ScheduledSummary(
        pending=counts.get(ScheduleState.PENDING, 0),
        next_at=None if next_at is None else local(next_at, company=company),
        failed=counts.get(ScheduleState.FAILED, 0),
    )


def _one(call: Call, change: ScheduledChange, *, status: int = 200) -> Answer:
    headers = {"ETag": etags.tag(change.version)}
    if status == 201:
        headers["Location"] = f"/api/v1/scheduled/{change.id}"
    return Answer(
        status=status, body=ScheduledView.of(change, company=call.company), headers=headers, about=change.user_id
    )
