"""CSV of every make becomes a table; what is no table of people is refused with its place."""

import pytest

from kleanxmpp.import_rows import FaultyFile
from kleanxmpp.sheets import delimited
from kleanxmpp.sheets.table import LONGEST_CELL, MOST_COLUMNS, MOST_ROWS, letter


def cells(text: str, **layout: object) -> list[tuple[object, ...]]:
    found = delimited.table(text, **layout)  # type: ignore[arg-type]
    return [found.header.cells, *(line.cells for line in found.lines)]


def refusal(text: str, **layout: object) -> str:
    with pytest.raises(FaultyFile) as refused:
        cells(text, **layout)
    return str(refused.value.faults[0])


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends_are_recognised(delimiter: str, end: str) -> None:
    text = end.join(["a" + delimiter + "b", '"x' + delimiter + '"' + delimiter + "y", ""])
    assert cells(text) == [("a", "b"), ("x" + delimiter if delimiter != "\t" else "x", "y")]


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("Name, Vorname;Nr\n", ("Name, Vorname", "Nr")),
        ('"a;b",c\n', ("a;b", "c")),
        ("sep=|\na|b\n", ("a", "b")),
        ("SEP=,\r\na,b;c\r\n", ("a", "b;c")),
        ("one column\n", ("one column",)),
    ],
)
def test_the_headers_line_decides_about_the_delimiter(text: str, header: tuple[str, ...]) -> None:
    assert cells(text)[0] == header


def test_a_mapping_says_delimiter_and_header() -> None:
    text = "Liste, Stand; heute\n\na;b,c\n1;2,3\n"
    assert cells(text, header=3) == [("a", "b,c"), ("1", "2,3")]
    assert cells(text, header=3, delimiter=",") == [("a;b", "c"), ("1;2", "3")]
    assert refusal(text, header=2) == "line 2: the header should be here, and is not"
    assert refusal(text, header=9) == "line 9: the header should be here, and is not"


def test_lines_keep_their_numbers_past_blank_ones_and_breaks_in_cells() -> None:
    found = delimited.table('a;b\n\n"x\ny";1\n;\nz;2\n')
    assert [line.number for line in found.lines] == [3, 6]


def test_a_file_has_bounds() -> None:
    assert refusal("a\n" + "x" * (LONGEST_CELL + 1)) == f"line 2, column A: is longer than {LONGEST_CELL} characters"
    assert refusal("a;b\n1;" + "x" * 200_000).startswith("line 2: cannot be read as CSV (field larger")
    assert refusal("a\n" + ";" * MOST_COLUMNS, delimiter=";") == f"line 2: has 501 cells; {MOST_COLUMNS} are the most"
    assert refusal("a\n" * (MOST_ROWS + 2)) == f"line {MOST_ROWS + 2}: the file has more than {MOST_ROWS} lines"


def test_columns_are_called_as_spreadsheets_call_them() -> None:
    assert [letter(index) for index in (0, 25, 26, 51, 52, 701, 702)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]
