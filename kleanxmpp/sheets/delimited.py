"""CSV, as spreadsheets and HR systems write it, to a table. Semicolon, tab or comma; any of the usual line ends."""

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice

from kleanxmpp.import_rows import FaultyFile
from kleanxmpp.sheets.table import LONGEST_CELL, MOST_COLUMNS, MOST_ROWS, Line, Table, letter, refused

_DELIMITERS = (";", "\t", ",")  # a header as “Name, Vorname” is no sign of commas if there are semicolons
_HINT = re.compile(r"sep=([;,|\t])\r?", re.IGNORECASE)


def table(text: str, *, delimiter: str | None = None, header: int | None = None) -> Table:
    """Return the table. `delimiter` None: the header's line decides. `header` None: the first line with anything in it.

    Raises FaultyFile.
    """
    hint = _HINT.fullmatch(text.split("\n", 1)[0])
    if hint is not None and delimiter is None:
        delimiter = hint.group(1)
    delimiter = delimiter or _delimiter(text, header)
    lines = _lines(text, delimiter)
    first = header or (2 if hint is not None else 1)
    found = next((line for line in lines if line.number >= first and (header or not line.blank)), None)
    if found is None or (header is not None and (found.number != header or found.blank)):
        raise refused("the file is empty" if header is None else "the header should be here, and is not", line=first)
    return Table(header=found, lines=_bounded(lines), ragged=False)


def _delimiter(text: str, header: int | None) -> str:
    lines = io.StringIO(text, newline="")
    wanted = islice(lines, header - 1, header) if header else (line for line in lines if line.strip())
    first = re.sub(r'"[^"]*"', "", next(wanted, ""))
    return next((one for one in _DELIMITERS if one in first), ",")


def _lines(text: str, delimiter: str) -> Iterator[Line]:
    """Yield every line, also blank ones, with the number of the first line it is written on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise refused(f"cannot be read as CSV ({error})", line=number) from None
        if cells is None:
            return
        if len(cells) > MOST_COLUMNS:
            raise refused(f"has {len(cells)} cells; {MOST_COLUMNS} are the most", line=number)
        if any(len(cell) > LONGEST_CELL for cell in cells):
            raise _too_long(cells, number)
        yield Line(number=number, cells=tuple(cell.strip() for cell in cells))


def _bounded(lines: Iterator[Line]) -> tuple[Line, ...]:
    found = tuple(islice((line for line in lines if not line.blank), MOST_ROWS + 1))
    if len(found) > MOST_ROWS:
        raise refused(f"the file has more than {MOST_ROWS} lines", line=found[-1].number)
    return found


def _too_long(cells: list[str], number: int) -> FaultyFile:
    index = next(n for n, cell in enumerate(cells) if len(cell) > LONGEST_CELL)
    return refused(f"is longer than {LONGEST_CELL} characters", line=number, column=letter(index))
