"""Plain data as readable block YAML.

A writer of forty lines instead of a dependency: the login program's package stays free of third-party
imports, and we write only what ejabberd reads (mappings, lists, text, whole numbers, booleans).
Every text that is not an ordinary word is quoted the JSON way, which YAML understands.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

_UNWRITABLE = "only mappings, lists, text, whole numbers and booleans can be written as YAML, not {}"

Yaml = Mapping[str, "Yaml"] | Sequence["Yaml"] | str | int | bool

_ORDINARY = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*\Z")
_RESERVED = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def to_yaml(document: Mapping[str, Yaml]) -> str:
    """Write a mapping as a YAML document; blank lines separate the top-level keys."""
    blocks = ("\n".join(_mapping({key: value}, 0)) for key, value in document.items())
    return "\n\n".join(blocks) + "\n"


def _scalar(value: Yaml) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        raise TypeError(_UNWRITABLE.format(type(value).__name__))
    if _ORDINARY.match(value) and value.lower() not in _RESERVED:
        return value
    return json.dumps(value, ensure_ascii=False)


def _mapping(mapping: Mapping[str, Yaml], depth: int) -> Iterator[str]:
    for key, value in mapping.items():
        head = "  " * depth + _scalar(key) + ":"
        if isinstance(value, Mapping) and value:
            yield head
            yield from _mapping(value, depth + 1)
        elif isinstance(value, Sequence) and not isinstance(value, str) and value:
            yield head
            yield from _sequence(value, depth + 1)
        else:
            yield f"{head} {_inline(value)}"


def _sequence(items: Sequence[Yaml], depth: int) -> Iterator[str]:
    for item in items:
        lines = list(_mapping(item, depth + 1)) if isinstance(item, Mapping) and item else None
        if lines is None:
            yield "  " * depth + "- " + _inline(item)
        else:
            yield "  " * depth + "- " + lines[0].lstrip()
            yield from lines[1:]


def _inline(value: Yaml) -> str:
    if value == {}:
        return "{}"
    if value == [] or value == ():
        return "[]"
    return _scalar(value)
