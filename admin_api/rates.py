"""How fast callers may ask: token buckets in this process, one for each API token and each secret of a hook.

Wrong tokens are counted by address in a table of fixed size, so that strangers fill no memory; addresses that share a
place in it share its small budget. When that is spent, nothing is looked up for the address any more, except for tokens
that were right before: behind a proxy everybody comes from the same address. A signed message says whose it is only
after the work that is to be limited; so an address that signed rightly before, a proxy perhaps, is forgiven more.
Codes of links, and attempts to sign in at a provider, have budgets of their own: who mistypes a link stops no API.
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
_PLACES = 4096
_MOST_TOKENS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pace:
    """So many at once, and so many a second for long."""

    per_second: float
    burst: int


_WRONG = _Pace(per_second=0.5, burst=20)
_SIGN_INS = _Pace(per_second=1.0, burst=100)
"""An office comes from one address, and begins at eight."""
_WRONG_BUT_KNOWN = _Pace(per_second=10.0, burst=200)
_WRONG_CODE = _Pace(per_second=1.0, burst=60)
"""A whole company may come from one address, and people open links again that are used up: nobody guesses 140 bits."""


@dataclass(slots=True, kw_only=True)
class _Bucket:
    """Something to take from; `left` was there at the time `at`."""

    left: float
    at: float


class Rates:
    """Who asked how often. `per_second` 0: nobody is limited. `clock` tells seconds that only grow."""

    def __init__(self, *, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._pace = _Pace(per_second=per_second, burst=burst)
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._right: OrderedDict[str, None] = OrderedDict()
        self._signing: OrderedDict[str, None] = OrderedDict()
        self._wrong: list[_Bucket | None] = [None] * _PLACES
        self._unsigned: list[_Bucket | None] = [None] * _PLACES
        self._wrong_codes: list[_Bucket | None] = [None] * _PLACES
        self._sign_ins: list[_Bucket | None] = [None] * _PLACES

    def admit(self, secret_sha256: str, *, address: str | None) -> None:
        """Raise Problem (429) if this secret may not even be looked up, after too many wrong ones."""
        if secret_sha256 not in self._right:
            self._look(self._wrong, _network(address), _WRONG)

    def was_wrong(self, secret_sha256: str, *, address: str | None) -> None:
        """Count a token that does not exist."""
        self._right.pop(secret_sha256, None)
        self._count(self._wrong, _network(address), _WRONG)

    def was_right(self, secret_sha256: str, *, token_id: str) -> None:
        """Count a request of this token. Raises Problem (429) if it was one too many."""
        if self._pace.per_second:
            _latest(self._right, secret_sha256, None)
            self._take(f"token:{token_id}")

    def admit_code(self, *, address: str | None) -> None:
        """Raise Problem (429) if no link's code of this address may even be looked up, after too many wrong ones."""
        self._look(self._wrong_codes, _network(address), _WRONG_CODE)

    def was_wrong_code(self, *, address: str | None) -> None:
        """Count a code that leads nowhere (any more)."""
        self._count(self._wrong_codes, _network(address), _WRONG_CODE)

    def admit_signed(self, *, address: str | None) -> None:
        """Raise Problem (429) if no message of this address may even be read, after too many that nobody signed."""
        network = _network(address)
        self._look(self._unsigned, network, self._forgiven(network))

    def was_unsigned(self, *, address: str | None) -> None:
        """Count a message that nobody known has signed just now."""
        network = _network(address)
        self._count(self._unsigned, network, self._forgiven(network))

    def was_signed(self, *, secret_id: str, address: str | None) -> None:
        """Count a message that was signed with this secret. Raises Problem (429) if it was one too many."""
        if self._pace.per_second:
            _latest(self._signing, _network(address), None)
            self._take(f"secret:{secret_id}")

    def began_sign_in(self, *, address: str | None) -> None:
        """Count an attempt to sign in at an identity provider. Raises Problem (429) if it was one too many."""
        network = _network(address)
        self._look(self._sign_ins, network, _SIGN_INS)
        self._count(self._sign_ins, network, _SIGN_INS)

    def _forgiven(self, network: str) -> _Pace:
        return _WRONG_BUT_KNOWN if network in self._signing else _WRONG

    def _look(self, table: list[_Bucket | None], network: str, pace: _Pace) -> None:
        bucket = table[hash(network) % _PLACES]
        if self._pace.per_second and bucket is not None and (seconds := self._missing(bucket, pace)):
            raise _too_fast(seconds)

    def _count(self, table: list[_Bucket | None], network: str, pace: _Pace) -> None:
        place = hash(network) % _PLACES
        bucket = table[place] = table[place] or _Bucket(left=pace.burst, at=self._clock())
        self._missing(bucket, pace)
        bucket.left = max(0.0, bucket.left - 1)

    def _take(self, key: str) -> None:
        known = self._buckets.get(key)
        bucket = _Bucket(left=self._pace.burst, at=self._clock()) if known is None else known
        _latest(self._buckets, key, bucket)
        if seconds := self._missing(bucket, self._pace):
            raise _too_fast(seconds)
        bucket.left -= 1

    def _missing(self, bucket: _Bucket, pace: _Pace) -> float:
        """Fill what has come since; return the seconds until there is something to take, 0 for now."""
        now = self._clock()
        bucket.left = min(float(pace.burst), bucket.left + (now - bucket.at) * pace.per_second)
        bucket.at = now
        return 0.0 if bucket.left >= 1 else (1 - bucket.left) / pace.per_second


def _latest(kept: OrderedDict[str, T], key: str, value: T) -> None:
    """Keep it as the latest, and forget the oldest beyond what is kept at most."""
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > _MOST_TOKENS:
        kept.popitem(last=False)


def _network(address: str | None) -> str:
    """Return where an address belongs; of an IPv6 one, its network, for one household has 2^64 of them."""
    shown = address or ""
    return ":".join(shown.split(":")[:4]) if shown.count(":") > 1 else shown


def _too_fast(seconds: float) -> Problem:
    return Problem(kind=kinds.TOO_FAST, headers={"Retry-After": str(max(1, math.ceil(seconds)))})
