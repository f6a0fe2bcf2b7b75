"""What is announced, how it is kept, and which plans a newer word ends."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from kleanxmpp import announcements, ids
from kleanxmpp.announcements import REPLACED, TAKEN_BACK, Announcement
from kleanxmpp.edits import UserPatch
from kleanxmpp.model import Absence
from kleanxmpp.scheduled_ports import ScheduledChange
from tests.factories import AT

DAY = timedelta(days=1)
NAMED = UserPatch(fields=frozenset({"display_name"}), display_name="Zoë")
AT_SITE = UserPatch(fields=frozenset({"attributes"}), attributes={"site": ("Süd", "Nord")})
BOTH = UserPatch(fields=NAMED.fields | AT_SITE.fields, display_name="Eva", attributes={"site": ()})

JOINED = announcements.joined(NAMED, username="zoe")
LEFT, RETURNED = announcements.left(hand_over_to="u1"), announcements.returned()
PAUSED = announcements.paused(Absence.PAUSED, until=None)
MAY, MAY_NOT = announcements.permission(True), announcements.permission(False)
MOVED, RENAMED = announcements.updated(AT_SITE), announcements.updated(NAMED)
UNTIL_10 = announcements.paused(Absence.GARDEN_LEAVE, until=AT + 10 * DAY)


def a_plan(what: Announcement, day: int) -> ScheduledChange:
    return ScheduledChange(
        id=ids.new_id(), company_id="c1", user_id="u1", kind=what.kind, said=announcements.to_keep(what),
        effective_at=AT + day * DAY, created_at=AT, aware_at=AT, actor="hook:1",
    )  # fmt: skip


@pytest.mark.parametrize("what", [JOINED, LEFT, RETURNED, PAUSED, UNTIL_10, MAY, MAY_NOT, MOVED, RENAMED])
def test_what_is_kept_as_json_is_what_was_said(what: Announcement) -> None:
    plan = a_plan(what, 1)
    found = announcements.kept(replace(plan, said=json.loads(json.dumps(plan.said))))
    assert found.kind is what.kind and found.patch.fields == what.patch.fields
    for name in what.patch.fields:
        assert getattr(found.patch, name) == getattr(what.patch, name)
    assert (found.username, found.hand_over_to) == (what.username, what.hand_over_to)


def test_what_takes_and_what_gives() -> None:
    assert [one.takes for one in (LEFT, PAUSED, MAY_NOT, JOINED, RETURNED, MAY, MOVED)] == [True] * 3 + [False] * 4
    assert [one.gives for one in (LEFT, PAUSED, MAY_NOT, JOINED, RETURNED, MAY, MOVED)] == [
        *[False] * 3, *[True] * 3, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("planned", "day", "new", "at", "why"),
    [
        (LEFT, 20, LEFT, 30, REPLACED),  # another date
        (LEFT, 20, LEFT, 0, REPLACED),  # now
        (JOINED, 20, JOINED, 0, REPLACED),
        (PAUSED, 20, UNTIL_10, 5, None),  # two absences one after the other
        (UNTIL_10, 5, PAUSED, 10, None),
        (UNTIL_10, 5, PAUSED, 9, REPLACED),
        (PAUSED, 20, PAUSED, 30, REPLACED),
        (MAY, 20, MAY, 30, REPLACED),
        (MAY_NOT, 20, MAY, 30, None),  # withdrawn for a while
        (MAY_NOT, 20, MAY, 0, None),
        (MOVED, 20, MOVED, 30, REPLACED),
        (MOVED, 20, MOVED, 0, None),  # what is so now does not contradict what changes later
        (MOVED, 20, RENAMED, 30, None),
        (MOVED, 20, announcements.updated(BOTH), 30, REPLACED),
        (announcements.updated(BOTH), 20, MOVED, 30, None),
        # who takes access, ends what would give it back
        (RETURNED, 20, LEFT, 0, TAKEN_BACK),
        (JOINED, 20, LEFT, 20, TAKEN_BACK),
        (JOINED, 20, LEFT, 21, None),  # joins, and leaves later
        (RETURNED, 20, PAUSED, 10, TAKEN_BACK),
        (JOINED, 20, PAUSED, 10, None),
        (MAY, 20, MAY_NOT, 0, TAKEN_BACK),
        (MAY, 20, MAY_NOT, 30, None),
        # who gives access, ends nothing that takes it
        (LEFT, 20, RETURNED, 0, None),
        (LEFT, 20, JOINED, 0, None),
        (PAUSED, 20, RETURNED, 0, None),
        (PAUSED, 20, LEFT, 0, None),
        (LEFT, 20, MOVED, 0, None),
    ],
)
def test_which_plans_a_newer_word_ends(
    planned: Announcement, day: int, new: Announcement, at: int, why: str | None
) -> None:
    assert announcements.why_over(a_plan(planned, day), new=new, at=AT + at * DAY, now=AT) == why
