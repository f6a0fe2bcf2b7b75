"""Spreadsheets in and out: a file of people is imported, people are exported."""

import asyncio
from collections.abc import Sequence

from kleanxmpp import exporting, group_names, import_diff, importing
from kleanxmpp.import_rows import FaultyFile, Row
from kleanxmpp.sheets import mapping, reading
from kleanxmpp.sheets.mapping import Mapping_

from .. import auth
from .. import problem_kinds as kinds
from ..answers import Answer, Document
from ..problems import Problem
from ..schemas.imports import ImportQuery, ImportView
from ..schemas.problem import FieldError
from ..services import Call
from ..uploads import Upload

_MOST_FAULTS = 200


async def import_people(call: Call, *, query: ImportQuery, upload: Upload) -> Answer:
    """Import a file of people.

    CSV or XLSX, as the body or as the part `file` of a form; a part `mapping` (TOML) says what its columns mean.
    All of it or nothing, besides people who are held because the file would off-board many at once: see `GET /held`.
    Repeatable: then nothing changes. A file that names groups needs the scope `groups:write`, too.
    """
    meant = mapping.read(upload.mapping) if upload.mapping is not None else None
    try:
        async with call.services.reading:
            rows = await asyncio.to_thread(reading.read, upload.file, meant)
        plan = await importing.import_people(
            call.directory,
            call.company,
            _allowed(call, rows),
            announcements=_announcements(meant),
            limits=call.services.settings.limits,
            off_board_missing=query.missing == "off-board",
            dry_run=query.dry_run,
            actor=call.actor,
            reason="import of a file",
            now=call.now,
        )
    except FaultyFile as error:
        raise _faulty(error) from error
    return Answer(body=ImportView.of(import_diff.diff(call.company, plan), dry_run=query.dry_run))


async def export_people(call: Call) -> Answer:
    """Export everybody as CSV.

    For spreadsheets: UTF-8 with semicolons, without any live formula. An import of the same file changes nothing.
    Needs the scope `groups:read`, too.
    """
    auth.require(call.token, "groups:read")
    records = await exporting.people(call.directory, call.company)
    return Answer(document=Document(content=exporting.as_csv(records), name="users.csv"))


def _allowed(call: Call, rows: Sequence[Row]) -> Sequence[Row]:
    if any(row.groups is not None for row in rows):
        auth.require(call.token, "groups:write")
    return rows


def _announcements(meant: Mapping_ | None) -> list[str]:
    return [group_names.checked_name(name) for name in meant.groups.announcements] if meant else []


def _faulty(error: FaultyFile) -> Problem:
    faults = tuple(FieldError(field=fault.place, message=fault.reason) for fault in error.faults[:_MOST_FAULTS])
    return Problem(kind=kinds.INVALID, detail=str(error), errors=faults)
