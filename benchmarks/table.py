"""Showing figures: a rich table on a terminal, plain lines elsewhere, JSON for machines."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure, short

_MARKS = {True: "met", False: "MISSED", None: ""}
_HEAD = ("what", "ours", "plain way", "ratio", "target", "", "note")


def show(figures: Sequence[Figure], *, console: Console) -> None:
    """Print the figures for people."""
    if console.is_terminal:
        _show_table(figures, console=console)
    else:
        console.print(plain_text(figures), markup=False, highlight=False, soft_wrap=True, end="")


def plain_text(figures: Sequence[Figure]) -> str:
    """Return the table in columns, notes on lines of their own."""
    rows = [_HEAD[:-1], *(_cells(figure)[:-1] for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for number, figure in enumerate(figures, start=1):
        lines[number] += f"\n    {figure.note}" if figure.note else ""
    return "\n".join(lines) + "\n"


def as_json(figures: Sequence[Figure], *, version: str) -> str:
    """Return the figures for machines."""
    return json.dumps({"ejabberd": version, "figures": [asdict(figure) for figure in figures]}, indent=2)


def _show_table(figures: Sequence[Figure], *, console: Console) -> None:
    table = Table(show_lines=True)
    for title in _HEAD:
        table.add_column(title, justify="right" if title in ("ours", "plain way", "ratio") else "left")
    for figure in figures:
        colour = {True: "green", False: "red", None: None}[figure.meets]
        table.add_row(*_cells(figure), style=colour)
    console.print(table)


def _cells(figure: Figure) -> tuple[str, ...]:
    return (
        figure.name,
        f"{short(figure.ours)} {figure.unit}",
        "" if figure.plain is None else f"{short(figure.plain)} {figure.unit}",
        "" if figure.ratio is None else f"{short(figure.ratio)} x",
        figure.target,
        _MARKS[figure.meets],
        figure.note,
    )
