"""Who in the directory each row of an import is about. Pure.

By external id; else by username; else by the exact display name together with a username that was, or would be,
made from it. The last is the weakest: it keeps a repeated import from adding people twice, but it never lets somebody
back in who was deactivated, because a new colleague may have the name of one who left.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kleanxmpp import names
from kleanxmpp.import_rows import Fault, Row
from kleanxmpp.model import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the directory has about the people of a file. `given` are usernames that were ever given to anybody."""

    by_external_id: Mapping[str, User]
    by_username: Mapping[str, User]
    given: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A row with the person it is about (None: a new one) and the username they have or get."""

    row: Row
    user: User | None
    username: str


@dataclass(slots=True, kw_only=True)
class _Claims:
    """Which people and usernames earlier rows have taken: user id -> line, new username -> line."""

    users: dict[str, int] = field(default_factory=dict)
    usernames: dict[str, int] = field(default_factory=dict)


def match(rows: Sequence[Row], known: Known) -> tuple[tuple[Match, ...], tuple[Fault, ...]]:
    """Return a match for every row, in the order of the rows, or faults. Rows that say who they are about go first."""
    claims, faults = _Claims(), list[Fault]()
    found: dict[int, Match] = {}
    for row in rows:
        if row.username:
            claims.usernames[row.username] = row.line
    for row in sorted(rows, key=lambda row: not (row.external_id or row.username)):
        user, reason = _person(row, known, claims)
        if reason is None and user is not None:
            reason = _refusal(row, user, claims)
        if reason is not None:
            faults.append(Fault(line=row.line, reason=reason))
            continue
        username = user.username if user else row.username or _new_username(row, known, claims)
        claims.usernames.setdefault(username, row.line)
        if user is not None:
            claims.users[user.id] = row.line
        found[row.line] = Match(row=row, user=user, username=username)
    return tuple(found[row.line] for row in rows if row.line in found), tuple(faults)


def usernames_to_make(rows: Iterable[Row]) -> Iterator[str]:
    """Yield, for each row that may need one, the username that is made from its name, before it is numbered."""
    return (names.username_from(row.display_name) for row in rows if not row.username)


def _person(row: Row, known: Known, claims: _Claims) -> tuple[User | None, str | None]:
    """Return the person the row is about, or why it cannot be told."""
    user = known.by_external_id.get(row.external_id or "")
    if user is not None:
        other = row.username is not None and row.username != user.username
        return user, "username: is for ever, and the person with this external id has another one" if other else None
    if row.username:
        user = known.by_username.get(row.username)
        if user is None:
            retired = row.username in known.given
            return None, "username: was given to somebody before, and is never given again" if retired else None
        other = row.external_id is not None and user.external_id is not None
        return user, "username: belongs to a person with another external id" if other else None
    if row.external_id:
        return None, None
    return _namesake(row, known, claims), None


def _namesake(row: Row, known: Known, claims: _Claims) -> User | None:
    for candidate in names.numbered_from(names.username_from(row.display_name)):
        user = known.by_username.get(candidate)
        if user is not None and user.display_name == row.display_name and user.id not in claims.users:
            return user
        if candidate not in known.given and candidate not in claims.usernames:
            return None
    return None  # not reached: there is no last number


def _refusal(row: Row, user: User, claims: _Claims) -> str | None:
    if user.erasing:
        return "this person is being erased; import the file again when that is done"
    if (line := claims.users.get(user.id)) is not None:
        return f"is about the same person as line {line}"
    opens = (row.active and not user.active) or (row.chat_permission and not user.chat_permission)
    if opens and not row.external_id and not row.username:
        return (
            "only the name says who this is, which is not enough to let somebody back in; "
            "give the external_id or the username"
        )
    return None


def _new_username(row: Row, known: Known, claims: _Claims) -> str:
    base = names.numbered_from(names.username_from(row.display_name))
    return next(name for name in base if name not in known.given and name not in claims.usernames)
