"""An answer as the text of a chat message. Pure.

One entry per line with its link at the end of the line: clients find links by spaces, and a full stop
behind one would become part of it. No markup, because clients disagree about it.
"""

from .base import Answer, Entry
from .links import link


def chat_text(*parts: Answer | str) -> str:
    """Return the parts below each other; empty ones are left out."""
    blocks = (part if isinstance(part, str) else _answer(part) for part in parts)
    return "\n\n".join(block for block in blocks if block)


def described(entry: Entry) -> str:
    """Return the entry's name with its notes in brackets."""
    return f"{entry.name} ({', '.join(entry.notes)})" if entry.notes else entry.name


def _answer(answer: Answer) -> str:
    lines = [f"• {described(entry)}: {link(entry.jid, entry.tap)}" for entry in answer.entries]
    return "\n".join(line for line in (answer.lead, *lines, answer.close) if line)
