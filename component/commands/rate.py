"""How often one sender is answered: a bucket of tokens per sender, so that a looping client loads nobody.

Memory is bounded: when there are more senders than places, the one heard of longest ago is forgotten.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto


class Verdict(Enum):
    """What to do with a request. `NOTICE`: say once that it is too much; `DROP`: it was said already."""

    ANSWER = auto()
    NOTICE = auto()
    DROP = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`burst` requests at once, then one every `seconds_each`; at most `senders` are remembered."""

    burst: int = 10
    seconds_each: float = 3.0
    senders: int = 10_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float
    noticed: bool = False


class Limiter:
    """Remembers who asked how often. The notice is due again only after the sender was quiet for a whole burst."""

    def __init__(self, rate: Rate, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def ask(self, sender: str) -> Verdict:
        """Count one request of this sender and say what to do with it."""
        bucket = self._refilled(sender)
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return Verdict.ANSWER
        if bucket.noticed:
            return Verdict.DROP
        bucket.noticed = True
        return Verdict.NOTICE

    def __len__(self) -> int:
        return len(self._buckets)

    def _refilled(self, sender: str) -> _Bucket:
        now, burst = self._clock(), float(self._rate.burst)
        bucket = self._buckets.pop(sender, None) or _Bucket(burst, now)
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.at) / self._rate.seconds_each)
        bucket.at = now
        if bucket.tokens == burst:
            bucket.noticed = False
        self._buckets[sender] = bucket
        while len(self._buckets) > self._rate.senders:
            self._buckets.popitem(last=False)
        return bucket
