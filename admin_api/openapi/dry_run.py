"""`?dry_run=true`: the ordinary handler runs in a transaction that is never committed, and the answer is what changed.

Whoever asks for a dry run of what has none is refused: nothing is ever carried out by mistake.
"""

from collections.abc import Awaitable, Callable

from kleanxmpp.differences import differences
from kleanxmpp.ports import Directory
from kleanxmpp.rehearsal import rehearse

from .. import problem_kinds as kinds
from .. import problems
from ..answers import Answer
from ..problems import Problem
from ..schemas.dry_run import DifferenceView, DryRunView
from ..services import Call
from .operation import Operation

PARAMETER = "dry_run"
_SAID = {"true": True, "false": False}


def is_asked_for(operation: Operation, given: list[str]) -> bool:
    """Whether the request is only to be tried. Raises Problem for a value that is unclear, or what cannot be tried."""
    if operation.reads or operation.tries_itself or not given:
        return False
    if len(given) > 1 or given[0] not in _SAID:
        raise problems.invalid(PARAMETER, "Say true or false, once.")
    if _SAID[given[0]] and not operation.can_be_tried:
        raise Problem(kind=kinds.NO_DRY_RUN, detail=operation.why_no_dry_run)
    return _SAID[given[0]]


async def tried(call: Call, run: Callable[[Call], Awaitable[Answer]]) -> Answer:
    """Return what the request would change. Raises what it would raise."""

    async def on(directory: Directory) -> Answer:
        return await run(call.on(directory, headers=call.headers))

    answer, noted = await rehearse(call.directory, call.company.id, on)
    changes = [DifferenceView.of(one) for one in differences(noted)]
    return Answer(body=DryRunView(status=answer.status, changes=changes))
