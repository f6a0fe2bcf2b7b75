"""Every `kleanxmpp` command that the documentation shows exists and takes the arguments shown."""

import re
import shlex
from pathlib import Path

import pytest

from kleanxmpp.cli import build

ROOT = Path(__file__).parents[3]
_BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_END_OF_COMMAND = {"|", ">", "&&", ";"}


def _shown() -> list[str]:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    lines = [line for page in pages for block in _BLOCK.findall(page.read_text()) for line in block.splitlines()]
    return sorted({line for line in lines if re.match(r"(\S*/|\S+=\S+ )?kleanxmpp ", line)})


@pytest.mark.parametrize("line", _shown())
def test_a_documented_command_is_understood(line: str) -> None:
    words = shlex.split(line, comments=True)
    start = next(n for n, word in enumerate(words) if word == "kleanxmpp" or word.endswith("/bin/kleanxmpp")) + 1
    end = next((n for n, word in enumerate(words) if word in _END_OF_COMMAND), len(words))
    command, _, _ = build().parse_args(words[start:end], exit_on_error=False, print_error=False)
    assert command.__module__.startswith("kleanxmpp.cli")


def test_the_documentation_shows_commands() -> None:
    assert len(_shown()) > 10
