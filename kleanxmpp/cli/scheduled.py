"""`kleanxmpp scheduled …`: what is to happen to people later."""

from collections.abc import Mapping
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from cyclopts import App, Parameter

from kleanxmpp import scheduling
from kleanxmpp.cli import output
from kleanxmpp.cli.shell import DEFAULTS, Options, Shell, open_company
from kleanxmpp.model import Company, User
from kleanxmpp.scheduled_ports import ScheduledChange, ScheduleState

app = App(name="scheduled", help="Departures, pauses, returns and other changes that are planned.")

All = Annotated[bool, Parameter(name="all", negative=(), help="Also what is done or cancelled.")]
_PAGE = 500


@app.command(name="list")
async def list_(*, everything: All = False, options: Options = DEFAULTS) -> None:
    """List what is planned, and what failed and needs somebody, in the company's time."""
    states = list(ScheduleState) if everything else [ScheduleState.PENDING, ScheduleState.FAILED]
    async with open_company(options) as (shell, company):
        found = await _all(shell, company, states)
        lines = await _lines(shell, company, found)
    if options.json:
        output.write_json(lines)
    elif lines:
        shown = [line | {"effective_at": f"{line['effective_at']:%Y-%m-%d %H:%M:%S %z}"} for line in lines]
        output.write_table(shown, ("id", "effective_at", "type", "who", "state", "result", "reason", "actor"))
    else:
        print("Nothing is planned.")


@app.command
async def cancel(
    change: Annotated[str, Parameter(help="Its id.")],
    /,
    *,
    reason: Annotated[str | None, Parameter(help="Why; kept in the audit log.")] = None,
    options: Options = DEFAULTS,
) -> None:
    """Have something that is planned not happen, or put away what failed."""
    async with open_company(options) as (shell, company):
        await scheduling.cancel(shell.directory, company, change, actor=shell.actor, reason=reason, now=shell.now)
    if options.json:
        output.write_json({"id": change, "cancelled": True})
    else:
        print("Cancelled. It does not happen.")


async def _all(shell: Shell, company: Company, states: list[ScheduleState]) -> list[ScheduledChange]:
    found: list[ScheduledChange] = []
    async with shell.directory.read() as tx:
        while True:
            after = (found[-1].effective_at, found[-1].id) if found else None
            page = await tx.page_scheduled(company.id, user_id=None, states=states, after=after, limit=_PAGE)
            found += page
            if len(page) < _PAGE:
                return found


async def _lines(shell: Shell, company: Company, found: list[ScheduledChange]) -> list[dict[str, Any]]:
    async with shell.directory.read() as tx:
        users = await tx.users_by_id(company.id, [one.user_id for one in found if one.user_id is not None])
    return [
        {
            "id": one.id,
            "effective_at": one.effective_at.astimezone(ZoneInfo(company.timezone)),
            "type": one.kind.value,
            "user_id": one.user_id,
            "who": _who(one, users),
            "state": one.state.value,
            "result": one.result,
            "reason": one.reason,
            "actor": one.actor,
        }
        for one in found
    ]


def _who(change: ScheduledChange, users: Mapping[str, User]) -> str | None:
    user = users.get(change.user_id or "")
    return change.external_id if user is None else user.username
