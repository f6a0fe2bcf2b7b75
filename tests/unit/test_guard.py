"""How many people a door may off-board."""

from datetime import timedelta

import pytest

from kleanxmpp.guard import Limits, room, takes_access
from kleanxmpp.model import Absence
from tests.factories import a_company, a_user


@pytest.mark.parametrize(
    ("may_chat", "passed", "free"),
    [
        (1000, 0, 10),  # the number is the smaller of both
        (100, 0, 5),  # the share is
        (96, 4, 1),  # who passed counts as one of those who could chat
        (95, 5, 0),
        (90, 30, 0),
        (12, 0, 1),  # a single person always passes
        (11, 1, 0),
        (0, 0, 1),
    ],
)
def test_the_smaller_of_number_and_share_holds_but_one_always_passes(may_chat: int, passed: int, free: int) -> None:
    limits = Limits(people=10, percent=5, window=timedelta(hours=1))
    assert room(limits, may_chat=may_chat, passed=passed) == free


def test_only_who_can_chat_can_be_off_boarded() -> None:
    company, disabled = a_company(), a_company(enabled=False)
    for before, after, expected in (
        ({}, {"active": False}, True),
        ({}, {"chat_permission": False}, True),
        ({"absence": Absence.PAUSED}, {"active": False}, True),
        ({}, {"absence": Absence.PAUSED}, True),
        ({}, {"absence": Absence.GARDEN_LEAVE}, True),
        ({"absence": Absence.GARDEN_LEAVE}, {"absence": Absence.PAUSED}, True),
        ({"absence": Absence.PAUSED}, {"absence": Absence.GARDEN_LEAVE}, False),
        ({"absence": Absence.PAUSED}, {"absence": None}, False),
        ({"active": False}, {"absence": Absence.PAUSED}, False),
        ({"chat_permission": False}, {"active": False}, False),
        ({}, {"display_name": "Anna"}, False),
        ({"active": False}, {}, False),
    ):
        pair = a_user(company, **before), a_user(company, **(before | after))
        assert takes_access(company, *pair) is expected
        assert not takes_access(disabled, *pair)
