"""The audit log over HTTP."""

from kleanxmpp import errors
from kleanxmpp.chains import after_number, line_of, verify

from ..answers import Answer
from ..schemas.audit import AuditExportQuery, AuditPage, AuditVerificationView, AuditView
from ..schemas.types import ListQuery, cursor_after
from ..services import Call

_LARGEST = 2**63


async def list_audit(call: Call, *, query: ListQuery) -> Answer:
    """List who did what to whom, when.

    The newest first, a page at a time. Holds ids and names of fields, never what was in them; no messages, no secrets.
    """
    async with call.directory.read() as tx:
        found = await tx.page_audit(call.company.id, before=_before(query), limit=query.limit + 1)
    page = found[: query.limit]
    cursor = cursor_after(str(page[-1].id)) if len(found) > query.limit else None
    return Answer(body=AuditPage(items=[AuditView.of(entry) for entry in page], next_cursor=cursor))


async def export_audit(call: Call, *, query: AuditExportQuery) -> Answer:
    """Export the audit log as JSON lines.

    The oldest first, with all that is needed to verify the entries elsewhere: see the operator's guide. For the next
    page, send the number of the last line as `after`; a page with fewer lines than `limit` is the last one.
    """
    async with call.directory.read() as tx:
        page = await tx.page_chain(call.company.id, after=after_number(query.after), limit=query.limit)
    return Answer(lines=[line_of(entry) for entry in page])


async def verify_audit(call: Call) -> Answer:
    """Verify the audit log.

    Computes every hash anew and compares numbers, order and end. An administrator of the database who rewrites all of
    it is recognised only by a head that was noted down elsewhere: `kleanxmpp audit verify --noted`.
    """
    async with call.directory.read() as tx:
        found = await verify(tx, call.company.id)
    return Answer(body=AuditVerificationView.of(found))


def _before(query: ListQuery) -> int | None:
    key = query.after()
    if key is None:
        return None
    if not (key.isascii() and key.isdigit()) or int(key) >= _LARGEST:
        raise errors.Invalid("This is not a cursor that this list gave out.", field="cursor")
    return int(key)
