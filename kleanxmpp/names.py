"""How people's and groups' names become usernames, slugs, nicknames and search keys. Pure.

Generated usernames and slugs are plain ASCII although localparts allow more: they get typed on phones,
stand in URLs and must look the same to every server. Names that leave nothing behind become `user` or `group`.
"""

import itertools
import re
import unicodedata
from collections.abc import Container, Iterator

LONGEST = 64
"""Characters of a generated username or slug, numbers at its end not counted."""

_SPECIAL = {
    "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d",
    "ł": "l", "þ": "th", "ħ": "h", "\N{LATIN SMALL LETTER DOTLESS I}": "i", "ŋ": "n",
}  # fmt: skip
_TITLES = frozenset({"herr", "frau", "mr", "mrs", "ms", "dr", "prof", "dipl", "dipl-ing", "dipl-kfm", "ing", "mag"})
_REST_OF_TITLE = frozenset(
    {"med", "dent", "vet", "jur", "iur", "phil", "rer", "nat", "pol", "oec", "habil", "hc", "ing"}
)
_DEGREES = frozenset({"mba", "ma", "ba", "msc", "bsc", "meng", "beng", "llm", "phd", "md"})
_PARTICLES = frozenset(
    {"von", "vom", "van", "zu", "zum", "zur", "der", "den", "dem", "de", "del", "della", "di", "da", "do", "dos", "du"}
    | {"la", "le", "el", "al", "ten", "ter", "bin", "ibn", "ben"}
)
_MARK_AFTER_LATIN = re.compile(r"(?<=[0-9a-z\u00df-\u024f])[\u0300-\u036f]+")
_WORD = re.compile(r"[a-z0-9]+")
_INSIDE_WORDS = str.maketrans("", "", ".'`\N{RIGHT SINGLE QUOTATION MARK}")


class _FoldedCharacters(dict[int, str]):
    """A table for `str.translate` that learns each character when it is first met (folding 10,000 names is hot)."""

    def __missing__(self, codepoint: int) -> str:
        self[codepoint] = folded = _fold_character(chr(codepoint))
        return folded


def fold(text: str) -> str:
    """Return what names are compared and searched by: lowercase, umlauts spelled out, accents dropped, single spaces.

    Letters of other scripts stay; folding twice changes nothing.
    """
    lowered = unicodedata.normalize("NFKC", text).casefold()
    if not lowered.isascii():
        lowered = unicodedata.normalize("NFKC", lowered)
    folded = lowered.translate(_FOLDED)
    if not folded.isascii():
        folded = unicodedata.normalize("NFC", _MARK_AFTER_LATIN.sub("", folded))
    return " ".join(folded.split())


def username_from(display_name: str) -> str:
    """Return `first.last` for a display name; titles are left out, hyphens and particles (`von-der-heide`) stay.

    Always a valid localpart. Not necessarily free: see `numbered`.
    """
    before, comma, after = display_name.partition(",")
    words, given = _name_words(before), _name_words(after)
    if comma and not _DEGREES.issuperset(given):
        words = given[:1] + words
    if len(words) < 2:
        return _shortened("".join(words)) or "user"
    start = len(words) - 1
    while start > 1 and words[start - 1] in _PARTICLES:
        start -= 1
    return _shortened(words[0] + "." + "-".join(words[start:]))


def slug_from(group_name: str) -> str:
    """Return the localpart that a group's room may get. Not necessarily free: see `numbered`."""
    return _shortened("-".join(_WORD.findall(fold(group_name)))) or "group"


def numbered_from(candidate: str) -> Iterator[str]:
    """Yield candidate, candidate2, candidate3 … without end (`room7` goes on as `room7-2`)."""
    joint = "-" if candidate[-1:].isdigit() else ""
    yield candidate
    yield from (f"{candidate}{joint}{number}" for number in itertools.count(2))


def numbered(candidate: str, taken: Container[str]) -> str:
    """Return the first of `numbered_from` that is not taken."""
    return next(name for name in numbered_from(candidate) if name not in taken)


def nicknames_from(display_name: str, username: str) -> Iterator[str]:
    """Yield the names under which a person may appear, the best first: `Name`, `Name (username)` … without end."""
    name = " ".join(display_name.split())
    yield name
    yield f"{name} ({username})"
    yield from (f"{name} ({username}) {number}" for number in itertools.count(2))


def nickname_key(text: str) -> str:
    """Return what two nicknames must not share: width, case, spacing and invisible characters make no difference."""
    visible = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return " ".join(unicodedata.normalize("NFKC", visible.casefold()).split())


def _fold_character(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if unicodedata.category(character)[0] not in "LNM":
        return " "
    base = unicodedata.normalize("NFD", character)[0]
    return _SPECIAL.get(base, base) if ord(base) < 0x250 else character


_FOLDED = _FoldedCharacters()


def _name_words(text: str) -> list[str]:
    joined = text.translate(_INSIDE_WORDS).split()
    words = [word for word in ("-".join(_WORD.findall(fold(part))) for part in joined) if word]
    first = 0
    while first < len(words) and words[first] in (_TITLES | _REST_OF_TITLE if first else _TITLES):
        first += 1
    return words[first:]


def _shortened(text: str) -> str:
    return text[:LONGEST].rstrip(".-")
