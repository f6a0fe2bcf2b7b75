"""XLSX to a table, by openpyxl in its reading mode, after the archive and the sheet were checked.

What a cell shows may be a rounded or translated form of what it holds, so texts stay as they are ("0012" is "0012"),
whole numbers lose their ".0", numbers formatted as "0000" keep their zeros, dates become ISO, and whatever cannot be
taken at its word is `Unreadable`.
"""

import io
import math
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Final, Protocol

from kleanxmpp.import_rows import FaultyFile
from kleanxmpp.sheets import archive
from kleanxmpp.sheets.sheet_marks import Marks, marks
from kleanxmpp.sheets.table import LONGEST_CELL, MOST_ROWS, Cell, Line, Table, Unreadable, refused, shown

warnings.filterwarnings("ignore", category=UserWarning, module=r"openpyxl\.")  # they quote cells

_DAMAGED: Final = (
    LookupError, ValueError, TypeError, AttributeError, ArithmeticError, AssertionError, SyntaxError, EOFError, OSError,
    RuntimeError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What openpyxl, zipfile and the XML parsers raise for a workbook that is none. They have no common class."""


class _Cell(Protocol):
    @property
    def value(self) -> object: ...
    @property
    def data_type(self) -> str: ...
    @property
    def number_format(self) -> str: ...


class _Sheet(Protocol):
    title: str
    sheet_state: str
    _worksheet_path: str

    def reset_dimensions(self) -> None: ...
    def iter_rows(self) -> Iterator[tuple[_Cell, ...]]: ...


class _Book(Protocol):
    _archive: zipfile.ZipFile

    @property
    def worksheets(self) -> Sequence[_Sheet]: ...
    def close(self) -> None: ...


_EXACT: Final = 10**15
_FORMULA = Unreadable("is a formula; copy the column and paste it as values")
_MERGED = Unreadable("is part of a merged cell; unmerge it, and write the value into each row")


def table(data: bytes, *, sheet: str | None = None, header: int | None = None) -> Table:
    """Return the table of the sheet with this name, or of the only sheet with anything in it. Raises FaultyFile.

    `header` None: the first row with anything in it.
    """
    archive.check(data)
    try:
        lines = _read(data, sheet)
    except FaultyFile:
        raise
    except _DAMAGED as error:
        raise refused("the workbook is damaged and cannot be read: save a copy as .xlsx or as “CSV UTF-8”") from error
    found = next((line for line in lines if (line.number == header if header else True)), None)
    if found is None:
        raise refused(
            "the sheet is empty" if header is None else "the header should be here, and is not", line=header or 1
        )
    below = tuple(line for line in lines if line.number > found.number)
    if len(below) > MOST_ROWS:
        raise refused(f"the sheet has more than {MOST_ROWS} rows", line=below[-1].number)
    return Table(header=found, lines=below, ragged=True)


def _read(data: bytes, sheet: str | None) -> list[Line]:
    from openpyxl import load_workbook  # type: ignore[import-untyped]  # has no types; only whoever has a workbook pays for it

    book: _Book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    try:
        candidates = {one.title: one for one in book.worksheets if sheet is not None or one.sheet_state == "visible"}
        if sheet is not None:
            if sheet not in candidates:
                raise refused(f"there is no sheet “{sheet}”; there are: {_names(candidates)}")
            candidates = {sheet: candidates[sheet]}
        filled = {title: lines for title, one in candidates.items() if (lines := list(_lines(book, one)))}
    finally:
        book.close()
    if len(filled) > 1:
        raise refused(f"several sheets have something in them; name one of them in the mapping: {_names(filled)}")
    return next(iter(filled.values()), [])


def _lines(book: _Book, sheet: _Sheet) -> Iterator[Line]:
    """Yield the rows that are not blank."""
    with book._archive.open(sheet._worksheet_path) as opened:
        found = marks(opened)
    sheet.reset_dimensions()  # what a sheet says about its size may be wrong, and rows would be filled up to it
    for number, row in enumerate(sheet.iter_rows(), start=1):
        cells = tuple(_cell(one, (number, column), found) for column, one in enumerate(row, start=1))
        if any(cells):
            covered = range(len(cells) + 1, found.widest.get(number, 0) + 1)
            more = (_MERGED if (number, column) in found.merged else "" for column in covered)
            yield Line(number=number, cells=(*cells, *more))


def _cell(cell: _Cell, place: tuple[int, int], marks: Marks) -> Cell:
    if place in marks.merged:
        return _MERGED
    if place in marks.computed:
        return _FORMULA
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str):
        if cell.data_type == "e":
            return Unreadable(f"holds the error {shown(value)}")
        return value.strip() if len(value) <= LONGEST_CELL else Unreadable(f"is longer than {LONGEST_CELL} characters")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.date().isoformat() if not any(value.timetuple()[3:6]) else value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    return _number(cell, value) if isinstance(value, int | float) else str(value)


def _number(cell: _Cell, value: float) -> Cell:
    if not math.isfinite(value) or abs(value) >= _EXACT:
        return Unreadable("is a number too long for a spreadsheet, which has rounded it; write it as text")
    if value != int(value):
        return f"{value:.15g}"
    digits = str(int(value))
    zeros = cell.number_format
    return digits.zfill(len(zeros)) if value >= 0 and re.fullmatch("0{2,20}", zeros) else digits


def _names(sheets: Iterable[str]) -> str:
    return ", ".join(f"“{shown(name)}”" for name in list(sheets)[:10])
