"""`kleanxmpp import FILE`: people and their groups from a CSV or XLSX file, all of it or nothing."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from kleanxmpp import errors, group_names, import_diff, importing
from kleanxmpp.cli import DONE, FAILED, output
from kleanxmpp.cli.shell import DEFAULTS, Options, limits, open_company
from kleanxmpp.import_diff import Diff

_TITLES = {
    "added": ("Added", "green"),
    "changed": ("Changed", "yellow"),
    "off_boarded": ("Off-boarded", "red"),
    "missing": ("Missing in the file", "red"),
    "held": ("Held", "magenta"),
    "dates": ("Dates ahead", "cyan"),
    "groups": ("Groups", "green"),
    "circles": ("Circles", "yellow"),
}


async def import_file(
    file: Path | None = None,
    /,
    *,
    mapping: Annotated[Path | None, Parameter(help="What the columns mean: a TOML file, see docs/import.md.")] = None,
    mapping_example: Annotated[
        bool, Parameter(negative=(), help="Print a mapping to start from, for the columns of FILE if it is given.")
    ] = False,
    dry_run: Annotated[bool, Parameter(negative=(), help="Only say what would change.")] = False,
    missing: Annotated[
        Literal["keep", "off-board"],
        Parameter(help="Who has an external_id, is no admin and is not in the file: stays, or has left."),
    ] = "keep",
    announcement: Annotated[
        list[str] | None, Parameter(negative=(), help="A new group in which only moderators write; repeatable.")
    ] = None,
    force: Annotated[
        bool, Parameter(negative=(), help="Off-board everybody who is to be, however many that are.")
    ] = False,
    reason: Annotated[str | None, Parameter(help="Why; kept in the audit log.")] = None,
    options: Options = DEFAULTS,
) -> int:
    """Import people and their groups from a CSV or XLSX file: all of it or nothing, besides who is held."""
    from kleanxmpp.sheets import mapping as mappings
    from kleanxmpp.sheets import reading

    if mapping_example:
        _print_example(file)
        return DONE
    if file is None:
        raise errors.Invalid("Say which file, for example: kleanxmpp import people.csv --dry-run")
    meant = mappings.read(_content(mapping)) if mapping else None
    rows = reading.read(_content(file), meant)
    named = [
        group_names.checked_name(name)
        for name in (*(announcement or ()), *(meant.groups.announcements if meant else ()))
    ]
    async with open_company(options) as (shell, company):
        with output.progress(f"Importing {len(rows)} people", quiet=options.json) as progress:
            plan = await importing.import_people(
                shell.directory,
                company,
                rows,
                announcements=named,
                limits=None if force else limits(shell.settings),
                off_board_missing=missing == "off-board",
                dry_run=dry_run,
                actor=shell.actor,
                reason=reason or f"import of {file.name}",
                now=shell.now,
                progress=progress,
            )
    _write(import_diff.diff(company, plan), options, dry_run=dry_run)
    return FAILED if plan.held and not dry_run else DONE


def _print_example(file: Path | None) -> None:
    from kleanxmpp.sheets import example, reading
    from kleanxmpp.sheets.mapping import Layout

    print(example.EXAMPLE if file is None else example.mapping_for(reading.table_of(_content(file), Layout())), end="")


def _content(file: Path) -> bytes:
    """Return what is in the file, as far as anybody would read it."""
    from kleanxmpp.sheets.table import MOST_BYTES

    try:
        with file.open("rb") as opened:
            return opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise errors.Invalid(f"{file} cannot be read: {error.strerror}.") from error


def _write(diff: Diff, options: Options, *, dry_run: bool) -> None:
    if options.json:
        counts = {
            "users_added": len(diff.added),
            "users_changed": len(diff.changed) + len(diff.off_boarded),
            "users_off_boarded": len(diff.off_boarded) + len(diff.missing),
            "users_held": len(diff.held),
            "groups_added": len(diff.groups),
            "circles_changed": len(diff.circles),
        }
        changes = [line for _, line in import_diff.lines(diff)]
        output.write_json({"dry_run": dry_run, **counts, "changes": changes} | import_diff.as_json(diff))
        return
    if dry_run:
        _write_sections(diff)
    print(import_diff.summary(diff) + (". Nothing was changed: this was a dry run." if dry_run else "."))
    if diff.held:
        print(_held(len(diff.held), dry_run=dry_run))


def _write_sections(diff: Diff) -> None:
    sections: dict[str, list[str]] = {}
    for section, line in import_diff.lines(diff):
        sections.setdefault(section, []).append(line)
    for section, lines in sections.items():
        title, colour = _TITLES[section]
        output.write_section(f"{title} ({len(lines)})", lines, colour=colour)


def _held(people: int, *, dry_run: bool) -> str:
    whom = "1 more person" if people == 1 else f"{people} more people"
    if dry_run:
        return f"{whom} would be off-boarded beyond the limit, and would wait for a confirmation."
    return (
        f"HELD: {whom} would be off-boarded beyond the limit. They stay as they are, in their groups too, until you "
        "look (kleanxmpp held list) and decide (kleanxmpp held confirm or discard)."
    )
