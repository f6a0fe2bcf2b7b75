"""What commands write: aligned columns for people, JSON for programs, both on stdout. Progress goes to stderr.

Tables are plain text, the same on a terminal and in a pipe; a progress bar appears only on a terminal.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from kleanxmpp import errors

Facts = Mapping[str, Any]


def write_json(value: object) -> None:
    """Write a value of mappings, sequences, strings, numbers and moments as JSON."""
    print(json_text(value), end="")


def json_text(value: object) -> str:
    """Return a value as `write_json` writes it."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=_plain) + "\n"


def write_table(rows: Sequence[Facts], columns: Sequence[str]) -> None:
    """Write these columns of the rows under a header."""
    lines = [[column.replace("_", " ").upper() for column in columns]]
    lines += [[_shown(row[column]) for column in columns] for row in rows]
    _write_columns(lines)


def write_facts(facts: Facts) -> None:
    """Write one fact per line, those that are not known left out."""
    _write_columns([[key.replace("_", " "), _shown(value)] for key, value in facts.items() if value not in (None, "")])


def write_section(title: str, lines: Sequence[str], *, colour: str) -> None:
    """Write lines under a title, coloured if somebody is watching."""
    if not sys.stdout.isatty():
        print("\n".join([f"{title}:", *(f"  {line}" for line in lines)]))
        return
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    console.print(f"{title}:", style=f"bold {colour}")
    for line in lines:
        console.print(f"  {line}", style=colour)


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal whether to go on. Raises Invalid for a no, and where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise errors.Invalid(f"{question} Nothing was done; say --yes if you mean it.")
    try:
        answer = input(f"{question} Go on? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in {"y", "yes", "j", "ja"}:
        raise errors.Invalid("Nothing was done.")


@contextmanager
def progress(title: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Yield what takes (done, total) and shows it as a bar, if somebody is watching."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _write_columns(lines: Sequence[Sequence[str]]) -> None:
    widths = [max(map(_width, cells)) for cells in zip(*lines, strict=True)]
    for cells in lines:
        padded = (cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True))
        print("  ".join(padded).rstrip())


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S UTC")
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(map(_shown, value)) or "-"
    return str(value)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, frozenset | set):
        return sorted(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
