"""10,000 people by spreadsheet: the same list as CSV and as XLSX, read, and imported into an empty directory.

The comparison is between the two formats: what a workbook's checks and XML cost beside the same people as text. Needs
no ejabberd: what the server does afterwards is the same for every source, and is measured in `company`.
"""

import io
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from openpyxl import Workbook  # type: ignore[import-untyped]  # ships no types

from benchmarks import people
from benchmarks.figures import Figure, compared, single
from benchmarks.world import Bench
from kleanxmpp import importing
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.db.migrate import upgrade_database
from kleanxmpp.sheets import mapping, reading

_HEADER = ("Personalnummer", "Nachname", "Vorname", "E-Mail", "Austritt", "Kostenstelle", "Objekt", "Tätigkeit")
_MAPPING = b"""[columns]
"Personalnummer" = "external_id"
"Nachname" = "last_name"
"Vorname" = "first_name"
"E-Mail" = "email"
"Austritt" = "leaves_on"
"Kostenstelle" = "cost_center"
"Objekt" = ["site", "groups"]
"T\xc3\xa4tigkeit" = "role"
"""
_CIRCLE = 40


async def measure(bench: Bench) -> list[Figure]:
    """Read and import both files, one right after the other in each round."""
    count, rounds = bench.pick(10_000, 1_000), bench.pick(3, 2)
    lines = [_line(number, count) for number in range(count)]
    files = {"CSV": _csv(lines), "XLSX": _xlsx(lines)}
    read: dict[str, list[float]] = {kind: [] for kind in files}
    imported: dict[str, list[float]] = {kind: [] for kind in files}
    for number in range(rounds):
        for kind, data in files.items():
            bench.say(f"{count} people, {kind}, round {number + 1} of {rounds}")
            began = time.perf_counter()
            rows = reading.read(data, mapping.read(_MAPPING))
            read[kind].append(time.perf_counter() - began)
            if len(rows) != count:
                raise RuntimeError(f"{kind}: {len(rows)} people instead of {count}")
            seconds = await _import(bench.folder / f"sources-{kind}-{number}.db", data)
            imported[kind].append(count / seconds)
    size = f"{count} people"
    return [
        compared(f"reading {size}: XLSX, beside CSV", read["XLSX"], read["CSV"], unit="s"),
        single(f"importing {size}, CSV, all of it", imported["CSV"], unit="people/s", note=_NOTE),
        single(f"importing {size}, XLSX, all of it", imported["XLSX"], unit="people/s", note=_NOTE),
    ]


_NOTE = "reading, matching, planning and writing, with groups, attributes and audit log, into SQLite"


async def _import(file: Path, data: bytes) -> float:
    """Return the seconds from the bytes to the commit."""
    url = f"sqlite:///{file}"
    await upgrade_database(url)
    directory = SqlDirectory(url)
    try:
        company = people.company("firma.test")
        async with directory.write(company.id) as tx:
            await tx.save_company(company)
        began = time.perf_counter()
        rows = reading.read(data, mapping.read(_MAPPING))
        await importing.import_people(directory, company, rows, actor="bench", reason=None, now=datetime.now(UTC))
        return time.perf_counter() - began
    finally:
        await directory.close()


def _line(number: int, count: int) -> Sequence[str]:
    site = f"Objekt {number % max(1, count // _CIRCLE)}"
    mail = f"vorname.nachname{number}@example.org"
    return f"{number:06}", f"Nachname{number}", "Jörg", mail, "31.12.2099", str(4000 + number % 50), site, "Reinigung"


def _csv(lines: Sequence[Sequence[str]]) -> bytes:
    return "\r\n".join(";".join(line) for line in (_HEADER, *lines)).encode("windows-1252")


def _xlsx(lines: Sequence[Sequence[str]]) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Mitarbeiter")
    for line in (_HEADER, *lines):
        sheet.append(line)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
