"""XLSX files become tables; attacks and what cannot be relied on are refused, each with its place."""

import warnings
import zipfile
from datetime import date, datetime, time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook  # type: ignore[import-untyped]

from kleanxmpp.import_rows import FaultyFile
from kleanxmpp.sheets import archive, reading, sheet_marks
from kleanxmpp.sheets.mapping import Layout
from kleanxmpp.sheets.table import MOST_COLUMNS, Table, Unreadable
from tests.unit.sheets.workbooks import (
    lying,
    parts,
    saved,
    shared,
    sheet,
    with_parts,
    with_shared_strings,
    workbook,
    zipped,
)

PEOPLE = workbook(["external_id", "display_name"], ["0012", "Anna Berg"])


def table(data: bytes, **layout: Any) -> Table:
    return reading.table_of(data, Layout(**layout))


def cells(data: bytes, **layout: Any) -> list[tuple[object, ...]]:
    return [line.cells for line in table(data, **layout).lines]


def refusal(data: bytes, **layout: Any) -> str:
    with pytest.raises(FaultyFile) as refused:
        table(data, **layout)
    return "\n".join(map(str, refused.value.faults))


def test_people_are_read_from_a_workbook() -> None:
    (row,) = reading.read(PEOPLE)
    assert (row.line, row.external_id, row.display_name) == (2, "0012", "Anna Berg")


def test_cells_are_what_they_mean_and_not_what_they_are_stored_as() -> None:
    values = ["0012", 12, 12.0, 0.1 + 0.2, True, date(2026, 12, 31), datetime(2026, 12, 31, 18, 30), time(8), None, "x"]

    def zeros(sheet: Any) -> None:
        sheet.append([12])
        sheet["A3"].number_format = "0000"

    found = cells(workbook(["a"] * len(values), values, then=zeros))
    dates = ("2026-12-31", "2026-12-31 18:30:00", "08:00:00")
    assert found == [("0012", "12", "12", "0.3", "true", *dates, "", "x"), ("0012",)]


def test_rows_keep_their_numbers() -> None:
    found = table(workbook([], ["display_name"], [], ["Anna"], [None], ["Bea"]))
    assert (found.header.number, [line.number for line in found.lines]) == (2, [4, 6])


def test_a_header_below_titles_is_found_by_its_row() -> None:
    data = workbook(["Personalliste"], ["Stand", date(2026, 1, 1)], ["display_name"], ["Anna"])
    assert table(data, header=3).header.cells == ("display_name",)
    assert refusal(data, header=9) == "line 9: the header should be here, and is not"


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        ("B2", "=A2", "is a formula"),
        ("B2", "#N/A", "holds the error #N/A"),
        ("B2", "x" * 10_001, "is longer than 10000 characters"),
        ("B2", 12345678901234567, "is a number too long"),
        ("B2", 1e300, "is a number too long"),
    ],
)
def test_what_cannot_be_relied_on_is_refused_where_it_is_read(place: str, value: object, reason: str) -> None:
    def change(sheet: Any) -> None:
        sheet[place] = value

    data = workbook(["display_name", "external_id"], ["Anna", None], then=change)
    with pytest.raises(FaultyFile) as refused:
        reading.read(data)
    assert str(refused.value.faults[0]).startswith(f"line 2, column B (external_id): {reason}")


def test_merged_cells_are_refused_each_with_its_row() -> None:
    data = workbook(
        ["display_name", "site"], ["Anna", "Nord"], ["Bea", None], then=lambda sheet: sheet.merge_cells("B2:B3")
    )
    with pytest.raises(FaultyFile) as refused:
        reading.read(data)
    assert [fault.place for fault in refused.value.faults] == ["line 2, column B (site)", "line 3, column B (site)"]
    assert "merged" in str(refused.value.faults[0])


def test_formulas_of_all_kinds_are_known() -> None:
    rows = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>display_name</t></is></c></row>'
        '<row r="2"><c r="A2"><f t="shared" ref="A2:A3" si="0">1+1</f><v>2</v></c></row>'
        '<row r="3"><c r="A3"><f t="shared" si="0"/><v>2</v></c></row>'
        '<row r="4"><c r="A4"><f t="array" ref="A4">1+1</f></c></row>'
    )
    found = cells(with_parts(PEOPLE, sheet=sheet(f"<sheetData>{rows}</sheetData>")))
    assert [type(line[0]) for line in found] == [Unreadable] * 3


def test_rules_for_colours_are_no_formulas() -> None:
    inner = (
        '<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>display_name</t></is></c></row></sheetData>'
        '<extLst><ext xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main" uri="{x}">'
        "<xm:f>A1=1</xm:f></ext></extLst>"
    )
    assert table(with_parts(PEOPLE, sheet=sheet(inner))).header.cells == ("display_name",)


def test_one_of_several_sheets_is_named() -> None:
    book = Workbook()
    book.active.title = "Leer"
    for title, name in (("Mitarbeiter", "Anna"), ("Ehemalige", "Bea")):
        made = book.create_sheet(title)
        made.append(["display_name"])
        made.append([name])
    data = saved(book)
    assert refusal(data).endswith("name one of them in the mapping: “Mitarbeiter”, “Ehemalige”")
    assert cells(data, sheet="Ehemalige") == [("Bea",)]
    assert "there is no sheet “Neue”; there are: “Leer”, “Mitarbeiter”, “Ehemalige”" in refusal(data, sheet="Neue")
    book["Ehemalige"].sheet_state = "hidden"
    assert cells(saved(book)) == [("Anna",)]


@pytest.mark.parametrize("rows", [(), ([None, None],)])
def test_an_empty_workbook_is_refused(rows: tuple[Any, ...]) -> None:
    assert refusal(workbook(*rows)) == "line 1: the sheet is empty"


def _content_types(data: bytes, old: bytes, new: bytes) -> bytes:
    changed = parts(data)["[Content_Types].xml"].replace(old, new)
    return with_parts(data, types=changed)


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (OLE + bytes(1000), "this is the old Excel format (.xls)"),
        (OLE + bytes(100) + "EncryptedPackage".encode("utf-16-le"), "the workbook is encrypted"),
        (with_parts(PEOPLE, **{"xl/vbaProject.bin": b"x"}), "the workbook has macros (.xlsm)"),
        (with_parts(PEOPLE, **{"xl/macrosheets/sheet1.xml": b"x"}), "the workbook has macros (.xlsm)"),
        (_content_types(PEOPLE, b"sheet.main+xml", b"sheet.macroEnabled.main+xml"), "the workbook may have macros"),
        (with_parts(PEOPLE, **{"xl/externalLinks/externalLink1.xml": b"x"}), "the workbook is linked to other"),
        (with_parts(PEOPLE, **{"xl/workbook.bin": b"x"}), "this is a binary workbook (.xlsb)"),
        (zipped({"word/document.xml": b"x", "[Content_Types].xml": b"x"}), "this is a zip archive, but no Excel"),
        (zipped({}), "this is a zip archive, but no Excel"),
        (PEOPLE[:-200], "the file is damaged"),
        (PEOPLE[: len(PEOPLE) // 2], "the file is damaged"),
        (with_parts(PEOPLE, sheet=b"<worksheet"), "the workbook is damaged"),
        (with_shared_strings(PEOPLE, b"nothing"), "the workbook is damaged"),
        (zipped(parts(PEOPLE), method=zipfile.ZIP_BZIP2), "the workbook is packed in an unusual way"),
    ],
)
def test_what_is_no_plain_workbook_is_refused_in_words(data: bytes, reason: str) -> None:
    assert refusal(data).startswith(f"line 1: {reason}")


def test_a_part_that_is_encrypted_is_refused() -> None:
    data = bytearray(PEOPLE)
    at = data.find(b"PK\x01\x02")
    data[at + 8] |= 1
    assert "the workbook is encrypted" in refusal(bytes(data))


ZEROS = bytes(archive.MOST_UNPACKED // 2 + 1)


@pytest.mark.parametrize(
    "data",
    [
        with_parts(PEOPLE, **{"xl/a.bin": bytes(2 * 1024 * 1024)}),
        with_parts(PEOPLE, **{"xl/a.bin": ZEROS, "xl/b.bin": ZEROS}),
        lying(with_parts(PEOPLE, **{"xl/a.bin": bytes(2 * 1024 * 1024)}), size=1000),
        lying(PEOPLE, size=2**32 - 2),
        zipped({f"xl/{n}.xml": b"" for n in range(archive.MOST_PARTS + 1)} | parts(PEOPLE)),
        PEOPLE + bytes(21 * 1024 * 1024),
    ],
    ids=["dense", "large", "lies that it is small", "lies that it is large", "many parts", "large file"],
)
def test_a_bomb_is_refused_before_it_is_unpacked(data: bytes) -> None:
    assert refusal(data).startswith("line 1: the ")


def test_a_part_that_is_there_twice_is_refused() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        twice = zipped([*parts(PEOPLE).items(), ("XL/WORKBOOK.XML", b"x")])
    assert "or one of them twice" in refusal(twice)


def test_parts_that_overlap_are_refused() -> None:
    data = bytearray(with_parts(PEOPLE, **{"xl/a.bin": b"a" * 100}))
    start = at = data.find(b"PK\x01\x02")
    while (at := data.find(b"PK\x01\x02", at)) >= 0:
        data[at + 20 : at + 24] = len(data).to_bytes(4, "little")
        at += 4
    assert start > 0
    assert "parts of the workbook overlap" in refusal(bytes(data))


def _row(number: object, *cells: str) -> str:
    return f'<row r="{number}">{"".join(cells)}</row>'


@pytest.mark.parametrize(
    ("inner", "reason"),
    [
        (_row(1_048_576, '<c r="A1048576"><v>1</v></c>'), "line 1048576: has more than 100000 rows"),
        (_row(1, '<c r="XFD1"><v>1</v></c>'), f"line 1, column XFD: {MOST_COLUMNS} columns are the most"),
        (_row(1, "<c><v>1</v></c>" * (MOST_COLUMNS + 1)), f"line 1, column SG: {MOST_COLUMNS} columns are the most"),
        (_row(1, '<c r="A2"><v>1</v></c>'), "line 1: a cell is not where it says it is"),
        (_row(1, '<c r="B1"/><c r="A1"/>'), "line 1: a cell is not where it says it is"),
        (_row(1, '<c r="nowhere"><v>1</v></c>'), "line 1: a cell has no place"),
        (_row("1e3"), "line 1: a row has no number"),
        (_row(0), "line 1: a row has no number"),
        (_row(1, '<c r="A1" t="s"><v>99</v></c>'), "line 1: the workbook is damaged"),
        (_row(1, '<c r="A1"><v>' + "9" * 5000 + "</v></c>"), "line 1: the workbook is damaged"),
    ],
)
def test_a_sheet_that_no_spreadsheet_program_writes_is_refused(inner: str, reason: str) -> None:
    found = refusal(with_parts(PEOPLE, sheet=sheet(f"<sheetData>{inner}</sheetData>")))
    assert found.startswith(reason)


def test_a_sheet_of_millions_of_cells_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet_marks, "MOST_CELLS", 5)
    rows = "".join(_row(n, "<c/><c/>") for n in range(1, 4))
    found = refusal(with_parts(PEOPLE, sheet=sheet(f"<sheetData>{rows}</sheetData>")))
    assert found == "line 3: the sheet has more than 5 cells"


@pytest.mark.parametrize(
    "merges", ['<mergeCell ref="A1:XFD1048576"/>', '<mergeCell ref="A1:A2"/>' * 10_001], ids=["huge", "many"]
)
def test_too_many_merged_cells_are_refused(merges: str) -> None:
    data = with_parts(PEOPLE, sheet=sheet(f"<sheetData/><mergeCells>{merges}</mergeCells>"))
    assert refusal(data) == "line 1, column A: too many merged cells; unmerge them"


@pytest.mark.parametrize(
    "part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml", "xl/styles.xml"]
)
def test_entities_are_never_resolved(part: str) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    whole = with_shared_strings(PEOPLE, shared("display_name", "Anna"))
    assert cells(whole) == [("Anna",)]
    assert "line 1: the " in refusal(with_parts(whole, **{part: bomb + parts(whole)[part]}))


def test_a_dimension_that_lies_changes_nothing() -> None:
    inner = '<dimension ref="A1:XFD1048576"/><sheetData>' + _row(1, '<c r="A1"><v>1</v></c>') + "</sheetData>"
    assert table(with_parts(PEOPLE, sheet=sheet(inner))).header.cells == ("1",)


def test_a_strict_workbook_is_not_taken_for_an_empty_one() -> None:
    strict = parts(PEOPLE)["xl/worksheets/sheet1.xml"].replace(
        b"http://schemas.openxmlformats.org/spreadsheetml/2006/main", b"http://purl.oclc.org/ooxml/spreadsheetml/main"
    )
    assert "Strict Open XML" in refusal(with_parts(PEOPLE, sheet=strict))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_damage_is_a_refusal_or_a_table(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(parts(PEOPLE))))
    content = bytearray(parts(PEOPLE)[name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    try:
        assert table(with_parts(PEOPLE, **{name: bytes(content)})).header
    except FaultyFile as refused:
        assert refused.faults


def test_a_document_type_is_refused_even_without_entities() -> None:
    content = b"<!DOCTYPE worksheet>" + parts(PEOPLE)["xl/worksheets/sheet1.xml"]
    assert "the sheet has a document type" in refusal(with_parts(PEOPLE, sheet=content))


def test_a_header_that_is_computed_is_refused() -> None:
    with pytest.raises(FaultyFile) as refused:
        reading.read(workbook(["display_name", '="external"&"_id"'], ["Anna", "1"]))
    assert str(refused.value.faults[0]).startswith("line 1, column B: the header is a formula")


def test_a_moment_keeps_its_date_in_both_calendars() -> None:
    book = Workbook()
    book.epoch = datetime(1904, 1, 1)
    book.active.append(["leaves_on"])
    book.active.append([date(2026, 12, 31)])
    assert cells(saved(book)) == [("2026-12-31",)]
