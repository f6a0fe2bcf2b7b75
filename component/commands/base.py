"""What a command is: names, words for the help, who may use it, and `run`, which returns a value.

A command knows neither chat nor forms. `chat_text` and `forms` render its answer, so both ways always say
the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from kleanxmpp.desired import Person, may_chat
from kleanxmpp.ports import Directory

from ..locale import Texts


class Tap(StrEnum):
    """What a client does when the link of an entry is tapped (XEP-0147)."""

    MESSAGE = "message"
    JOIN = "join"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One person or room in an answer. `notes` are short remarks about it."""

    name: str
    jid: str
    tap: Tap
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command has to say: a sentence (or several lines), entries, and a closing sentence."""

    lead: str
    entries: tuple[Entry, ...] = ()
    close: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Who asks, in which words, and where to look. `argument` is what stood behind the command, or in its form."""

    person: Person
    directory: Directory
    texts: Texts
    rooms_domain: str
    argument: str = ""

    def with_argument(self, argument: str) -> "Context":
        """Return the same context with what stood behind the command."""
        return replace(self, argument=argument)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How a command introduces itself in one language. `question` is the label of its form's field; None: no form."""

    title: str
    usage: str
    does: str
    question: str | None = None


class Command(Protocol):
    """One command. `node` names it for ever (XEP-0050); `words` call it in chat, in all languages."""

    node: str
    words: Sequence[str]

    def wording(self, texts: Texts) -> Wording:
        """Return how the command introduces itself."""

    def allows(self, person: Person) -> bool:
        """Whether this person may use it."""

    async def run(self, context: Context) -> Answer:
        """Answer. Reads only; raises DirectoryUnavailable."""


def everybody_who_may_chat(person: Person) -> bool:
    """Whether the person takes part in the chat: the access rule of most commands."""
    return may_chat(person.company, person.user)
