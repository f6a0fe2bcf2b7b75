"""docs/offboarding.md answers every line of the hole catalogue, and the tests that it names exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = (ROOT / "docs" / "offboarding.md").read_text().partition("\n## The catalogue\n")[2]
NUMBERS = range(1, 39)
ROWS = {
    int(number): (answer, shown)
    for number, answer, shown in re.findall(r"^\| (\d+) \| [^|]+ \| ([^|]+) \| ([^|]*) ?\|$", CATALOGUE, re.MULTILINE)
}


def test_every_line_of_the_catalogue_is_answered_once_and_in_order() -> None:
    assert [int(number) for number in re.findall(r"^\| (\d+) \|", CATALOGUE, re.MULTILINE)] == list(NUMBERS)
    assert list(ROWS) == list(NUMBERS)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_line_names_a_test_or_says_what_does_not_apply_or_remains(number: int) -> None:
    answer, shown = ROWS[number]
    assert answer.endswith(".")
    assert "::" in shown or re.match(r"Does not apply|Remains", answer)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([^`]+::[^`]+)`", CATALOGUE))))
def test_a_named_test_exists(name: str) -> None:
    path, _, function = name.partition("::")
    source = (ROOT / path).read_text()
    assert re.search(rf"^ *(async )?def {function}\(", source, re.MULTILINE), f"{name} is not there"
