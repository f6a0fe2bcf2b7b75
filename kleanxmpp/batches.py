"""A few at a time: what a server or a database takes in one go is bounded."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield the items in order, `size` at a time, the rest last (`itertools.batched` of Python 3.12, as lists)."""
    waiting = iter(items)
    while some := list(islice(waiting, size)):
        yield some
