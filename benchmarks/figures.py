"""What a benchmark finds: one `Figure` per line of the table. Pure.

The ratio is the median of the rounds' own ratios, not the ratio of the medians: the two ways of one round ran one
right after the other, so what else happens on the machine touches both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line. `ours` and `plain` are in `unit`; `plain` and `ratio` are None where there is no plain way.

    `meets` says whether the target is met, None if there is none.
    """

    name: str
    ours: float
    plain: float | None = None
    unit: str
    ratio: float | None = None
    target: str = ""
    meets: bool | None = None
    note: str = ""


def compared(
    name: str, ours: Sequence[float], plain: Sequence[float], *, unit: str, at_most: float | None = None, note: str = ""
) -> Figure:
    """Return the line for rounds that ran both ways: `ratio` is ours / plain, small is good."""
    ratio = median(a / b for a, b in zip(ours, plain, strict=True))
    return Figure(
        name=name,
        ours=median(ours),
        plain=median(plain),
        unit=unit,
        ratio=ratio,
        target="" if at_most is None else f"ratio ≤ {at_most:g}",
        meets=None if at_most is None else ratio <= at_most,
        note=_joined(f"{len(ours)} rounds: {spread(ours)} and {spread(plain)}", note),
    )


def single(name: str, values: Sequence[float], *, unit: str, below: float | None = None, note: str = "") -> Figure:
    """Return the line for something that has no plain way."""
    value = median(values)
    rounds = f"{len(values)} rounds: {spread(values)}" if len(values) > 1 else ""
    return Figure(
        name=name,
        ours=value,
        unit=unit,
        target="" if below is None else f"< {below:g} {unit}",
        meets=None if below is None else value < below,
        note=_joined(rounds, note),
    )


def spread(values: Sequence[float]) -> str:
    """Return smallest and largest."""
    return f"{short(min(values))}…{short(max(values))}"


def in_order(values: Sequence[float]) -> str:
    """Return all of them, as they came: rounds that slow down or speed up show it."""
    return ", ".join(short(value) for value in values)


def short(value: float) -> str:
    """Return a number with as many digits as matter."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
