"""What openpyxl does not tell about a sheet it only reads: which cells are merged or computed, and how large it is.

One pass over the sheet's XML with expat, which stops at the first thing that no bearable sheet has. It comes before
openpyxl reads the same sheet, so that openpyxl never sees a document type, a million columns or a formula to translate.
"""

import re
from dataclasses import dataclass, field
from typing import IO
from xml.parsers import expat

from kleanxmpp.sheets.table import MOST_CELLS, MOST_COLUMNS, MOST_ROWS, letter, refused

_PLACE = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main "
_MOST_MERGES = 10_000
_MOST_COVERED = 200_000


@dataclass(slots=True, kw_only=True)
class Marks:
    """Places as (row, column), both counted from 1.

    `merged` has every cell of every merged range, `widest` the last column of one in each row: cells that are covered
    need not be written down.
    """

    computed: set[tuple[int, int]] = field(default_factory=set)
    merged: set[tuple[int, int]] = field(default_factory=set)
    widest: dict[int, int] = field(default_factory=dict)


def marks(sheet: IO[bytes]) -> Marks:
    """Return the marks of a sheet's XML. Raises FaultyFile for one that is too large, or is no sheet."""
    watcher = _Watcher()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = watcher.start
    parser.StartDoctypeDeclHandler = watcher.doctype
    try:
        parser.ParseFile(sheet)
    except expat.ExpatError as error:
        raise refused("the sheet is damaged and cannot be read") from error
    return watcher.marks


class _Watcher:
    def __init__(self) -> None:
        self.marks = Marks()
        self._row = self._column = self._rows = self._merges = self._cells = 0

    def doctype(self, *_: object) -> None:
        raise refused("the sheet has a document type, which no spreadsheet program writes")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if not tag.startswith(_MAIN):
            self._strange(tag)
            return
        match tag.removeprefix(_MAIN):
            case "row":
                self._begin_row(attributes.get("r"))
            case "c":
                self._begin_cell(attributes.get("r"))
            case "f":
                self.marks.computed.add((self._row, self._column))
            case "mergeCell":
                self._merge(attributes.get("ref", ""))

    def _strange(self, tag: str) -> None:
        """Leave extensions alone, but refuse a sheet that openpyxl would take for an empty one."""
        if tag.endswith(" worksheet"):
            raise refused("this is a “Strict Open XML” workbook: save a copy as “Excel workbook (.xlsx)”")

    def _begin_row(self, number: str | None) -> None:
        self._rows += 1
        self._row = self._row + 1 if number is None else _number(number)
        self._column = 0
        if max(self._row, self._rows) > MOST_ROWS + 1_000:  # titles above the header are no people
            raise refused(f"has more than {MOST_ROWS} rows; delete the empty ones below the people", line=self._row)

    def _begin_cell(self, place: str | None) -> None:
        row, column = (self._row, self._column + 1) if place is None else _place(place)
        if row != self._row or column <= self._column:
            raise refused("a cell is not where it says it is: the sheet is damaged", line=max(self._row, 1))
        self._column = column
        self._cells += 1
        if self._cells > MOST_CELLS:
            raise refused(f"the sheet has more than {MOST_CELLS} cells", line=row)
        if column > MOST_COLUMNS:
            raise refused(f"{MOST_COLUMNS} columns are the most", line=self._row, column=letter(column - 1))

    def _merge(self, ref: str) -> None:
        first, _, last = ref.partition(":")
        (top, left), (bottom, right) = _place(first), _place(last or first)
        self._merges += 1
        height, width = min(bottom, MOST_ROWS) - top + 1, min(right, MOST_COLUMNS) - left + 1
        covered = max(height, 0) * max(width, 0)
        if self._merges > _MOST_MERGES or len(self.marks.merged) + covered > _MOST_COVERED:
            raise refused("too many merged cells; unmerge them", line=top, column=letter(left - 1))
        for row in range(top, top + height):
            self.marks.merged.update((row, column) for column in range(left, left + width))
            self.marks.widest[row] = max(self.marks.widest.get(row, 0), left + width - 1)


def _number(text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,6}", text):
        raise refused("a row has no number: the sheet is damaged")
    return int(text)


def _place(text: str) -> tuple[int, int]:
    found = _PLACE.fullmatch(text)
    if found is None or not int(found[2]):
        raise refused("a cell has no place: the sheet is damaged")
    column = 0
    for one in found[1].upper():
        column = column * 26 + ord(one) - ord("A") + 1
    return int(found[2]), column
