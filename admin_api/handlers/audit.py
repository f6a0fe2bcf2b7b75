"""The audit log over HTTP."""

from kleanxmpp import errors

from ..answers import Answer
from ..schemas.audit import AuditPage, AuditView
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


def _before(query: ListQuery) -> int | None:
    key = query.after()
    if key is None:
        return None
    if not (key.isascii() and key.isdigit()) or int(key) >= _LARGEST:
        raise errors.Invalid("This is not a cursor that this list gave out.", field="cursor")
    return int(key)
