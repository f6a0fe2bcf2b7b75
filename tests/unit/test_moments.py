"""When something takes effect, as people write it; and what happens around the changes of summer time."""

import pytest

from kleanxmpp import errors
from kleanxmpp.moments import effective

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "ends_day", "expected"),
    [
        ("2026-12-31T18:00", False, "2026-12-31T17:00"),
        ("2026-07-31t18:00:30.5", False, "2026-07-31T16:00:30.500000"),
        ("2026-12-31T18:00Z", False, "2026-12-31T18:00"),
        ("2026-12-31T18:00+05:30", False, "2026-12-31T12:30"),
        ("2026-12-31", False, "2026-12-30T23:00"),
        ("2026-12-31", True, "2026-12-31T23:00"),
        ("2028-02-28", True, "2028-02-28T23:00"),
        ("2026-12-31T18:00", True, "2026-12-31T17:00"),
    ],
)
def test_a_time_is_the_companys_and_a_date_begins_or_ends(text: str, ends_day: bool, expected: str) -> None:
    found = effective(text, timezone=BERLIN, takes=True, ends_day=ends_day)
    assert found.isoformat() == effective(f"{expected}Z", timezone=BERLIN, takes=True, ends_day=False).isoformat()
    assert str(found.tzinfo) == "UTC"


@pytest.mark.parametrize("takes", [True, False])
def test_what_never_comes_in_spring_moves_forward(takes: bool) -> None:
    found = effective("2027-03-28T02:30", timezone=BERLIN, takes=takes, ends_day=False)
    assert found.isoformat() == "2027-03-28T01:30:00+00:00", "03:30 in summer time"


@pytest.mark.parametrize(
    ("takes", "expected"), [(True, "2026-10-25T00:30:00+00:00"), (False, "2026-10-25T01:30:00+00:00")]
)
def test_what_comes_twice_in_autumn_closes_the_first_time_and_opens_the_second(takes: bool, expected: str) -> None:
    found = effective("2026-10-25T02:30", timezone=BERLIN, takes=takes, ends_day=False)
    assert found.isoformat() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2026-10-25", "2026-10-25T23:00:00+00:00"), ("2027-03-28", "2027-03-28T22:00:00+00:00")],
)
def test_days_of_23_and_25_hours_end_at_midnight(text: str, expected: str) -> None:
    assert effective(text, timezone=BERLIN, takes=True, ends_day=True).isoformat() == expected


def test_a_midnight_that_never_comes_moves_forward() -> None:
    found = effective("2026-04-24", timezone="Africa/Cairo", takes=True, ends_day=False)
    assert found.isoformat() == "2026-04-23T22:00:00+00:00", "01:00 in summer time"


@pytest.mark.parametrize(
    "text",
    [
        "", "31.12.2026", "2026-13-01", "2026-02-30", "2026-12-31T25:00", "2026-12-31 18:00", "2026-12-31T18",
        "2026-12-31T18:00+99:00", "9999-12-31", "9999-12-31T23:59:59Z", "0001-01-01T00:00+14:00", "\uff12026-12-31",
        "2026-12-31T18:00\n",
    ],
)  # fmt: skip
def test_everything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(errors.Invalid) as caught:
        effective(text, timezone=BERLIN, takes=True, ends_day=True)
    assert caught.value.field == "effective_at"
