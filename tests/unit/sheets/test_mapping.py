"""A mapping says what somebody else's columns mean; what it leaves open is refused, with a suggestion."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleanxmpp import errors
from kleanxmpp.import_rows import FaultyFile, Row
from kleanxmpp.model import Role
from kleanxmpp.sheets import example, mapping, reading
from kleanxmpp.sheets.mapping import Layout
from tests.unit.sheets.workbooks import workbook

NAMES = '"Nachname" = "last_name"\n"Vorname" = "first_name"\n'


def rows(text: str, toml: str) -> tuple[Row, ...]:
    return tuple(reading.read(text.encode("windows-1252"), mapping.read(toml.encode())))


def faults(text: str, toml: str) -> list[str]:
    with pytest.raises(FaultyFile) as refusal:
        rows(text, toml)
    return [str(fault) for fault in refusal.value.faults]


def refused(toml: str) -> str:
    with pytest.raises(errors.Invalid) as refusal:
        mapping.read(toml.encode())
    assert refusal.value.field == "mapping"
    return str(refusal.value)


EXPORT = """Personalstamm;;;;;;;;;;;
Stand 05.01.2026;;;;;;;;;;;
Personalnummer;Nachname;Vorname;E-Mail dienstlich;Eintritt;Austritt;Kostenstelle;Objekt;Tätigkeit;Chat;Geburtsdatum;
0012;Groß;Jörg;j.gross@firma.test;01.04.2019;;4711;Rathaus, Schule Süd;Objektleitung;x;01.02.1980;
0013;Öztürk;Aylin;;01.01.2020;31.12.2025;4711;Schule Süd;Reinigung;;;
0014;Berg;Anna;-;00.00.0000;31.12.9999;-;;Reinigung;X;;
"""


def test_an_export_of_an_hr_system_is_read_with_the_example() -> None:
    toml = example.EXAMPLE.replace("# header = 4  ", "header = 3")
    first, second, third = rows(EXPORT, toml)
    assert first == Row(
        line=4,
        display_name="Jörg Groß",
        external_id="0012",
        email="j.gross@firma.test",
        locale="de",
        joined_on=date(2019, 4, 1),
        chat_permission=True,
        attributes={"cost_center": ("4711",), "site": ("Rathaus", "Schule Süd"), "role": ("Objektleitung",)},
        groups={"Rathaus": Role.MEMBER, "Schule Süd": Role.MEMBER},
    )
    assert (second.leaves_on, second.chat_permission, second.email) == (date(2025, 12, 31), False, None)
    assert (third.joined_on, third.leaves_on, third.email, third.groups) == (None, None, None, {})
    assert "cost_center" not in third.attributes


@pytest.mark.parametrize(
    ("file", "cell", "meaning"),
    [
        ("", "31.12.2026", date(2026, 12, 31)),
        ("", "1.2.2026", date(2026, 2, 1)),
        ("", "2026-12-31", date(2026, 12, 31)),
        ("", "2026-12-31 00:00:00", date(2026, 12, 31)),
        ('dates = "DD.MM.YY"', "31.12.26", date(2026, 12, 31)),
        ('dates = ["MM/DD/YYYY"]', "12/31/2026", date(2026, 12, 31)),
        ('dates = ["YYYYMMDD"]', "20261231", date(2026, 12, 31)),
        ("", "31.12.9999", None),
        ("", "00.00.0000", None),
    ],
)
def test_dates_are_read_as_they_are_written(file: str, cell: str, meaning: date | None) -> None:
    toml = f'[file]\n{file}\n[columns]\n{NAMES}"Austritt" = "leaves_on"\n'
    assert rows(f"Nachname;Vorname;Austritt\nBerg;Anna;{cell}\n", toml)[0].leaves_on == meaning


@pytest.mark.parametrize("cell", ["31.02.2026", "12/31/2026", "31.12.26", "morgen", "31.12.2026 18:00"])
def test_what_is_no_date_is_refused(cell: str) -> None:
    toml = f'[columns]\n{NAMES}"Austritt" = "leaves_on"\n'
    assert faults(f"Nachname;Vorname;Austritt\nBerg;Anna;{cell}\n", toml) == [
        "line 2, column C (Austritt): is no date; write it like 31.12.2026."
    ]


def test_the_last_day_is_not_before_the_first() -> None:
    toml = f'[columns]\n{NAMES}"Ein" = "joined_on"\n"Aus" = "leaves_on"\n'
    assert faults("Nachname;Vorname;Ein;Aus\nBerg;Anna;02.01.2026;01.01.2026\n", toml) == [
        "line 2, column D (Aus): the last day is before the first"
    ]


@pytest.mark.parametrize(
    ("column", "cell", "meaning"),
    [
        ('"active"', "aktiv", True),
        ('"active"', "Inaktiv", False),
        ('"active"', "X", True),
        ('"active"', "", None),
        ('{ field = "active", yes = ["Beschäftigt"], no = ["Ausgeschieden"] }', "beschäftigt", True),
        ('{ field = "active", yes = ["Beschäftigt"], no = ["Ausgeschieden"] }', "Ausgeschieden", False),
        ('{ field = "active", yes = ["0"], no = ["1"] }', "0", True),
        ('{ field = "active", yes = ["0"], no = ["1"] }', "1", False),
        ('{ field = "active", no = [""] }', "", False),
        ('{ field = "active", yes = ["a"], no = ["a"] }', "a", False),
    ],
)
def test_yes_and_no_are_what_the_column_calls_them(column: str, cell: str, meaning: bool | None) -> None:
    toml = f'[columns]\n{NAMES}"Status" = {column}\n'
    assert rows(f"Nachname;Vorname;Status\nBerg;Anna;{cell}\n", toml)[0].active is meaning


def test_a_name_in_one_column_may_stand_the_other_way_round() -> None:
    (row,) = rows('Name;X\n"von Berg, Anna";1\n', '[file]\nignore = ["*"]\n[columns]\n"Name" = "name_reversed"\n')
    assert row.display_name == "Anna von Berg"


def test_columns_that_nobody_named_are_refused_with_a_suggestion() -> None:
    toml = f'[file]\nignore = ["Gehalt"]\n[columns]\n{NAMES}"Personal-Nr" = "external_id"\n'
    assert faults("Nachname;Vorname;Personal-Nr.;Gehalt;Kostenstele;Haarfarbe\nBerg;Anna;1;2;3;4\n", toml) == [
        "line 1: the file has no column “Personal-Nr”, which the mapping names; did you mean “Personal-Nr.”?",
        "line 1, column C (Personal-Nr.): is not in the mapping: say what it means, or ignore it "
        "(it looks like external_id)",
        "line 1, column E (Kostenstele): is not in the mapping: say what it means, or ignore it "
        "(it looks like attributes.cost_center)",
        "line 1, column F (Haarfarbe): is not in the mapping: say what it means, or ignore it",
    ]


def test_headers_are_found_whatever_their_case_and_spaces() -> None:
    assert rows("NACHNAME ; vorname\nBerg;Anna\n", f"[columns]\n{NAMES}")[0].display_name == "Anna Berg"


def test_a_column_without_a_name_must_be_empty() -> None:
    assert rows("Nachname;Vorname;\nBerg;Anna;\n", f"[columns]\n{NAMES}")[0].display_name == "Anna Berg"
    assert faults("Nachname;Vorname;\nBerg;Anna;1\n", f"[columns]\n{NAMES}") == [
        "line 1, column C: has no name in the header, but cells"
    ]


def test_a_column_that_is_there_twice_is_refused() -> None:
    assert faults("Nachname;Vorname;Nachname\nBerg;Anna;Tal\n", f"[columns]\n{NAMES}") == [
        "line 1, column A (Nachname): last_name comes from more than one column",
        "line 1, column C (Nachname): is there more than once",
        "line 1, column C (Nachname): last_name comes from more than one column",
    ]


def test_formulas_in_columns_that_are_ignored_do_not_matter() -> None:
    toml = f'[file]\nignore = ["Alter"]\n[columns]\n{NAMES}'
    data = workbook(["Nachname", "Vorname", "Alter"], ["Berg", "Anna", "=TODAY()"])
    assert reading.read(data, mapping.read(toml.encode()))[0].display_name == "Anna Berg"


@pytest.mark.parametrize(
    ("toml", "reason"),
    [
        ("columns", "The mapping is no TOML"),
        ("\udcff", "The mapping is no TOML"),
        ("[columns]\n", "no column is named"),
        ("[file]\n", "columns: Field required"),
        ('[columns]\n"A" = "nonsense"\n', "there is no field “nonsense”; there are username"),
        ('[columns]\n"A" = "attributes.Ä"\n', "there is no field “attributes.Ä”"),
        ('[columns]\n"A" = "email"\n"B" = "email"\n', "email comes from more than one place"),
        ('[columns]\n"A" = "site"\n[constants]\nattributes.site = "B"\n', "attributes.site comes from more than one"),
        ('[file]\nencodng = "utf-8"\n[columns]\n"A" = "email"\n', "file.encodng: Extra inputs are not permitted"),
        ('[file]\nencoding = "latin9"\n[columns]\n"A" = "email"\n', "file.encoding: Input should be 'utf-8'"),
        ('[columns]\n"A" = 5\n', "columns.A.0: Input should be a valid dictionary"),
        ('[columns]\n"A" = "email"\n[constants]\nlocale = 1.5\n', "a constant is a text, a whole number"),
        ("x" * 200_001, "The mapping is too large."),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused(toml: str, reason: str) -> None:
    with pytest.raises(errors.Invalid) as refusal:
        mapping.read(toml.encode(errors="surrogateescape"))
    assert reason in str(refusal.value)


def test_constants_hold_for_everybody() -> None:
    toml = f"[columns]\n{NAMES}[constants]\nchat_permission = false\nattributes.division = 12\n"
    (row,) = rows("Nachname;Vorname\nBerg;Anna\n", toml)
    assert (row.chat_permission, row.attributes) == (False, {"division": ("12",)})


def test_a_mapping_for_a_file_is_guessed_and_says_so() -> None:
    table = reading.table_of(EXPORT.encode(), Layout(header=3))
    made = example.mapping_for(table)
    assert made.startswith("# Guessed")
    assert '"Austritt" = "leaves_on"' in made and 'ignore = ["Geburtsdatum"]' in made
    assert mapping.read(made.encode()).file.header == 3


def test_thousands_of_faults_are_counted_and_not_all_shown() -> None:
    with pytest.raises(FaultyFile) as refusal:
        rows("Nachname;Vorname;Aus\n" + "Berg;Anna;bald\n" * 600, f'[columns]\n{NAMES}"Aus" = "leaves_on"\n')
    assert len(refusal.value.faults) == 500
    assert str(refusal.value).startswith("600 faults in the file, of which these are the first 500.")


@given(st.text(alphabet="ABab019.;,\"\n\r\t\\*=-'ß\u2013", max_size=80), st.sampled_from([";", ",", "\t"]))
def test_any_lines_under_a_header_are_rows_or_faults(text: str, delimiter: str) -> None:
    fields = {"Name": "display_name", "Aus": "leaves_on", "Chat": "chat_permission", "Wo": "site", "Gruppen": "groups"}
    toml = "[columns]\n" + "".join(f'"{header}" = "{field}"\n' for header, field in fields.items())
    try:
        found = rows(delimiter.join(fields) + "\n" + text, toml)
    except FaultyFile as refusal:
        assert refusal.faults
        return
    assert found and all(row.display_name for row in found)
