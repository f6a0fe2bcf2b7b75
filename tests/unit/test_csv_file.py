"""A file of people becomes rows, or a list of everything that is wrong with it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleanxmpp import csv_file
from kleanxmpp.import_rows import FaultyFile, Row
from kleanxmpp.model import Role

DEMO = Path(csv_file.__file__).parent / "demo" / "glanz-und-gloria.csv"


def parse(text: str | bytes) -> tuple[Row, ...]:
    data = text if isinstance(text, bytes) else text.encode()
    return csv_file.parse(data.splitlines(keepends=True))


def faults(text: str | bytes) -> list[str]:
    with pytest.raises(FaultyFile) as refusal:
        parse(text)
    return [str(fault) for fault in refusal.value.faults]


def test_a_whole_row_is_read() -> None:
    (row,) = parse(
        "username,display_name,external_id,email,locale,active,chat_permission,groups\n"
        "Joerg.Gross,Jörg  Groß,E-7,j@firma.test,en,ja,nein,Büro*; *Rathaus ;Team A\n"
    )
    assert row == Row(
        line=2,
        username="joerg.gross",
        display_name="Jörg Groß",
        external_id="E-7",
        email="j@firma.test",
        locale="en",
        active=True,
        chat_permission=False,
        groups={"Büro": Role.MODERATOR, "Rathaus": Role.MODERATOR, "Team A": Role.MEMBER},
    )


def test_empty_cells_and_missing_columns_are_not_said() -> None:
    with_groups, without = parse("display_name,active,groups\nAnna Berg,,\n")[0], parse("display_name\nAnna Berg\n")[0]
    assert with_groups == Row(line=2, display_name="Anna Berg", groups={})
    assert without == Row(line=2, display_name="Anna Berg")


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_spreadsheets_of_all_kinds_are_read(start: str, end: str, delimiter: str) -> None:
    lines = [["first_name", "last_name", "groups"], ["Jörg", "Groß", '"A;B*"'], [], ["Anna", '"Berg\n(neu)"', "A"]]
    first, second = parse(start + end.join(delimiter.join(cells) for cells in lines))
    assert (first.line, first.display_name, first.groups) == (2, "Jörg Groß", {"A": Role.MEMBER, "B": Role.MODERATOR})
    assert (second.line, second.display_name) == (4, "Anna Berg (neu)")


@pytest.mark.parametrize(
    ("cell", "meaning"),
    [("ja", True), ("Yes", True), ("TRUE", True), ("1", True), ("nein", False), ("no", False), ("0", False)],
)
def test_yes_and_no_are_read_in_german_and_english(cell: str, meaning: bool) -> None:
    assert parse(f"display_name,active\nAnna,{cell}\n")[0].active is meaning


def test_every_faulty_line_is_named() -> None:
    assert faults(
        "username,display_name,email,locale,active,groups\n"
        "groß,Jörg Groß,,,,\n"
        "anna,,nobody,fr,vielleicht,\n"
        "ok,Otto Ok,,,,A\n"
        "kurz,Kurt\n"
        "g,Gerda,,,,A;A*\n"
    ) == [
        'line 2, column A (username): The username contains "ß", which not every server reads alike; write "ss" '
        "instead. Use letters without accents, digits, dots and hyphens, for example joerg.gross.",
        "line 3, column B (display_name): A display name has 1 to 200 printable characters.",
        "line 3, column C (email): is not an e-mail address.",
        "line 3, column D (locale): The locale must be one of: de, en.",
        "line 3, column E (active): write yes or no.",
        "line 5: has 2 cells, but the header has 6",
        "line 6, column F (groups): names “A” twice.",
    ]


def test_what_only_one_person_can_have_is_not_given_twice() -> None:
    assert faults("display_name,username,external_id\nA,a,1\nB,A,2\nC,c,1\n") == [
        "line 3, column B (username): line 2 has the same username",
        "line 4, column C (external_id): line 2 has the same external_id",
    ]


def test_one_group_has_one_spelling() -> None:
    assert faults("display_name,groups\nA,Team Nord\nB,team  nord\nC,Team C#;Team C++\n") == [
        "line 3, column B (groups): “team nord” is spelled “Team Nord” in line 2"
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "line 1: the file is empty"),
        ("\n\n", "line 1: the file is empty"),
        ("display_name\n", "line 1: the file has a header but no people"),
        ("name,display_name\nA,B\n", "line 1, column A: unknown column “name”; the columns are username"),
        ("Display_Name\nA\n", "line 1, column A: unknown column “Display_Name”"),
        ("display_name,display_name\nA,B\n", "line 1, column B (display_name): display_name comes from more"),
        ("first_name\nA\n", "line 1: a column display_name is needed, or both first_name and last_name"),
        ('display_name\n"Anna" Berg\n', "line 2: cannot be read as CSV"),
        ('display_name\n"Anna\n', "line 2: cannot be read as CSV"),
        (b"display_name\nJ\x81rg\n", "line 2: character 2 is neither UTF-8 nor Windows-1252"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(text: str | bytes, reason: str) -> None:
    assert any(fault.startswith(reason) for fault in faults(text)), faults(text)


@given(st.binary())
def test_any_bytes_give_rows_or_faults(data: bytes) -> None:
    try:
        rows = parse(b"display_name,groups\n" + data)
    except FaultyFile as refusal:
        assert refusal.faults
        return
    assert rows


def test_the_demo_company_is_as_it_should_be() -> None:
    rows = parse(DEMO.read_bytes())
    circles = {group for row in rows for group in row.groups or ()}
    assert (len(rows), len(circles)) == (60, 12)
    assert len({row.display_name for row in rows}) == 59
    assert all("Meldungen" in (row.groups or ()) for row in rows)
    assert sum(row.active is False for row in rows) == sum(row.chat_permission is False for row in rows) == 1
    assert {row.locale for row in rows} == {"de", "en"}
    assert {g for row in rows for g, role in (row.groups or {}).items() if role is Role.MODERATOR} == circles
