"""What is asked of the server about many people at the same moment, done for all of them in few calls.

An off-boarding is a dozen calls; two hundred at once would be thousands, of which each costs this process more time
than the server.
"""

from collections import defaultdict
from collections.abc import Awaitable, Sequence
from typing import Protocol, TypeVar

from kleanxmpp.gathering import Gathered

from .link import Link

_LANES = 4
"""Calls of a kind at a time: who comes next does not wait for a slow one, and many still share one."""

Item = TypeVar("Item")
ItemIn = TypeVar("ItemIn", contravariant=True)
Found = TypeVar("Found")
FoundOut = TypeVar("FoundOut", covariant=True)


class Doing(Protocol[ItemIn, FoundOut]):
    """Does something for several in one company, and returns what came of each, in order."""

    def __call__(
        self, link: Link, items: Sequence[ItemIn], /, *, domain: str
    ) -> Awaitable[Sequence[FoundOut | Exception]]:
        """Do it."""


def together_in_companies(link: Link, do: Doing[Item, Found]) -> Gathered[tuple[str, Item], Found]:
    """Return what does it for one item in the company of a domain, together with all who ask at that moment."""

    async def answer(asked: Sequence[tuple[str, Item]]) -> Sequence[Found | Exception]:
        places: dict[str, list[int]] = defaultdict(list)
        for place, (domain, _) in enumerate(asked):
            places[domain].append(place)
        found: dict[int, Found | Exception] = {}
        for domain, mine in places.items():
            answers = await do(link, [asked[place][1] for place in mine], domain=domain)
            found.update(zip(mine, answers, strict=True))
        return [found[place] for place in range(len(asked))]

    return Gathered(answer, lanes=_LANES)
