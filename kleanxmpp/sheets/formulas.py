"""No cell that we write is ever a live formula, and reading takes back what writing did.

A spreadsheet computes a cell that begins with one of these characters, so an apostrophe goes before it (as OWASP
advises). It goes there, too, where a cell would begin if somebody opened the file with another delimiter. `armed` is
the exact inverse of `defused`, so what was exported and imported again is what it was.
"""

_FULL_WIDTH = "\uff1d\uff0b\uff0d\uff20"
_LIVE = frozenset("=+-@\t\r\n" + _FULL_WIDTH)
_DELIMITERS = frozenset(";,|\t\r\n")
_BEFORE = frozenset(" '\"")


def defused(text: str) -> str:
    """Return the text with an apostrophe before whatever could begin a formula."""
    written: list[str] = []
    begins = True
    for character in text:
        if begins and character in _LIVE:
            written.append("'")
        written.append(character)
        begins = character in _DELIMITERS or (begins and character in _BEFORE)
    return "".join(written)


def armed(text: str) -> str:
    """Return the text that was defused; texts that never were stay as they are."""
    if "'" not in text:
        return text
    read: list[str] = []
    begins = True
    for character in text:
        if begins and character in _LIVE and read and read[-1] == "'":
            read.pop()
        read.append(character)
        begins = character in _DELIMITERS or (begins and character in _BEFORE)
    return "".join(read)
