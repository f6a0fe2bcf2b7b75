"""Drafts of circles: what they change, how they travel in a form, and mine on top of theirs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleanxmpp import circle_drafts, errors
from kleanxmpp.circle_drafts import CircleDraft, begun, difference
from kleanxmpp.model import Role
from kleanxmpp.staff_roles import may_change_circle
from kleanxmpp.website_ports import StaffRole

ids = st.integers(0, 30).map(lambda number: f"{number:032x}")
circles = st.dictionaries(ids, st.sampled_from(Role), max_size=20)
drafts = st.builds(CircleDraft, version=st.integers(1, 9), base=circles, roles=circles)
A, B, C, D = (f"{number:032x}" for number in range(4))
MEMBER, MODERATOR = Role.MEMBER, Role.MODERATOR


@given(drafts)
def test_a_draft_travels_in_a_form_unchanged(draft: CircleDraft) -> None:
    base, changes = circle_drafts.written(draft)
    assert circle_drafts.read(version=draft.version, base=base, changes=changes) == draft


@given(drafts, circles)
def test_mine_on_top_of_theirs_has_all_of_mine_and_leaves_the_rest_to_them(
    draft: CircleDraft, theirs: dict[str, Role]
) -> None:
    mine = draft.difference
    rebased = draft.on_top_of(version=99, base=theirs)
    assert (rebased.version, rebased.base) == (99, theirs)
    assert mine.put.items() <= rebased.roles.items()
    assert not mine.leaving & rebased.roles.keys()
    untouched = theirs.keys() - mine.put.keys() - mine.leaving
    assert {user: rebased.roles[user] for user in untouched} == {user: theirs[user] for user in untouched}
    assert rebased.roles.keys() == untouched | mine.put.keys()


def test_a_difference_tells_who_comes_who_goes_and_whose_role_changes() -> None:
    found = difference({A: MEMBER, B: MEMBER, C: MODERATOR}, {A: MODERATOR, C: MODERATOR, D: MEMBER})
    assert (found.joining, found.leaving, found.roles) == ({D: MEMBER}, {B}, {A: MODERATOR})
    assert not difference({A: MEMBER}, {A: MEMBER})


def test_who_is_put_keeps_the_role_they_have() -> None:
    draft = begun(version=1, base={A: MODERATOR})
    assert draft.put([A, B]).roles == {A: MODERATOR, B: MEMBER}
    assert draft.put([A], MEMBER).roles == {A: MEMBER}
    assert draft.without([A, B]).roles == {}


@pytest.mark.parametrize(("base", "changes"), [("x", ""), (f"-{A}", ""), ("", f"-{A}"), (A, "**")])
def test_what_no_form_of_ours_holds_is_refused(base: str, changes: str) -> None:
    with pytest.raises(errors.Invalid):
        circle_drafts.read(version=1, base=base, changes=changes)


@pytest.mark.parametrize(
    ("roles", "own", "may"),
    [
        ({StaffRole.ADMIN}, None, True),
        ({StaffRole.GROUP_LEAD}, MODERATOR, True),
        ({StaffRole.GROUP_LEAD}, MEMBER, False),
        ({StaffRole.GROUP_LEAD}, None, False),
        ({StaffRole.HR}, MODERATOR, False),
        ({StaffRole.AUDITOR}, MODERATOR, False),
        ({StaffRole.HR, StaffRole.GROUP_LEAD}, MODERATOR, True),
        (set(), MODERATOR, False),
    ],
)
def test_admins_change_every_circle_and_leads_those_they_moderate(
    roles: set[StaffRole], own: Role | None, may: bool
) -> None:
    assert may_change_circle(roles, own=own) is may
