"""The directory as tables for spreadsheets: people as an import reads them back, and groups. Only reads.

An export that is imported again changes nothing: columns have the names that the import knows, a separator inside a
value is escaped, and what could be a live formula is defused (`kleanxmpp.sheets.formulas`). Memberships by rule are not
in it, because whom a file lists in a group is fixed there.
"""

import csv
import io
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from kleanxmpp.desired import Circle, Person
from kleanxmpp.model import Company, Group, Role
from kleanxmpp.ports import Directory, Transaction
from kleanxmpp.sheets.formulas import defused

_PAGE = 1000
_FIRST = ("username", "display_name", "external_id", "email", "locale", "active", "chat_permission")
_GROUP = ("slug", "name", "kind", "description", "members", "archived")


Value = str | bool | int | tuple[str, ...] | Mapping[str, Role] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Lines of a table: values by column, in the order of `columns`."""

    columns: Sequence[str]
    lines: Sequence[Mapping[str, Value]]


async def people(directory: Directory, company: Company) -> Records:
    """Return everybody who is not being erased, with attributes and fixed groups, in the order of their usernames."""
    found: list[Person] = []
    async with directory.read() as tx:
        after: str | None = None
        while True:
            page = await tx.page_people(company.id, after=after, limit=_PAGE)
            found += await _fixed(tx, page)
            if len(page) < _PAGE:
                break
            after = page[-1].user.username
    listed = [one for one in found if not one.user.erasing]
    names = sorted({f"attributes.{name}" for one in listed for name in one.user.attributes})
    return Records(columns=(*_FIRST, *names, "groups"), lines=[_person(one, names) for one in listed])


async def groups(directory: Directory, company: Company) -> Records:
    """Return the groups with how many members they have, in the order of their slugs."""
    lines: list[Mapping[str, Value]] = []
    async with directory.read() as tx:
        after: str | None = None
        while True:
            page = await tx.page_groups(company.id, after=after, limit=_PAGE)
            lines += [_group(one, members=await tx.member_count(one.id)) for one in page]
            if len(page) < _PAGE:
                return Records(columns=_GROUP, lines=lines)
            after = page[-1].slug


def as_csv(records: Records) -> bytes:
    """Return a CSV file as German Excel opens it by a double click: UTF-8 with a mark, semicolons, CRLF."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL)
    writer.writerow(records.columns)
    for line in records.lines:
        writer.writerow([defused(_cell(line[column])) for column in records.columns])
    return file.getvalue().encode("utf-8-sig")


def as_json(records: Records) -> Sequence[Mapping[str, object]]:
    """Return the lines as JSON has them: attributes under their names, groups with the role in each."""
    return [{column: _plain(line[column]) for column in records.columns} for line in records.lines]


async def _fixed(tx: Transaction, people: Collection[Person]) -> list[Person]:
    """Return the people with only those circles that somebody put them into."""
    ruled = {circle.group.id for one in people for circle in one.circles if circle.group.rule is not None}
    standings = await tx.standings(ruled, [one.user.id for one in people]) if ruled else {}
    by_rule = {(group, user) for group, standing in standings.items() for user, one in standing.items() if one.by_rule}
    return [
        replace(one, circles=tuple(c for c in one.circles if (c.group.id, one.user.id) not in by_rule))
        for one in people
    ]


def _person(person: Person, names: Iterable[str]) -> Mapping[str, Value]:
    user = person.user
    facts: dict[str, Value] = {name: getattr(user, name) for name in _FIRST}
    facts |= {name: user.attributes.get(name.partition(".")[2], ()) for name in names}
    return facts | {"groups": {one.group.name: one.role for one in sorted(person.circles, key=_name_of_group)}}


def _name_of_group(circle: Circle) -> str:
    return circle.group.name


def _group(group: Group, *, members: int) -> Mapping[str, Value]:
    facts: dict[str, Value] = {name: getattr(group, name) for name in _GROUP if name != "members"}
    return facts | {"kind": group.kind.value, "members": members}


def _cell(value: Value) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ";".join(map(_escaped, value))
        case Mapping():
            return ";".join(_escaped(name) + "*" * (role is Role.MODERATOR) for name, role in value.items())
        case _:
            return str(value)


def _plain(value: Value) -> object:
    if isinstance(value, Mapping):
        return [{"name": name, "role": role.value} for name, role in value.items()]
    return list(value) if isinstance(value, tuple) else value


def _escaped(text: str) -> str:
    return re.sub(r"[\\;*]", r"\\\g<0>", text)
