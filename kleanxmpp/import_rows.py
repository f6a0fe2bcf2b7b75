"""What a file of people says, as values: a row for each person, a fault for each thing that cannot be meant. Pure.

Every faulty place is collected, not only the first, because people mend a file in a spreadsheet and upload it again.
None means "not said": it never clears what the directory has.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from kleanxmpp import errors
from kleanxmpp.attributes import Attributes
from kleanxmpp.model import Role

MOST_SHOWN = 500
"""Of the faults of one file: whoever sees more has one mistake in every line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with one line of the file. `column` is its letter and its header, if the fault is in one."""

    line: int
    column: str | None = None
    reason: str

    @property
    def place(self) -> str:
        """Where to look."""
        return f"line {self.line}" if self.column is None else f"line {self.line}, column {self.column}"

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class FaultyFile(errors.Invalid):
    """The file has faulty lines. Nothing was imported."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        found = sorted(faults, key=_order)
        self.faults = tuple(found[:MOST_SHOWN])
        count = "1 fault" if len(found) == 1 else f"{len(found)} faults"
        first = f", of which these are the first {MOST_SHOWN}" if len(found) > MOST_SHOWN else ""
        super().__init__(f"{count} in the file{first}. Nothing was imported.")


def _order(fault: Fault) -> tuple[int, int, str]:
    letters = (fault.column or "").partition(" ")[0]
    return fault.line, len(letters), letters


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One person of the file. None: not said. `groups` None: the file has no such column.

    `leaves_on` is the last day of somebody's employment, `joined_on` the first.
    """

    line: int
    display_name: str
    username: str | None = None
    external_id: str | None = None
    email: str | None = None
    locale: str | None = None
    active: bool | None = None
    chat_permission: bool | None = None
    joined_on: date | None = None
    leaves_on: date | None = None
    attributes: Attributes = field(default_factory=dict, hash=False)
    groups: Mapping[str, Role] | None = None
