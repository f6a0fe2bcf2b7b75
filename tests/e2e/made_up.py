"""Names and texts that tests make up: each is used once, and can be told apart from everything else."""

import itertools
import os

_numbers = itertools.count(os.getpid() * 1000)
_surnames: set[str] = set()


def new_name(first: str, *, personal: bool = True) -> str:
    """Return a full name that nobody in any test has: the first name with a made-up surname. Good for texts, too.

    `found_in` finds it wherever it should not be, unless it is not `personal`: a group's name stands in the
    address of its room, which the log may name.
    """
    number, letters = next(_numbers), ""
    while number:
        number, rest = divmod(number, 80)
        letters += "bdfghklmnprstvwz"[rest // 5] + "aeiou"[rest % 5]
    if personal:
        _surnames.add(letters)
    return f"{first} {letters.capitalize()}"


def found_in(line: str) -> bool:
    """Whether a personal name or text that was made up stands in a line."""
    return any(surname in line.lower() for surname in _surnames)
