"""What somebody meant with a line of chat. Pure.

The first word decides. Case, umlauts, punctuation and quotes are forgiven; a close misspelling counts too,
but not for short words: `wer` is one letter away from `der`, `wir` and `wem`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import OSA

from kleanxmpp.names import fold

from .base import Command

SALUTATIONS = frozenset(
    {"hallo", "hello", "hi", "hey", "moin", "servus", "gruezi", "tag", "guten", "good", "danke", "thanks"}
)
_SHORTEST_FORGIVEN = 4
_LOOKED_AT = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """The command that was meant and what stood behind it; `command` None: a salutation, or nothing at all."""

    command: Command | None = None
    argument: str = ""


def read(body: str, commands: Sequence[Command]) -> Meant | None:
    """Return what a message means; None if it was not understood."""
    words = _own_words(body).split()
    while words and not _bare(words[0]):
        words = words[1:]
    if not words:
        return Meant()
    first = _bare(words[0])
    if command := _exactly(first, commands) or _nearly(first, commands):
        return Meant(command=command, argument=" ".join(words[1:]))
    return Meant() if first in SALUTATIONS else None


def _own_words(body: str) -> str:
    """Leave out the lines that a client quotes when somebody answers to a message (XEP-0461)."""
    lines = body[:_LOOKED_AT].splitlines()
    return "\n".join(line for line in lines if not line.startswith(">"))


def _bare(word: str) -> str:
    return fold(word).replace(" ", "")


def _exactly(word: str, commands: Sequence[Command]) -> Command | None:
    return next((command for command in commands if word in map(_bare, command.words)), None)


def _nearly(word: str, commands: Sequence[Command]) -> Command | None:
    if len(word) < _SHORTEST_FORGIVEN or word in SALUTATIONS:
        return None
    distances = [
        (OSA.distance(word, _bare(known)), position)
        for position, command in enumerate(commands)
        for known in command.words
        if len(known) >= _SHORTEST_FORGIVEN and OSA.distance(word, _bare(known)) <= _forgiven(known)
    ]
    return commands[min(distances)[1]] if distances else None


def _forgiven(known: str) -> int:
    return 1 if len(known) < 7 else 2
