"""What we write is never a live formula, and is read as what it was."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleanxmpp.sheets.formulas import armed, defused

LIVE = "=+-@\uff1d\uff0b\uff0d\uff20"
TRICKY = st.text(alphabet=LIVE + "\t\r\n'\" ;,|ab1\\*")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1", "\uff0b1", "\uff0d1"])
def test_what_begins_like_a_formula_gets_an_apostrophe(text: str) -> None:
    assert defused(text) == "'" + text.replace("\t=", "\t'=").replace("\r=", "\r'=")


@pytest.mark.parametrize("text", ["", "Anna", "E-Mail", "O'Neill", "a=b", "5 - 3", "'quoted'", "müller+1@firma.test"])
def test_everything_else_stays_as_it_is(text: str) -> None:
    assert defused(text) == armed(text) == text


@pytest.mark.parametrize("delimiter", ";,\t|")
@given(st.lists(TRICKY, min_size=1, max_size=4))
def test_no_cell_is_live_whatever_the_delimiter_that_it_is_opened_with(delimiter: str, values: list[str]) -> None:
    file = io.StringIO()
    csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL).writerow([defused(value) for value in values])
    for row in csv.reader(io.StringIO(file.getvalue(), newline=""), delimiter=delimiter):
        assert not [cell for cell in row if cell.lstrip(' "\t\r\n').startswith(tuple(LIVE))]


@given(st.one_of(st.text(), TRICKY))
def test_reading_takes_back_what_writing_did(text: str) -> None:
    assert armed(defused(text)) == text
