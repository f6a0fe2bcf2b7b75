"""Spreadsheets at the shell: a mapping, a diff to read, and exports."""

import csv
import io
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from kleanxmpp.cli import output
from kleanxmpp.sheets import mapping
from kleanxmpp.sheets.example import EXAMPLE
from tests.integration.cli.conftest import Run
from tests.unit.sheets.workbooks import workbook

HEADER = ["Personalnummer", "Nachname", "Vorname", "Austritt", "Objekt"]


@pytest.fixture
def export(home: Path) -> str:
    def zeros(sheet: Any) -> None:
        sheet.append([13, "Berg", "Anna", None, "Rathaus"])
        sheet["A3"].number_format = "0000"

    data = workbook(HEADER, ["0012", "Groß", "Jörg", "31.12.2099", "Rathaus"], then=zeros)
    (home / "export.xlsx").write_bytes(data)
    return "export.xlsx"


@pytest.fixture
def mapped(home: Path) -> str:
    (home / "mapping.toml").write_text(
        '[columns]\n"Personalnummer" = "external_id"\n"Nachname" = "last_name"\n"Vorname" = "first_name"\n'
        '"Austritt" = "leaves_on"\n"Objekt" = ["site", "groups"]\n[groups]\nannouncements = ["Rathaus"]\n'
    )
    return "mapping.toml"


def test_a_workbook_is_imported_with_a_mapping(run: Run, export: str, mapped: str) -> None:
    planned = run("import", export, "--mapping", mapped, "--dry-run")
    assert planned.out.splitlines() == [
        "Added (2):",
        "  add user joerg.gross: Jörg Groß: attributes.site — → Rathaus",
        "  add user anna.berg: Anna Berg: attributes.site — → Rathaus",
        "Dates ahead (1):",
        "  user joerg.gross leaves on 2099-12-31: will be scheduled",
        "Groups (1):",
        "  add group Rathaus (announcement)",
        "Circles (1):",
        "  change circle of Rathaus: + joerg.gross, + anna.berg",
        "2 people in the file: 2 added, 0 changed, 0 unchanged; 1 groups added, 1 circles changed, 1 dates planned. "
        "Nothing was changed: this was a dry run.",
    ]
    done = run("import", export, "--mapping", mapped, "--json").json
    assert [one["external_id"] for one in done["added"]] == ["0012", "0013"]
    assert (done["dry_run"], done["users_added"], len(done["changes"])) == (False, 2, 5)


def test_a_mapping_to_start_from_is_printed(bare: Run, export: str) -> None:
    assert bare("import", "--mapping-example").out == EXAMPLE
    guessed = bare("import", export, "--mapping-example").out
    assert '"Austritt" = "leaves_on"' in guessed
    assert mapping.read(guessed.encode()).columns.keys() == set(HEADER)


def test_without_a_file_nothing_is_imported(bare: Run) -> None:
    answer = bare("import", "--dry-run")
    assert (answer.code, "Say which file" in answer.err) == (1, True)


def test_who_is_missing_is_told_and_leaves(run: Run, home: Path) -> None:
    (home / "all.csv").write_text("external_id;display_name\n1;Anna Berg\n2;Bea Cohn\n")
    (home / "one.csv").write_text("external_id;display_name\n1;Anna Berg\n")
    run("import", "all.csv")
    assert "Bea" not in run("import", "one.csv", "--dry-run").out
    planned = run("import", "one.csv", "--missing", "off-board", "--dry-run").out
    assert planned.startswith("Missing in the file (1):\n  off-board user bea.cohn: is not in the file\n")
    assert "1 missing and off-boarded" in run("import", "one.csv", "--missing", "off-board").out
    assert [one["username"] for one in run("user", "list", "--json").json if one["active"]] == ["anna.berg"]


def test_people_are_exported_and_read_back(run: Run, home: Path) -> None:
    (home / "in.csv").write_text("external_id;display_name;site;groups\n1;=Anna;A;Nord*\n")
    run("import", "in.csv")
    lines = list(csv.reader(io.StringIO(run("export", "people").out.removeprefix("\ufeff")), delimiter=";"))
    assert lines[1] == ["anna", "'=Anna", "1", "", "de", "yes", "yes", "A", "Nord*"]
    assert run("export", "people", "--output", "out.csv").out == ""
    assert stat.S_IMODE((home / "out.csv").stat().st_mode) == 0o600
    assert run("import", "out.csv", "--json").json["changes"] == []
    assert run("export", "people", "--output", "out.csv").err == "out.csv cannot be written: File exists.\n"
    assert run("export", "people", "--json").json[0]["groups"] == [{"name": "Nord", "role": "moderator"}]
    assert run("export", "groups", "--format", "json").json == [
        {"slug": "nord", "name": "Nord", "kind": "team", "description": "", "members": 1, "archived": False}
    ]
    run("export", "groups", "--format", "json", "--output", "groups.json")
    assert '"slug": "nord"' in (home / "groups.json").read_text()


def test_a_diff_is_coloured_only_for_people(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output.write_section("Added (1)", ["add user anna: [bold]Anna[/bold]"], colour="green")
    assert capsys.readouterr().out == "Added (1):\n  add user anna: [bold]Anna[/bold]\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    output.write_section("Added (1)", ["add user anna: [bold]Anna[/bold]"], colour="green")
    told = capsys.readouterr().out
    assert "\x1b[" in told and "add user anna: [bold]Anna[/bold]" in told
