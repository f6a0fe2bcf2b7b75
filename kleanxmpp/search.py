"""Find people by what somebody remembers of their name. Pure.

Every word of the query must be one of the name's words, the start of one, or one with a typing error; order does
not matter. So `gross jö` finds Jörg Groß, and rubbish finds nobody. Umlauts match both their spellings (`ue`, `u`).
"""

from collections.abc import Iterable, Mapping, Sequence

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from kleanxmpp import names

_EQUAL, _START, _TYPING_ERROR = 100, 80, 60
_AS_ONE_WORD = 88
"""Per cent of similarity that `annalena berg` needs to find Anna-Lena Berg, when no word-by-word match was found."""
_LONGEST_QUERY = 100


def best_matches(query: str, people: Iterable[tuple[str, str]], *, limit: int) -> Sequence[tuple[str, str]]:
    """Return the (username, display name) pairs that match, the best first: exact names before starts before errors."""
    folded = names.fold(query[:_LONGEST_QUERY])
    if not folded:
        return []
    listed = list(people)
    keys = [names.fold(display_name) for _, display_name in listed]
    found = _by_words(folded, keys=keys, usernames=[u for u, _ in listed]) or _as_one_word(folded, keys=keys)

    def order(position: int) -> tuple[bool, int, int, str, str]:
        username, display_name = listed[position]
        exact = keys[position] == folded or username == query.strip().lower()
        return not exact, -found[position], len(display_name), display_name, username

    return [listed[position] for position in sorted(found, key=order)[:limit]]


def _by_words(folded: str, *, keys: Sequence[str], usernames: Sequence[str]) -> Mapping[int, int]:
    """Return position -> score of those in whom every word is found."""
    holders: dict[str, list[int]] = {}
    for position, (key, username) in enumerate(zip(keys, usernames, strict=True)):
        for word in {*_words(key), *_words(username.replace(".", " ").replace("-", " "))}:
            holders.setdefault(word, []).append(position)
    total: dict[int, int] | None = None
    for wanted in _words(folded):
        best: dict[int, int] = {}
        for known, score in _resembling(wanted, list(holders)):
            for position in holders[known]:
                best[position] = max(score, best.get(position, 0))
        total = best if total is None else {p: total[p] + best[p] for p in total.keys() & best.keys()}
    return total or {}


def _resembling(word: str, known: Sequence[str]) -> Iterable[tuple[str, int]]:
    errors_forgiven = 0 if len(word) < 4 else 1 if len(word) < 8 else 2
    if errors_forgiven:
        close = process.extract(word, known, scorer=OSA.distance, score_cutoff=errors_forgiven, limit=None)
        yield from ((other, _TYPING_ERROR - 10 * int(distance)) for other, distance, _ in close)
    yield from ((other, _EQUAL if other == word else _START) for other in known if other.startswith(word))


def _as_one_word(folded: str, *, keys: Sequence[str]) -> Mapping[int, int]:
    joined = ["".join(_words(key)) for key in keys]
    close = process.extract("".join(_words(folded)), joined, scorer=fuzz.ratio, score_cutoff=_AS_ONE_WORD, limit=None)
    return {position: int(score) for _, score, position in close}


def _words(folded: str) -> list[str]:
    return folded.replace("ae", "a").replace("oe", "o").replace("ue", "u").split()
