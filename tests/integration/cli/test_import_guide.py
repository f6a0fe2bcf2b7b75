"""The guide to the import does what it says."""

import re
from pathlib import Path

from kleanxmpp.sheets.mapping import FIELDS
from tests.integration.cli.conftest import Run

GUIDE = (Path(__file__).parents[3] / "docs" / "import.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_guides_file_and_mapping_give_the_guides_answer(run: Run, home: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig", "windows-1252", "utf-16"):
        (home / "export.csv").write_bytes(block("csv").replace("\n", "\r\n").encode(encoding))
        (home / "mapping.toml").write_text(block("toml"), encoding="utf-8")
        answer = run("import", "export.csv", "--mapping", "mapping.toml", "--dry-run")
        assert (answer.out, answer.err) == (block("text"), "")
    done = run("import", "export.csv", "--mapping", "mapping.toml")
    assert done.out.startswith("3 people in the file: 2 added")


def test_the_guide_names_every_field() -> None:
    assert [field for field in FIELDS if f"`{field}`" not in GUIDE] == []
