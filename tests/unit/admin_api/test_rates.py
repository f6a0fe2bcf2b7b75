"""How fast callers may ask, by a clock that only the test moves."""

from dataclasses import dataclass

import pytest

from admin_api.problems import Problem
from admin_api.rates import Rates


@dataclass(slots=True)
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def rates(clock: Clock, *, per_second: float = 2.0, burst: int = 3) -> Rates:
    return Rates(per_second=per_second, burst=burst, clock=clock)


def refused(call: object) -> str | None:
    """Return what Retry-After says, or None if the call is let in."""
    try:
        call()  # type: ignore[operator]  # a test's lambda
    except Problem as problem:
        assert problem.kind.status == 429
        return problem.headers["Retry-After"]
    return None


def test_a_burst_passes_and_then_as_many_as_come_in_a_second() -> None:
    clock = Clock()
    limits = rates(clock)
    assert [refused(lambda: limits.was_right("a", token_id="A")) for _ in range(5)] == [None, None, None, "1", "1"]
    clock.now += 1.0
    assert [refused(lambda: limits.was_right("a", token_id="A")) for _ in range(3)] == [None, None, "1"]
    clock.now += 3600
    assert [refused(lambda: limits.was_right("a", token_id="A")) for _ in range(4)] == [None, None, None, "1"]
    assert refused(lambda: limits.was_right("b", token_id="B")) is None, "each token has its own"


def test_slow_limits_tell_how_long_to_wait() -> None:
    limits = rates(Clock(), per_second=0.1, burst=1)
    limits.was_right("a", token_id="A")
    assert refused(lambda: limits.was_right("a", token_id="A")) == "10"


def test_wrong_tokens_soon_cost_no_look_up_but_right_ones_of_the_address_go_on() -> None:
    clock = Clock()
    limits = rates(clock)
    limits.was_right("good", token_id="A")
    for number in range(20):
        assert refused(lambda: limits.admit("guess", address="192.0.2.1")) is None, number
        limits.was_wrong("guess", address="192.0.2.1")
    assert refused(lambda: limits.admit("guess", address="192.0.2.1")) == "2"
    assert refused(lambda: limits.admit("good", address="192.0.2.1")) is None
    assert refused(lambda: limits.admit("guess", address="198.51.100.7")) is None
    clock.now += 2.0
    assert refused(lambda: limits.admit("guess", address="192.0.2.1")) is None
    limits.was_wrong("good", address="192.0.2.1")
    assert refused(lambda: limits.admit("good", address="192.0.2.1")) == "2", "a revoked token is wrong like others"


def test_addresses_of_one_network_share_a_budget() -> None:
    limits = rates(Clock())
    for number in range(20):
        limits.was_wrong("guess", address=f"2001:db8:1:2::{number:x}")
    assert refused(lambda: limits.admit("guess", address="2001:db8:1:2:ffff::1")) == "2"
    assert refused(lambda: limits.admit("guess", address="2001:db8:1:3::1")) is None


def test_messages_that_nobody_signed_are_soon_not_even_read() -> None:
    clock = Clock()
    limits = rates(clock)
    for number in range(20):
        assert refused(lambda: limits.admit_signed(address="192.0.2.1")) is None, number
        limits.was_unsigned(address="192.0.2.1")
    assert refused(lambda: limits.admit_signed(address="192.0.2.1")) == "2"
    assert refused(lambda: limits.admit_signed(address="198.51.100.7")) is None
    assert refused(lambda: limits.admit("guess", address="192.0.2.1")) is None, "tokens are counted by themselves"
    clock.now += 2.0
    assert refused(lambda: limits.admit_signed(address="192.0.2.1")) is None


def test_wrong_codes_have_a_budget_of_their_own_and_so_have_attempts_to_sign_in() -> None:
    clock = Clock()
    limits = rates(clock)
    for number in range(60):
        assert refused(lambda: limits.admit_code(address="192.0.2.1")) is None, number
        limits.was_wrong_code(address="192.0.2.1")
    assert refused(lambda: limits.admit_code(address="192.0.2.1")) == "1"
    assert refused(lambda: limits.admit_code(address="198.51.100.7")) is None
    assert refused(lambda: limits.admit("token", address="192.0.2.1")) is None
    attempts = [refused(lambda: limits.began_sign_in(address="192.0.2.1")) for _ in range(101)]
    assert attempts == [None] * 100 + ["1"]
    clock.now += 2.0
    assert refused(lambda: limits.admit_code(address="192.0.2.1")) is None
    assert refused(lambda: limits.began_sign_in(address="192.0.2.1")) is None


def test_where_somebody_signs_rightly_a_stranger_needs_more_to_be_in_the_way() -> None:
    clock = Clock()
    limits = rates(clock)
    limits.was_signed(secret_id="S", address="192.0.2.1")
    for _ in range(200):
        assert refused(lambda: limits.admit_signed(address="192.0.2.1")) is None
        limits.was_unsigned(address="192.0.2.1")
    assert refused(lambda: limits.admit_signed(address="192.0.2.1")) == "1"
    clock.now += 0.1
    assert refused(lambda: limits.admit_signed(address="192.0.2.1")) is None


def test_each_secret_has_its_own_burst_and_so_has_each_token() -> None:
    limits = rates(Clock())
    told = [refused(lambda: limits.was_signed(secret_id="a", address="192.0.2.1")) for _ in range(4)]
    assert told == [None, None, None, "1"]
    assert refused(lambda: limits.was_signed(secret_id="b", address="192.0.2.1")) is None
    assert refused(lambda: limits.was_right("a", token_id="a")) is None


def test_a_million_strangers_tokens_and_secrets_fill_no_memory() -> None:
    limits = rates(Clock())
    for number in range(30_000):
        limits.was_wrong("guess", address=str(number))
        limits.was_right(str(number), token_id=str(number))
        limits.was_unsigned(address=str(number))
        limits.was_signed(secret_id=str(number), address=str(number))
    assert len(limits._wrong) == len(limits._unsigned) == 4096
    assert max(len(limits._buckets), len(limits._right), len(limits._signing)) == 10_000


@pytest.mark.parametrize("burst", [1, 500])
def test_zero_limits_nobody(burst: int) -> None:
    limits = rates(Clock(), per_second=0, burst=burst)
    for _ in range(1000):
        limits.was_right("a", token_id="A")
        limits.was_wrong("guess", address="192.0.2.1")
        limits.admit("guess", address="192.0.2.1")
        limits.was_signed(secret_id="S", address="192.0.2.1")
        limits.was_unsigned(address="192.0.2.1")
        limits.admit_signed(address="192.0.2.1")


def test_wrong_codes_have_a_budget_of_their_own_that_comes_back() -> None:
    clock = Clock()
    limits = rates(clock)
    for _ in range(60):
        limits.admit_code(address="1.2.3.4")
        limits.was_wrong_code(address="1.2.3.4")
    assert refused(lambda: limits.admit_code(address="1.2.3.4")) == "1"
    assert refused(lambda: limits.admit("a", address="1.2.3.4")) is None, "tokens have their own"
    assert refused(lambda: limits.admit_code(address="5.6.7.8")) is None
    clock.now += 1
    assert refused(lambda: limits.admit_code(address="1.2.3.4")) is None
