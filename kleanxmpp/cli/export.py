"""`kleanxmpp export …`: people and groups for spreadsheets (CSV) and programs (JSON), without any live formula."""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from kleanxmpp import errors, exporting
from kleanxmpp.cli import output
from kleanxmpp.cli.shell import DEFAULTS, Options, open_company
from kleanxmpp.exporting import Records

app = App(name="export", help="People and groups for spreadsheets; `kleanxmpp import` reads the people back.")

Format = Annotated[Literal["csv", "json"], Parameter(name="--format", help="For spreadsheets or for programs.")]
Output = Annotated[
    Path | None, Parameter(name="--output", help="A new file that only you can read, instead of stdout.")
]


@app.command
async def people(*, format_: Format = "csv", file: Output = None, options: Options = DEFAULTS) -> None:
    """Export everybody with attributes and groups."""
    async with open_company(options) as (shell, company):
        records = await exporting.people(shell.directory, company)
    _write(records, "json" if options.json else format_, file)


@app.command
async def groups(*, format_: Format = "csv", file: Output = None, options: Options = DEFAULTS) -> None:
    """Export the groups with the number of their members."""
    async with open_company(options) as (shell, company):
        records = await exporting.groups(shell.directory, company)
    _write(records, "json" if options.json else format_, file)


def _write(records: Records, written_as: str, file: Path | None) -> None:
    if file is not None:
        _save(
            file,
            output.json_text(exporting.as_json(records)).encode()
            if written_as == "json"
            else exporting.as_csv(records),
        )
    elif written_as == "json":
        output.write_json(exporting.as_json(records))
    else:
        sys.stdout.write(exporting.as_csv(records).decode())


def _save(file: Path, content: bytes) -> None:
    """Write a file that was not there, readable for nobody else: it is full of personal data."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(content)
    except OSError as error:
        raise errors.Invalid(f"{file} cannot be written: {error.strerror}.") from error
