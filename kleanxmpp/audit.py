"""The audit log as chains: what the hash of an entry covers, how entries are linked, and how they are checked.

One chain for each company, one for the operator. What is hashed is written down for auditors in docs/operators.md
and stays as it is for ever: with another form, old entries could not be verified. A check says the first thing
that is wrong at an entry and goes on after it, so that one damaged entry is one problem, not a thousand.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from json.encoder import encode_basestring as quoted

from kleanxmpp import errors
from kleanxmpp.model import AuditEntry, ChainHead
from kleanxmpp.record_ports import WrittenEntry

OPERATOR = "operator"
"""The chain of entries that belong to no company. Companies' chains are named by their ids."""

BEGINNING = "0" * 64
EMPTY = ChainHead(number=0, hash=BEGINNING)
_PLACES_TRIED = 1000
_ENTRIES_TRIED = 20
"""Finding out where an entry was moved from costs a hash per place, so only the first problems get that."""

_json = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


class Damage(StrEnum):
    """What can be wrong with a chain."""

    CHANGED = "changed"
    REWRITTEN = "rewritten"
    REMOVED = "removed"
    INSERTED = "inserted"
    REORDERED = "reordered"
    CUT_OFF = "cut_off"
    HEAD_MISSING = "head_missing"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that is wrong, at which entry, and in plain words what that means."""

    kind: Damage
    number: int
    id: int | None = None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How far a chain was checked. `hash` None: what the next entry follows cannot be known.

    `before` is what the last entry followed itself; `shift` by how many places the entries here are out of place.
    """

    entries: int = 0
    problems: int = 0
    number: int = 0
    id: int = 0
    hash: str | None = BEGINNING
    before: str | None = None
    shift: int = 0


def chain_of(company_id: str | None) -> str:
    """Return the name of a company's chain, or (None) the operator's."""
    return OPERATOR if company_id is None else company_id


def moment(at: datetime) -> str:
    """Return how a point in time is written: UTC, always with six digits after the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def facts(entry: AuditEntry) -> dict[str, object]:
    """Return what the hash covers: everything but the hash itself and the database's id."""
    return {
        "action": entry.action,
        "actor": entry.actor,
        "at": moment(entry.at),
        "chain": chain_of(entry.company_id),
        "details": dict(entry.details),
        "number": entry.number,
        "previous": entry.previous,
        "reason": entry.reason,
        "subject": entry.subject,
    }


def canonical(values: Mapping[str, object]) -> bytes:
    """Return the one JSON text of these values: sorted keys, no spaces, UTF-8, nothing escaped that need not be."""
    return _json(values).encode()


def hash_of(entry: AuditEntry) -> str:
    """Return the hash that belongs to an entry as it stands there."""
    return hashlib.sha256(canonical(facts(entry))).hexdigest()


def hash_of_written(entry: WrittenEntry, *, chain: str) -> str:
    """Return the same hash from plain columns. Raises TypeError or ValueError for what was never written so."""
    details = json.loads(entry.details)
    if type(details) is not dict or type(entry.number) is not int:
        raise TypeError("this is no entry")
    reason = "null" if entry.reason is None else quoted(entry.reason)
    text = (
        f'{{"action":{quoted(entry.action)},"actor":{quoted(entry.actor)},"at":{quoted(entry.at)},'
        f'"chain":{quoted(chain)},"details":{_json(details)},"number":{entry.number},'
        f'"previous":{quoted(entry.previous)},"reason":{reason},"subject":{quoted(entry.subject)}}}'
    )
    return hashlib.sha256(text.encode()).hexdigest()


def link(entries: Sequence[AuditEntry], *, head: ChainHead) -> tuple[Sequence[AuditEntry], ChainHead]:
    """Return the entries as they continue the chain behind `head`, and the new head.

    Raises Invalid for text that cannot be stored, TypeError for details that not every language writes alike.
    """
    linked: list[AuditEntry] = []
    for entry in entries:
        _check_plain(entry.details)
        placed = replace(entry, number=head.number + 1, previous=head.hash)
        try:
            placed = replace(placed, hash=hash_of(placed))
        except UnicodeEncodeError:
            raise errors.Invalid("Text contains characters that cannot be stored.") from None
        linked.append(placed)
        head = ChainHead(number=placed.number, hash=placed.hash)
    return linked, head


def follow(seen: Checked, entries: Sequence[WrittenEntry], *, chain: str) -> Checked:
    """Check the next entries up to the first one with a problem; return how far that is. That one is for `check`.

    Says the same as `check` of each of them. Most of a log is intact, and nothing is made of that but its hashes.
    """
    if seen.shift or seen.hash is None:
        return seen
    good: WrittenEntry | None = None
    number, last, previous, count = seen.number, seen.id, seen.hash, seen.entries
    for entry in entries:
        if entry.number != number + 1 or entry.previous != previous or entry.id < last:
            break
        try:
            if hash_of_written(entry, chain=chain) != entry.hash:
                break
        except (TypeError, ValueError):
            break
        good, number, last, previous, count = entry, entry.number, entry.id, entry.hash, count + 1
    if good is None:
        return seen
    return replace(seen, entries=count, number=number, id=last, hash=previous, before=good.previous)


def check(seen: Checked, entry: AuditEntry) -> tuple[Checked, Problem | None]:
    """Check the next entry in the order of (number, id); return how far that is, and what is wrong with it."""
    shift = _shift(entry, likely=seen.shift, search=seen.problems < _ENTRIES_TRIED)
    problem = _problem(seen, entry, shift)
    counted = replace(seen, entries=seen.entries + 1, problems=seen.problems + (problem is not None))
    if problem is not None and problem.kind is Damage.INSERTED and problem.id == entry.id:
        return replace(counted, hash=None), problem
    moved = problem is not None and problem.kind is Damage.REORDERED
    after = replace(
        counted,
        number=entry.number,
        id=entry.id,
        hash=None if moved else entry.hash,
        before=entry.previous,
        shift=seen.shift if shift is None else shift,
    )
    return after, problem


def check_end(seen: Checked, head: ChainHead | None) -> Problem | None:
    """Compare the end of a chain with its head: a tail that was cut off leaves no other trace."""
    if head is None:
        if not seen.entries:
            return None
        message = "The chain's head is missing: whether entries were cut off at the end cannot be told."
        return Problem(kind=Damage.HEAD_MISSING, number=seen.number, message=message)
    if seen.shift and seen.number - seen.shift == head.number and seen.hash in {None, head.hash}:
        return None  # one entry too many or too few, which is told already where it happened
    if seen.number < head.number:
        message = f"{_entries(seen.number + 1, head.number)} at the end: the tail was cut off."
        return Problem(kind=Damage.CUT_OFF, number=seen.number + 1, message=message)
    if seen.number > head.number:
        message = f"The chain ends with entry {head.number}. What stands after it was inserted past the program."
        return Problem(kind=Damage.INSERTED, number=head.number + 1, message=message)
    if seen.hash is not None and seen.hash != head.hash:
        message = (
            f"Entry {seen.number} is not the one that was added last: it was written anew, or all from some entry on."
        )
        return Problem(kind=Damage.REWRITTEN, number=seen.number, id=seen.id, message=message)
    return None


def _problem(seen: Checked, entry: AuditEntry, shift: int | None) -> Problem | None:
    expected, which = seen.number + 1, f"Entry {entry.number} (id {entry.id})"

    def found(kind: Damage, message: str, *, number: int = entry.number, id: int | None = entry.id) -> Problem:
        return Problem(kind=kind, number=number, id=id, message=message)

    if entry.number < expected:
        return found(Damage.INSERTED, f"{which} has a number that another entry has: one of the two was inserted.")
    if entry.number > expected:
        return found(Damage.REMOVED, f"{_entries(expected, entry.number - 1)}: removed.", number=expected, id=None)
    if shift is None:
        return found(Damage.CHANGED, f"{which} is not what was written: it was changed afterwards.")
    if shift == 1 and seen.shift != 1 and entry.previous == seen.before:
        message = f"Entry {seen.number} (id {seen.id}) was inserted: the one after it follows the one before it."
        return found(Damage.INSERTED, message, number=seen.number, id=seen.id)
    if shift != seen.shift and shift:
        place = f"{which} was written as entry {entry.number - shift}"
        return found(Damage.REORDERED, f"{place}: entries were reordered, or inserted or removed before it.")
    if seen.hash is not None and entry.previous != seen.hash:
        message = f"{which} does not follow entry {seen.number} as it stands there: one of the two was written anew."
        return found(Damage.REWRITTEN, message)
    if entry.id < seen.id:
        return found(Damage.REORDERED, f"{which} was stored before the entry that its number follows: it was moved.")
    return None


def _shift(entry: AuditEntry, *, likely: int, search: bool) -> int | None:
    """Return how many places an entry is off the number it was written with; None: it was changed, or moved far."""
    for shift in _shifts(likely, search=search):
        try:
            if hash_of(replace(entry, number=entry.number - shift)) == entry.hash:
                return shift
        except (TypeError, ValueError):
            return None
    return None


def _shifts(likely: int, *, search: bool) -> Iterator[int]:
    yield 0
    if likely:
        yield likely
    for places in range(1, _PLACES_TRIED if search else 0):
        yield from (places, -places)


def _entries(first: int, last: int) -> str:
    return f"Entry {first} is missing" if first == last else f"Entries {first} to {last} are missing"


def _check_plain(value: object) -> None:
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("keys in an audit entry's details are text")
        for inner in value.values():
            _check_plain(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_plain(inner)
    elif not isinstance(value, str | int | None):
        raise TypeError(f"{type(value).__name__} has no one form in an audit entry's details")
