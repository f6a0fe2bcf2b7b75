"""A file as a table of texts, whatever its format was, and how large a table may be.

A cell that cannot be taken at its word (a formula, part of a merged cell, an error) is `Unreadable` instead of a
fault: nobody minds a formula in a column that is not read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kleanxmpp.import_rows import Fault, FaultyFile

MOST_BYTES = 20 * 1024 * 1024
MOST_ROWS = 100_000
MOST_COLUMNS = 500
MOST_CELLS = 2_000_000
LONGEST_CELL = 10_000


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A cell that says nothing that could be relied on, and why."""

    reason: str


Cell = str | Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line (CSV) or row (XLSX) with its number as a spreadsheet shows it. No cell is left out in between."""

    number: int
    cells: tuple[Cell, ...]

    @property
    def blank(self) -> bool:
        """Whether nothing is in it."""
        return not any(self.cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A header and the lines under it, blank ones left out. `ragged`: a line may have fewer cells than the header."""

    header: Line
    lines: Sequence[Line]
    ragged: bool


def refused(reason: str, *, line: int = 1, column: str | None = None) -> FaultyFile:
    """Return the refusal of a whole file for one reason."""
    return FaultyFile([Fault(line=line, column=column, reason=reason)])


def letter(index: int) -> str:
    """Return what a spreadsheet calls the column with this index: 0 is A, 26 is AA."""
    found = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        found = chr(ord("A") + rest) + found
    return found


def shown(text: str) -> str:
    """Return a text from a file as a sentence can quote it: printable, and not long."""
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return plain if len(plain) <= 60 else plain[:59] + "…"
