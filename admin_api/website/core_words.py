"""What the core says, in the reader's language: errors, and what the database kept of an error as text.

The core speaks English and knows no catalogue; API, shell and logs have that very text. A page finds the sentence by
its shape, such as `A rule has up to {1} characters.`, in `locale/de/errors.po`, so that a text that was stored long ago
is told like the error itself. A test reads all sentences out of the source, so that none is forgotten.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from markupsafe import Markup

from . import words

CATALOGUE = "errors.po"
_PLACE = re.compile(r"\{(\d)\}")
_LONGEST = 2000
"""Longer texts are not looked up: nothing of ours is, and matching takes longer with every character."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sentences:
    """`plain` has no values in it; `shaped` is tried in its order, the most words first."""

    plain: Mapping[str, str]
    shaped: tuple[tuple[re.Pattern[str], str], ...]


def said(text: str, *, language: str) -> str | None:
    """Return the text in this language; None: there are no words for it."""
    if language == "en":
        return text
    known = _sentences(language)
    if text in known.plain:
        return known.plain[text]
    if len(text) > _LONGEST:
        return None
    for shape, message in known.shaped:
        if found := shape.fullmatch(text):
            return _filled(message, found.groupdict(), language=language)
    return None


def told(text: str, *, language: str) -> Markup:
    """Return the text for a page. What there are no words for is marked as English."""
    translated = said(text, language=language)
    return Markup('<span lang="en">{}</span>').format(text) if translated is None else Markup("{}").format(translated)


def _filled(message: str, values: Mapping[str, str], *, language: str) -> str:
    """Return a sentence with its values; what stands in a place is often a phrase of the core itself."""

    def value(place: re.Match[str]) -> str:
        text = values[f"v{place[1]}"]
        return said(text, language=language) or text

    return _PLACE.sub(value, message)


@cache
def _sentences(language: str) -> _Sentences:
    entries = [(entry.msgid, entry.msgstr) for entry in words.catalogue(language, CATALOGUE)]
    shaped = [(text, message) for text, message in entries if _PLACE.search(text)]
    shaped.sort(key=lambda one: len(_PLACE.sub("", one[0])), reverse=True)
    return _Sentences(
        plain={text: message for text, message in entries if not _PLACE.search(text)},
        shaped=tuple((re.compile(_shape(text), re.DOTALL), message) for text, message in shaped),
    )


def _shape(text: str) -> str:
    parts = _PLACE.split(text)
    return "".join(f"(?P<v{part}>.*?)" if number % 2 else re.escape(part) for number, part in enumerate(parts))
