"""A CSV file of people in our own layout, as `kleanxmpp export` writes it; other layouts need a mapping."""

from collections.abc import Iterable, Sequence

from kleanxmpp.import_rows import Row
from kleanxmpp.sheets import reading


def parse(lines: Iterable[bytes]) -> Sequence[Row]:
    """Return the people of a file whose columns have the names of our fields. Raises FaultyFile with every fault."""
    return reading.read(b"".join(lines))
