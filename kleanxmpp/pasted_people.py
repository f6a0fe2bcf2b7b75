"""Who is meant by the lines of a list that somebody pasted. Pure.

A line is a name, a username, an e-mail address or a personnel number. Nothing is guessed: a line that fits nobody, or
more than one person, is given back as it came. Names are compared folded, as `Öztürk, Aylin` or `Aylin Öztürk`.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kleanxmpp import names
from kleanxmpp.editing_ports import KnownPerson

_ADDRESS = re.compile(r"<([^<>]+@[^<>]+)>\s*[,;]?\s*$")
_PERSONNEL = "employee_number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line that does not say who is meant. `people`: those whom it fits; nobody or several."""

    number: int
    text: str
    people: tuple[KnownPerson, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The people whom a list names, each once, in its order, and the lines that name nobody or several."""

    people: tuple[KnownPerson, ...]
    unclear: tuple[Line, ...]


def find(text: str, people: Sequence[KnownPerson]) -> Found:
    """Return who is meant by each line; empty lines are left out, but counted."""
    known = _index(people)
    found: dict[str, KnownPerson] = {}
    unclear: list[Line] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = " ".join(raw.split())
        if not line:
            continue
        meant = _meant(line, known)
        if len(meant) == 1:
            found[meant[0].id] = meant[0]
        else:
            unclear.append(Line(number=number, text=line, people=meant))
    return Found(people=tuple(found.values()), unclear=tuple(unclear))


def _meant(line: str, known: Mapping[str, Mapping[str, KnownPerson]]) -> tuple[KnownPerson, ...]:
    if address := _ADDRESS.search(line):
        line = address.group(1)
    fitting: dict[str, KnownPerson] = {}
    for key in _keys_of_line(line.strip(" ,;\t")):
        fitting.update(known.get(key, {}))
    return tuple(fitting.values())


def _keys_of_line(line: str) -> Iterator[str]:
    yield f"is:{line.casefold()}"
    yield f"name:{names.fold(line)}"
    last, comma, first = line.partition(",")
    if comma:
        yield f"name:{names.fold(f'{first} {last}')}"


def _index(people: Sequence[KnownPerson]) -> Mapping[str, Mapping[str, KnownPerson]]:
    index: dict[str, dict[str, KnownPerson]] = defaultdict(dict)
    for person in people:
        for key in _keys_of(person):
            index[key][person.id] = person
    return index


def _keys_of(person: KnownPerson) -> Iterator[str]:
    for text in (person.username, person.email, person.external_id, *person.attributes.get(_PERSONNEL, ())):
        if text:
            yield f"is:{text.casefold()}"
    yield f"name:{names.fold(person.display_name)}"
