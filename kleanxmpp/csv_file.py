"""A CSV file of people, read into rows. Pure; knows nothing of what is in the directory.

Every faulty line is collected, not only the first, because people mend a file in a spreadsheet and upload it again.
An empty cell means "not said": it never clears what the directory has.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from kleanxmpp import drafts, errors, groups, names
from kleanxmpp.model import Role

COLUMNS = {
    "username": "fixed for ever; made from the name if it is not given",
    "display_name": "or first_name and last_name",
    "first_name": "",
    "last_name": "",
    "external_id": "the id that HR or KleanApp uses; the surest way to find the person again",
    "email": "",
    "locale": f"one of {', '.join(drafts.LOCALES)}",
    "active": "ja/nein, yes/no, true/false, 1/0; no off-boards the person",
    "chat_permission": "like active",
    "groups": "names separated by ; and a * after (or before) those that the person moderates",
}
_BOOLEANS = {
    **dict.fromkeys(("ja", "yes", "true", "wahr", "1"), True),
    **dict.fromkeys(("nein", "no", "false", "falsch", "0"), False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with one line of the file."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


class FaultyFile(errors.Invalid):
    """The file has faulty lines. Nothing was imported."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: fault.line))
        super().__init__(f"{len(self.faults)} faults in the file. Nothing was imported.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One person of the file. None: not said. `groups` None: the file has no such column."""

    line: int
    display_name: str
    username: str | None = None
    external_id: str | None = None
    email: str | None = None
    locale: str | None = None
    active: bool | None = None
    chat_permission: bool | None = None
    groups: Mapping[str, Role] | None = None


def parse(lines: Iterable[bytes]) -> tuple[Row, ...]:
    """Read UTF-8 lines (with or without BOM, delimiter comma or semicolon). Raises FaultyFile with every fault."""
    faults: list[Fault] = []
    reader = _records(lines, faults)
    header = next(reader, None)
    if header is None:
        raise FaultyFile(faults or [Fault(line=1, reason="the file is empty")])
    columns = _columns(header, faults)
    rows = []
    for line, cells in reader if not faults else ():
        if (row := _row(line, cells, columns=columns, faults=faults)) is not None:
            rows.append(row)
    faults += _repeated(rows)
    if not rows and not faults:
        faults.append(Fault(line=1, reason="the file has a header but no people"))
    if faults:
        raise FaultyFile(faults)
    return tuple(rows)


def _records(lines: Iterable[bytes], faults: list[Fault]) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, cells) of each line that is not blank; the first one decides about the delimiter."""
    texts = _decoded(lines, faults)
    number, first = next(((n, text) for n, text in texts if text.strip()), (0, ""))
    if not first:
        return
    remaining = chain([first], (text for _, text in texts))
    reader = csv.reader(remaining, delimiter=";" if ";" in first else ",", strict=True)
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            faults.append(Fault(line=number - 1 + reader.line_num, reason=f"cannot be read as CSV ({error})"))
            return
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield number - 1 + reader.line_num, [cell.strip() for cell in cells]


def _decoded(lines: Iterable[bytes], faults: list[Fault]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines, start=1):
        try:
            yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            faults.append(Fault(line=number, reason="is not UTF-8; save the file as “CSV UTF-8”"))
            yield number, line.decode("utf-8", errors="replace")


def _columns(header: tuple[int, list[str]], faults: list[Fault]) -> list[str]:
    line, columns = header
    for name in dict.fromkeys(columns):
        if name not in COLUMNS:
            known = ", ".join(COLUMNS)
            faults.append(Fault(line=line, reason=f"unknown column “{name}”; the columns are {known}"))
        elif columns.count(name) > 1:
            faults.append(Fault(line=line, reason=f"column “{name}” is there more than once"))
    if "display_name" not in columns and not {"first_name", "last_name"} <= set(columns):
        faults.append(Fault(line=line, reason="a column display_name is needed, or both first_name and last_name"))
    return columns


def _row(line: int, cells: list[str], *, columns: list[str], faults: list[Fault]) -> Row | None:
    if len(cells) != len(columns):
        faults.append(Fault(line=line, reason=f"has {len(cells)} cells, but the header has {len(columns)}"))
        return None
    said = {column: cell for column, cell in zip(columns, cells, strict=True) if cell}
    parts = [said.pop(column, "") for column in ("first_name", "last_name")]
    said = {"display_name": " ".join(parts)} | said
    values: dict[str, Any] = {"groups": {}} if "groups" in columns else {}
    fine = True
    for column, cell in said.items():
        try:
            values[column] = _CHECKS[column](cell)
        except errors.Invalid as error:
            faults.append(Fault(line=line, reason=f"{column}: {error}"))
            fine = False
    return Row(line=line, **values) if fine else None


def _boolean(cell: str) -> bool:
    try:
        return _BOOLEANS[cell.lower()]
    except KeyError:
        raise errors.Invalid("write yes or no.") from None


def _external_id(cell: str) -> str:
    if len(cell) > 200 or not cell.isprintable():
        raise errors.Invalid("has up to 200 printable characters.")
    return cell


def _email(cell: str) -> str:
    local, _, domain = cell.partition("@")
    if not local or not domain or "@" in domain or len(cell) > 254 or not cell.isprintable() or " " in cell:
        raise errors.Invalid("is not an e-mail address.")
    return cell


def _groups(cell: str) -> dict[str, Role]:
    roles: dict[str, Role] = {}
    for part in filter(None, (part.strip() for part in cell.split(";"))):
        moderates = part.startswith("*") or part.endswith("*")
        name = groups.checked_name(part.strip("*"))
        if name in roles:
            raise errors.Invalid(f"names “{name}” twice.")
        roles[name] = Role.MODERATOR if moderates else Role.MEMBER
    return roles


def _repeated(rows: Iterable[Row]) -> Iterator[Fault]:
    """Yield a fault for what only one person can have, and for one group in two spellings."""
    seen: dict[tuple[str, str], int] = {}
    spellings: dict[str, tuple[str, int]] = {}
    for row in rows:
        for column, value in (("username", row.username), ("external_id", row.external_id)):
            if value and (first := seen.setdefault((column, value), row.line)) != row.line:
                yield Fault(line=row.line, reason=f"{column}: line {first} has the same")
        for name in row.groups or ():
            spelling, first = spellings.setdefault(names.nickname_key(name), (name, row.line))
            if spelling != name:
                yield Fault(line=row.line, reason=f"groups: “{name}” is spelled “{spelling}” in line {first}")


_CHECKS: Mapping[str, Callable[[str], object]] = {
    "username": drafts.checked_username,
    "display_name": drafts.checked_name,
    "external_id": _external_id,
    "email": _email,
    "locale": drafts.checked_locale,
    "active": _boolean,
    "chat_permission": _boolean,
    "groups": _groups,
}
