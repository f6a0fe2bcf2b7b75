"""When a source is late, and how long a length of time is."""

from datetime import timedelta

import pytest

from kleanxmpp import errors, sources
from kleanxmpp.model import Door
from kleanxmpp.source_ports import Expectation, Source
from tests.factories import AT

HOUR = timedelta(hours=1)
HOURLY = Expectation(every=HOUR, since=AT)


def test_nothing_expected_is_never_late() -> None:
    for last in (None, AT - 1000 * HOUR):
        assert sources.late_since(Source(company_id="c", door=Door.SCIM, last_contact=last), now=AT) is None


def test_silence_counts_from_the_last_contact() -> None:
    source = Source(company_id="c", door=Door.SCIM, last_contact=AT + HOUR, expected=HOURLY)
    assert sources.late_since(source, now=AT + 2 * HOUR) is None
    assert sources.late_since(source, now=AT + 2 * HOUR + timedelta(seconds=1)) == AT + 2 * HOUR


def test_who_never_came_is_late_from_when_it_was_expected() -> None:
    source = Source(company_id="c", door=Door.HR, expected=HOURLY)
    assert sources.late_since(source, now=AT + HOUR) is None
    assert sources.late_since(source, now=AT + 5 * HOUR) == AT + HOUR


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (60, 60),
        (3600, 3600),
        ("PT1H", 3600),
        ("P1D", 86_400),
        ("P1DT12H", 129_600),
        ("PT90M", 5400),
        ("P2W", 1_209_600),
    ],
)
def test_lengths_of_time(said: str | int, seconds: int) -> None:
    assert sources.interval(said) == timedelta(seconds=seconds)


@pytest.mark.parametrize("said", [59, 0, -5, 10**12, "P", "PT", "PT59S", "P400D", "1h", "", "PT1H ", "P1M", "PT1.5H"])
def test_what_is_no_length_of_time_is_refused(said: str | int) -> None:
    with pytest.raises(errors.Invalid, match="PT1H"):
        sources.interval(said)


def test_lengths_of_time_are_told_short() -> None:
    assert [sources.words(timedelta(seconds=s)) for s in (3600, 86_400, 5400, 61)] == ["1h", "1d", "90m", "61s"]
