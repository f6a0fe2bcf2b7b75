"""`kleanxmpp import FILE`: people and their groups from a CSV file, all of it or nothing."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from kleanxmpp import csv_file, errors, groups, importing
from kleanxmpp.cli import DONE, FAILED, output
from kleanxmpp.cli.shell import DEFAULTS, Options, limits, open_company
from kleanxmpp.import_plan import ImportPlan, describe


async def import_file(
    file: Path,
    /,
    *,
    dry_run: Annotated[bool, Parameter(negative=(), help="Only say what would change.")] = False,
    announcement: Annotated[
        list[str] | None, Parameter(negative=(), help="A new group in which only moderators write; repeatable.")
    ] = None,
    force: Annotated[
        bool, Parameter(negative=(), help="Off-board everybody who is to be, however many that are.")
    ] = False,
    reason: Annotated[str | None, Parameter(help="Why; kept in the audit log.")] = None,
    options: Options = DEFAULTS,
) -> int:
    """Import people and their groups from a CSV file: all of it or nothing, besides who is held."""
    rows = _rows(file)
    named = [groups.checked_name(name) for name in announcement or ()]
    async with open_company(options) as (shell, company):
        with output.progress(f"Importing {len(rows)} people", quiet=options.json) as progress:
            plan = await importing.import_people(
                shell.directory,
                company,
                rows,
                announcements=named,
                limits=None if force else limits(shell.settings),
                dry_run=dry_run,
                actor=shell.actor,
                reason=reason or f"import of {file.name}",
                now=shell.now,
                progress=progress,
            )
    _write(plan, options, dry_run=dry_run)
    return FAILED if plan.held and not dry_run else DONE


def _rows(file: Path) -> tuple[csv_file.Row, ...]:
    try:
        with file.open("rb") as opened:
            return csv_file.parse(opened)
    except OSError as error:
        raise errors.Invalid(f"{file} cannot be read: {error.strerror}.") from error


def _write(plan: ImportPlan, options: Options, *, dry_run: bool) -> None:
    *changes, summary = describe(plan)
    if options.json:
        counts = {
            "people": plan.people,
            "users_added": len(plan.added),
            "users_changed": len(plan.changed),
            "groups_added": len(plan.new_groups),
            "circles_changed": len(plan.circles),
            "users_held": len(plan.held),
        }
        output.write_json({"dry_run": dry_run, **counts, "changes": changes})
        return
    for line in changes if dry_run else ():
        print(line)
    print(summary + (". Nothing was changed: this was a dry run." if dry_run else "."))
    if plan.held:
        print(_held(len(plan.held), dry_run=dry_run))


def _held(people: int, *, dry_run: bool) -> str:
    whom = "1 more person" if people == 1 else f"{people} more people"
    if dry_run:
        return f"{whom} would be off-boarded beyond the limit, and would wait for a confirmation."
    return (
        f"HELD: {whom} would be off-boarded beyond the limit. They stay as they are, in their groups too, until you "
        "look (kleanxmpp held list) and decide (kleanxmpp held confirm or discard)."
    )
