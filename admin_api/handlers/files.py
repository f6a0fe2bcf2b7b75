"""What a person sent, and erasing one of it. Links are never told: only who got one has it."""

from kleanxmpp import files, users

from ..answers import Answer
from ..schemas.files import FilePage, FileView
from ..schemas.types import Id, ListQuery, cursor_after
from ..services import Call


async def list_files(call: Call, *, user_id: Id, query: ListQuery) -> Answer:
    """List the files that a person sent.

    The newest first; without links, names and content. What is expired or erased is not there any more.
    """
    async with call.directory.read() as tx:
        user = await users.existing(tx, call.company, user_id)
        found = await tx.page_files(call.company.id, user.id, before=query.after(), limit=query.limit + 1)
    page = found[: query.limit]
    more = cursor_after(page[-1].id) if len(found) > query.limit else None
    return Answer(body=FilePage(items=[FileView.of(file) for file in page], next_cursor=more))


async def erase_file(call: Call, *, file_id: Id) -> Answer:
    """Erase a file.

    Its link leads nowhere from the answer on. Devices that have fetched it already keep what they have.
    """
    await files.erase_file(call.directory, call.services.files, call.company, file_id, actor=call.actor, now=call.now)
    return Answer(status=204)
