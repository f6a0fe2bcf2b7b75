"""How fast callers may ask: token buckets in this process, one for each API token.

Wrong tokens are counted by address in a table of fixed size, so that strangers fill no memory; addresses that share a
place in it share its small budget. When that is spent, nothing is looked up for the address any more, except for tokens
that were right before: behind a proxy everybody comes from the same address.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from . import problem_kinds as kinds
from .problems import Problem

T = TypeVar("T")
_WRONG_PER_SECOND, _WRONG_BURST = 0.5, 20
_PLACES = 4096
_MOST_TOKENS = 10_000


@dataclass(slots=True, kw_only=True)
class _Bucket:
    """Something to take from; `left` was there at the time `at`."""

    left: float
    at: float


class Rates:
    """Who asked how often. `per_second` 0: nobody is limited. `clock` tells seconds that only grow."""

    def __init__(self, *, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._tokens: OrderedDict[str, _Bucket] = OrderedDict()
        self._right: OrderedDict[str, None] = OrderedDict()
        self._wrong: list[_Bucket | None] = [None] * _PLACES

    def admit(self, secret_sha256: str, *, address: str | None) -> None:
        """Raise Problem (429) if this secret may not even be looked up, after too many wrong ones."""
        if not self._per_second or secret_sha256 in self._right:
            return
        bucket = self._wrong[_place(address)]
        if bucket is not None and (seconds := self._missing(bucket, _WRONG_PER_SECOND, _WRONG_BURST)):
            raise _too_fast(seconds)

    def was_wrong(self, secret_sha256: str, *, address: str | None) -> None:
        """Count a token that does not exist."""
        self._right.pop(secret_sha256, None)
        place = _place(address)
        bucket = self._wrong[place] = self._wrong[place] or _Bucket(left=_WRONG_BURST, at=self._clock())
        self._missing(bucket, _WRONG_PER_SECOND, _WRONG_BURST)
        bucket.left = max(0.0, bucket.left - 1)

    def was_right(self, secret_sha256: str, *, token_id: str) -> None:
        """Count a request of this token. Raises Problem (429) if it was one too many."""
        if not self._per_second:
            return
        _latest(self._right, secret_sha256, None)
        known = self._tokens.get(token_id)
        bucket = _Bucket(left=self._burst, at=self._clock()) if known is None else known
        _latest(self._tokens, token_id, bucket)
        if seconds := self._missing(bucket, self._per_second, self._burst):
            raise _too_fast(seconds)
        bucket.left -= 1

    def _missing(self, bucket: _Bucket, per_second: float, burst: int) -> float:
        """Fill what has come since; return the seconds until there is something to take, 0 for now."""
        now = self._clock()
        bucket.left = min(float(burst), bucket.left + (now - bucket.at) * per_second)
        bucket.at = now
        return 0.0 if bucket.left >= 1 else (1 - bucket.left) / per_second


def _latest(kept: OrderedDict[str, T], key: str, value: T) -> None:
    """Keep it as the latest, and forget the oldest beyond what is kept at most."""
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > _MOST_TOKENS:
        kept.popitem(last=False)


def _place(address: str | None) -> int:
    """Return the place of an address; of an IPv6 one, of its network, for one household has 2^64 of them."""
    shown = address or ""
    return hash(":".join(shown.split(":")[:4]) if shown.count(":") > 1 else shown) % _PLACES


def _too_fast(seconds: float) -> Problem:
    return Problem(kind=kinds.TOO_FAST, headers={"Retry-After": str(max(1, math.ceil(seconds)))})
