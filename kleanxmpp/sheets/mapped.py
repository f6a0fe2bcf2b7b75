"""A table and a mapping to rows of people, or to everything that is wrong with them. Pure.

Without a mapping the columns have the names of our own fields, and cells are written as `kleanxmpp export` writes them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kleanxmpp import drafts, errors, names
from kleanxmpp.attributes import USUAL
from kleanxmpp.import_rows import Fault, FaultyFile, Row
from kleanxmpp.sheets import cells, guesses
from kleanxmpp.sheets.cells import Spelling
from kleanxmpp.sheets.formulas import armed
from kleanxmpp.sheets.mapping import FIELDS, Column, Mapping_, canonical
from kleanxmpp.sheets.table import Cell, Line, Table, Unreadable, letter, shown

_NAMES = ("display_name", "name_reversed", "first_name", "last_name")
_FACTS = ("active", "chat_permission")
_OWN = Spelling()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Where a field comes from: the column with this index, or, for everybody, a constant."""

    field: str
    index: int | None
    where: str | None
    spelling: Spelling
    constant: str = ""


def rows(table: Table, mapping: Mapping_ | None = None) -> tuple[Row, ...]:
    """Return a row for each line of the table. Raises FaultyFile with every fault."""
    faults: list[Fault] = []
    sources = _sources(table, mapping, faults)
    if faults:
        raise FaultyFile(faults)
    empty = frozenset(mapping.file.empty) if mapping else frozenset()
    found = []
    for line in table.lines:
        if (row := _row(line, table, sources, empty=empty, faults=faults)) is not None:
            found.append(row)
    faults += _repeated(found, {one.field: one.where for one in sources})
    if not table.lines:
        faults.append(Fault(line=table.header.number, reason="the file has a header but no people"))
    if faults:
        raise FaultyFile(faults)
    return tuple(found)


def headers(table: Table) -> list[str]:
    """Return the names of the columns, with single spaces. One that cannot be read has none."""
    return [" ".join(cell.split()) if isinstance(cell, str) else "" for cell in table.header.cells]


def _sources(table: Table, mapping: Mapping_ | None, faults: list[Fault]) -> Sequence[_Source]:
    wanted = _own_meanings(table, faults) if mapping is None else _mapped_meanings(table, mapping, faults)
    found = [
        _Source(field=one.field, index=index, where=_where(table, index), spelling=_spelling(one, mapping))
        for index, one in wanted
    ]
    if mapping:
        found += [
            _Source(field=name, index=None, where=None, spelling=_spelling(Column(field=name), mapping), constant=value)
            for name, value in mapping.constants.items()
        ]
    fields = [one.field for one in found]
    for one in found:
        if fields.count(one.field) > 1:
            faults.append(
                Fault(line=table.header.number, column=one.where, reason=f"{one.field} comes from more than one column")
            )
    named = set(fields)
    if not faults and not ({"display_name", "name_reversed"} & named or {"first_name", "last_name"} <= named):
        reason = "a column display_name is needed, or both first_name and last_name"
        faults.append(Fault(line=table.header.number, reason=reason))
    return found


def _own_meanings(table: Table, faults: list[Fault]) -> Iterator[tuple[int, Column]]:
    for index, header in _named(table, faults):
        field = canonical(header)
        if field is None:
            known = ", ".join((*FIELDS, *USUAL))
            reason = f"unknown column “{shown(header)}”; the columns are {known}, attributes.NAME{_hint(header)}"
            faults.append(Fault(line=table.header.number, column=letter(index), reason=reason))
        else:
            yield index, Column(field=field)


def _mapped_meanings(table: Table, mapping: Mapping_, faults: list[Fault]) -> Iterator[tuple[int, Column]]:
    wanted = {_key(name): several for name, several in mapping.columns.items()}
    ignored = {_key(name) for name in mapping.file.ignore}
    seen = set()
    for index, header in _named(table, faults):
        key = _key(header)
        if key in wanted:
            if key in seen:
                faults.append(_fault(table, index, "is there more than once"))
            seen.add(key)
            yield from ((index, one) for one in wanted[key])
        elif not {key, "*"} & ignored:
            reason = f"is not in the mapping: say what it means, or ignore it{_hint(header)}"
            faults.append(_fault(table, index, reason))
    there = {_key(header): header for header in headers(table)}
    for name in mapping.columns:
        if _key(name) not in seen:
            near = guesses.nearest(_key(name), there)
            meant = f"; did you mean “{shown(there[near])}”?" if near else ""
            reason = f"the file has no column “{shown(name)}”, which the mapping names{meant}"
            faults.append(Fault(line=table.header.number, reason=reason))


def _named(table: Table, faults: list[Fault]) -> Iterator[tuple[int, str]]:
    """Yield index and header of each column; one without a name must be empty."""
    for index, (cell, header) in enumerate(zip(table.header.cells, headers(table), strict=True)):
        if isinstance(cell, Unreadable):
            faults.append(_fault(table, index, f"the header {cell.reason}"))
        elif header:
            yield index, header
        elif any(index < len(line.cells) and line.cells[index] for line in table.lines):
            faults.append(_fault(table, index, "has no name in the header, but cells"))


def _row(
    line: Line, table: Table, sources: Sequence[_Source], *, empty: frozenset[str], faults: list[Fault]
) -> Row | None:
    width, count = len(table.header.cells), len(line.cells)
    if any(line.cells[width:]) or (count < width and not table.ragged):
        faults.append(Fault(line=line.number, reason=f"has {count} cells, but the header has {width}"))
        return None
    values: dict[str, Any] = {}
    before = len(faults)
    for source in sources:
        try:
            values[source.field] = _value(line, source, empty)
        except errors.Invalid as error:
            faults.append(Fault(line=line.number, column=source.where, reason=str(error)))
    values["display_name"] = _name(line, values, sources, faults)
    joined, leaves = values.get("joined_on"), values.get("leaves_on")
    if joined and leaves and leaves < joined:
        where = _place(sources, "leaves_on")
        faults.append(Fault(line=line.number, column=where, reason="the last day is before the first"))
    if len(faults) > before:
        return None
    tags = {field.partition(".")[2]: values.pop(field) for field in list(values) if field.startswith("attributes.")}
    return Row(line=line.number, attributes={name: several for name, several in tags.items() if several}, **values)


def _value(line: Line, source: _Source, empty: frozenset[str]) -> object:
    """Return what the line says about a field. Raises Invalid."""
    given: Cell = source.constant
    if source.index is not None:
        given = line.cells[source.index] if source.index < len(line.cells) else ""
    if isinstance(given, Unreadable):
        raise errors.Invalid(given.reason)
    cell = "" if given in empty else armed(given)
    if not cell and not (source.field in _FACTS and "" in source.spelling.yes | source.spelling.no):
        return {} if source.field == "groups" else None
    return cells.read(source.field, cell, source.spelling)


def _name(line: Line, values: dict[str, Any], sources: Sequence[_Source], faults: list[Fault]) -> str:
    """Take everything about the name out of the values and return the name."""
    unread = {one.field for one in sources if one.field in _NAMES} - values.keys()
    said = {name: values.pop(name, None) or "" for name in _NAMES}
    last, _, first = said["name_reversed"].partition(",")
    name = said["display_name"] or f"{first} {last}".strip() or f"{said['first_name']} {said['last_name']}"
    try:
        return drafts.checked_name(name)
    except errors.Invalid as error:
        if not unread:  # else its fault is told already
            where = next((_place(sources, field) for field in _NAMES if _place(sources, field)), None)
            faults.append(Fault(line=line.number, column=where, reason=str(error)))
        return ""


def _place(sources: Sequence[_Source], field: str) -> str | None:
    return next((one.where for one in sources if one.field == field), None)


def _repeated(found: Iterable[Row], where: Mapping[str, str | None]) -> Iterator[Fault]:
    """Yield a fault for what only one person can have, and for one group in two spellings."""
    seen: dict[tuple[str, str], int] = {}
    spellings: dict[str, tuple[str, int]] = {}
    for row in found:
        for column, value in (("username", row.username), ("external_id", row.external_id)):
            if value and (first := seen.setdefault((column, value), row.line)) != row.line:
                yield Fault(line=row.line, column=where[column], reason=f"line {first} has the same {column}")
        for name in row.groups or ():
            spelling, first = spellings.setdefault(names.nickname_key(name), (name, row.line))
            if spelling != name:
                reason = f"“{name}” is spelled “{spelling}” in line {first}"
                yield Fault(line=row.line, column=where["groups"], reason=reason)


def _spelling(column: Column, mapping: Mapping_ | None) -> Spelling:
    if mapping is None:
        return _OWN
    layout = mapping.file
    yes, no = _words(column.yes), _words(column.no)
    return Spelling(
        yes=yes | (_words(layout.yes) - no),
        no=no | (_words(layout.no) - yes),
        dates=layout.dates,
        separator=column.separator or layout.separator,
        escapes=False,
    )


def _words(given: Iterable[str]) -> frozenset[str]:
    return frozenset(word.casefold() for word in given)


def _hint(header: str) -> str:
    field = guesses.field_like(header)
    return f" (it looks like {field})" if field else ""


def _fault(table: Table, index: int, reason: str) -> Fault:
    return Fault(line=table.header.number, column=_where(table, index), reason=reason)


def _where(table: Table, index: int) -> str:
    name = headers(table)[index]
    return f"{letter(index)} ({shown(name)})" if name else letter(index)


def _key(header: str) -> str:
    return " ".join(header.split()).casefold()
