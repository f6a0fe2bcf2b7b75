"""From the text of one cell to the value of one field. Pure; each function raises Invalid with half a sentence."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from kleanxmpp import attributes, drafts, errors, group_names
from kleanxmpp.model import Role

_YES = ("ja", "j", "yes", "y", "true", "wahr", "1", "x", "aktiv", "active")
_NO = ("nein", "n", "no", "false", "falsch", "0", "inaktiv", "inactive")
_NEVER = date(9999, 1, 1)
_PATTERNS = {
    "DD.MM.YYYY": "%d.%m.%Y",
    "DD.MM.YY": "%d.%m.%y",
    "YYYY-MM-DD": "%Y-%m-%d",
    "YYYYMMDD": "%Y%m%d",
    "DD/MM/YYYY": "%d/%m/%Y",
    "MM/DD/YYYY": "%m/%d/%Y",
}
_LONGEST_DATE = 20
_MIDNIGHT = re.compile(r"[ T]00:00(:00)?(\.0+)?$")
_TOKEN = re.compile(r"\\[\\;*]|.", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """How a column writes what it says. `escapes`: a backslash takes a separator, * or backslash at its word."""

    yes: frozenset[str] = frozenset()
    no: frozenset[str] = frozenset()
    dates: tuple[str, ...] = ("DD.MM.YYYY",)
    separator: str = ";"
    escapes: bool = True


def read(field: str, cell: str, spelling: Spelling) -> object:
    """Return what a cell says about a field. None: nothing. Raises Invalid."""
    if field.startswith("attributes."):
        name = field.partition(".")[2]
        return attributes.checked({name: tuple(_plain(part) for part in _parts(cell, spelling))})[name]
    return _READERS[field](cell, spelling)


def _parts(cell: str, spelling: Spelling) -> list[list[str]]:
    """Return the parts between separators, each as its characters; one that was escaped still has its backslash."""
    if not spelling.escapes:
        return [list(part.strip()) for part in cell.split(spelling.separator)]
    parts: list[list[str]] = [[]]
    for token in _TOKEN.findall(cell):
        if token == spelling.separator:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _plain(part: list[str]) -> str:
    return "".join(token[-1] for token in part)


def _boolean(cell: str, spelling: Spelling) -> bool:
    word = cell.casefold()
    if word in spelling.yes or word in spelling.no:
        return word not in spelling.no
    if word in _YES or word in _NO:
        return word in _YES
    raise errors.Invalid("write yes or no.")


def _date(cell: str, spelling: Spelling) -> date | None:
    cell = _MIDNIGHT.sub("", cell)
    if not cell.strip("0.-/"):
        return None  # how SAP writes “no date”
    for pattern in (*spelling.dates, "YYYY-MM-DD"):
        try:
            found = datetime.strptime(cell[:_LONGEST_DATE], _PATTERNS[pattern]).date()
        except ValueError:
            continue
        return None if found >= _NEVER else found
    example = date(2026, 12, 31).strftime(_PATTERNS[spelling.dates[0]]) if spelling.dates else "2026-12-31"
    raise errors.Invalid(f"is no date; write it like {example}.")


def _external_id(cell: str, _: Spelling) -> str:
    if len(cell) > 200 or not cell.isprintable():
        raise errors.Invalid("has up to 200 printable characters.")
    return cell


def _email(cell: str, _: Spelling) -> str:
    local, at, domain = cell.partition("@")
    if not local or not at or not domain or "@" in domain or len(cell) > 254 or not cell.isprintable() or " " in cell:
        raise errors.Invalid("is not an e-mail address.")
    return cell


def _groups(cell: str, spelling: Spelling) -> Mapping[str, Role]:
    roles: dict[str, Role] = {}
    for part in _parts(cell, spelling):
        while part and not part[0].strip():
            part.pop(0)
        while part and not part[-1].strip():
            part.pop()
        if not part:
            continue
        moderates = part[0] == "*" or part[-1] == "*"
        name = group_names.checked_name(_plain(_without_stars(part)))
        if name in roles:
            raise errors.Invalid(f"names “{name}” twice.")
        roles[name] = Role.MODERATOR if moderates else Role.MEMBER
    return roles


def _without_stars(part: list[str]) -> list[str]:
    named = [n for n, token in enumerate(part) if token != "*"]
    return part[named[0] : named[-1] + 1] if named else []


def _text(cell: str, _: Spelling) -> str:
    return cell


_READERS: Mapping[str, Callable[[str, Spelling], object]] = {
    "username": lambda cell, _: drafts.checked_username(cell),
    "display_name": lambda cell, _: drafts.checked_name(cell),
    "first_name": _text,
    "last_name": _text,
    "name_reversed": _text,
    "external_id": _external_id,
    "email": _email,
    "locale": lambda cell, _: drafts.checked_locale(cell.lower()),
    "active": _boolean,
    "chat_permission": _boolean,
    "joined_on": _date,
    "leaves_on": _date,
    "groups": _groups,
}
