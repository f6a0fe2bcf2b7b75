"""`kleanxmpp held …`: off-boardings of many people at once that wait for a confirmation.

A held sweep is not here, because it is kept nowhere: `kleanxmpp reconcile` finds it again, and `--force` confirms it.
"""

from typing import Annotated, Any

from cyclopts import App, Parameter

from kleanxmpp import errors, holds
from kleanxmpp.cli import output
from kleanxmpp.cli.shell import DEFAULTS, Options, Shell, open_company
from kleanxmpp.model import Company, HeldChange, Hold

app = App(name="held", help="Off-boardings of many people at once that wait for a confirmation.")

Yes = Annotated[bool, Parameter(negative=(), help="Do not ask.")]
HoldId = Annotated[str | None, Parameter(help="Id of the hold, or its door; needed only if there are several.")]


@app.command(name="list")
async def list_(*, options: Options = DEFAULTS) -> None:
    """List who waits, which facts they would lose, by which door, and since when."""
    async with open_company(options) as (shell, company):
        lines = [line for hold in await holds.pending(shell.directory, company) for line in await _lines(shell, hold)]
    if options.json:
        output.write_json(lines)
    elif lines:
        output.write_table(lines, ("hold", "door", "username", "loses", "reason", "actor", "since"))
    else:
        print("Nothing is held. (Whether a sweep is, says: kleanxmpp reconcile --dry-run)")


@app.command
async def confirm(hold: HoldId = None, /, *, yes: Yes = False, options: Options = DEFAULTS) -> None:
    """Off-board everybody who is held, but nobody who came back or left since."""
    async with open_company(options) as (shell, company):
        found = await _hold(shell, company, hold)
        people = len(found.changes)
        output.confirm(f"{people} people lose access now, as {_door(found)} wanted.", yes=yes)
        done = await holds.confirm(shell.directory, company, found.id, people=people, actor=shell.actor, now=shell.now)
    if options.json:
        skipped = [{"user_id": one.user_id, "why": one.why} for one in done.skipped]
        output.write_json({"id": found.id, "off_boarded": done.off_boarded, "skipped": skipped})
        return
    for one in done.skipped:
        print(f"Left alone: {one.user_id} {one.why}.")
    print(f"Off-boarded: {len(done.off_boarded)} of {people}.")


@app.command
async def discard(hold: HoldId = None, /, *, yes: Yes = False, options: Options = DEFAULTS) -> None:
    """Forget what is held: everybody stays as they are."""
    async with open_company(options) as (shell, company):
        found = await _hold(shell, company, hold)
        output.confirm(f"{len(found.changes)} people stay, although {_door(found)} wanted them out.", yes=yes)
        await holds.discard(shell.directory, company, found.id, actor=shell.actor, now=shell.now)
    if options.json:
        output.write_json({"id": found.id, "discarded": True})
    else:
        print("Discarded. Everybody stays as they are.")


async def _hold(shell: Shell, company: Company, hold_id: str | None) -> Hold:
    if hold_id == holds.SWEEP_ID:
        raise errors.Invalid(
            "A held sweep is looked at with: kleanxmpp reconcile --dry-run, and confirmed with --force"
        )
    found = [one for one in await holds.pending(shell.directory, company) if hold_id in {None, one.id, one.door.value}]
    if len(found) > 1:
        raise errors.Invalid(f"Several doors wait. Choose one: {' | '.join(one.door.value for one in found)}")
    if not found:
        raise errors.NotFound("Nothing of this kind is held. See: kleanxmpp held list")
    return found[0]


async def _lines(shell: Shell, hold: Hold) -> list[dict[str, Any]]:
    async with shell.directory.read() as tx:
        users = await tx.users_by_id(hold.company_id, [change.user_id for change in hold.changes])
    lines = [
        {
            "hold": hold.id,
            "door": hold.door.value,
            "user_id": change.user_id,
            "username": users[change.user_id].username if change.user_id in users else None,
            "loses": _lost(change),
            "absence": change.absence,
            "returns_on": change.absent_until,
            "reason": change.reason,
            "actor": change.actor,
            "since": change.at,
        }
        for change in hold.changes
    ]
    return sorted(lines, key=lambda line: str(line["username"]))


def _lost(change: HeldChange) -> list[str]:
    lost = [name for name in ("active", "chat_permission") if not getattr(change, name)]
    return lost if change.absence is None else [*lost, f"access while {change.absence.value}"]


def _door(hold: Hold) -> str:
    return f"the door “{hold.door.value}”"
