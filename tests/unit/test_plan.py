"""The planner: equality means no plan, not known means no plan, and doors close before anything opens."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleanxmpp import changes, errors
from kleanxmpp.desired import GATE
from kleanxmpp.plan import closing_steps, plan_circles, plan_user, refuse_unsafe, removals
from kleanxmpp.state import (
    NOTHING_LEFT,
    Affiliation,
    Bookmark,
    CircleState,
    Leftovers,
    Profile,
    Room,
    SharedGroup,
    UserState,
)

ANNA = "anna@glanz.test"
PROFILE = Profile(full_name="Anna Groß", nickname="Anna Groß")
BOOKMARK = Bookmark(room="objekt-12@gruppen.glanz.test", name="Objekt 12", nick="Anna Groß")
NOTHING = UserState(
    sessions=frozenset(),
    shared_groups=frozenset(),
    affiliations={},
    profile=Profile(full_name="", nickname=""),
    bookmarks=frozenset(),
)
EVERYTHING = UserState(
    sessions=frozenset(),
    shared_groups=frozenset({GATE, "klean-g-objekt-12"}),
    affiliations={"objekt-12": Affiliation.MEMBER},
    profile=PROFILE,
    bookmarks=frozenset({BOOKMARK}),
)
affiliations = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(list(Affiliation)))
names = st.frozensets(st.sampled_from(["a", "b", "c", GATE]))
states = st.builds(
    UserState,
    sessions=st.none() | names,
    shared_groups=st.none() | names,
    affiliations=st.none() | affiliations,
    profile=st.none() | st.just(PROFILE),
    photo=st.none() | st.sampled_from(["", "aa", "lost"]),
    bookmarks=st.none() | st.just(frozenset({BOOKMARK})) | st.just(frozenset()),
)


def a_room(**overrides: object) -> Room:
    values = {"title": "Objekt 12", "description": "", "announcement": False, "affiliations": {}}
    return Room(**(values | overrides))


def plan(*, desired: UserState, actual: UserState) -> tuple[changes.Change, ...]:
    return plan_user("anna", jid=ANNA, desired=desired, actual=actual)


def test_a_new_person_gets_names_and_gate_before_circles_and_bookmarks() -> None:
    assert plan(desired=EVERYTHING, actual=NOTHING) == (
        changes.SetProfile(username="anna", profile=PROFILE),
        changes.OpenGate(username="anna"),
        changes.SetAffiliations(room="objekt-12", affiliations={ANNA: Affiliation.MEMBER}),
        changes.JoinSharedGroups(username="anna", names=frozenset({"klean-g-objekt-12"})),
        changes.SetBookmarks(username="anna", bookmarks=frozenset({BOOKMARK})),
    )


@pytest.mark.parametrize(
    ("desired", "actual", "planned"),
    [
        ("aa", "", "aa"),
        ("aa", "bb", "aa"),
        ("aa", "lost", "aa"),
        ("", "aa", ""),
        ("", "lost", ""),
        ("aa", "aa", None),
        ("", "", None),
        ("aa", None, None),
        (None, "aa", None),
    ],
)
def test_a_photo_is_set_where_its_hash_differs_and_after_everything_that_people_need(
    desired: str | None, actual: str | None, planned: str | None
) -> None:
    wanted, there = replace(EVERYTHING, photo=desired), replace(NOTHING, photo=actual)
    steps = [step for step in plan(desired=wanted, actual=there) if isinstance(step, changes.SetPhoto)]
    assert steps == ([] if planned is None else [changes.SetPhoto(username="anna", sha1=planned)])
    if steps:
        order = [type(step) for step in plan(desired=wanted, actual=there)]
        assert order.index(changes.SetPhoto) > order.index(changes.JoinSharedGroups)


def test_a_leaver_loses_gate_sessions_tokens_rooms_contacts_bookmarks_in_this_order() -> None:
    actual = UserState(
        sessions=frozenset({"phone"}),
        shared_groups=EVERYTHING.shared_groups,
        affiliations=EVERYTHING.affiliations,
        bookmarks=EVERYTHING.bookmarks,
        leftovers=Leftovers(push=1, offline_messages=2, tokens=3),
    )
    desired = UserState(
        sessions=frozenset(),
        shared_groups=frozenset(),
        affiliations={},
        bookmarks=frozenset(),
        leftovers=NOTHING_LEFT,
    )
    assert plan(desired=desired, actual=actual) == (
        changes.CloseGate(username="anna"),
        changes.EndSessions(username="anna"),
        changes.ClearLeftovers(username="anna"),
        changes.SetAffiliations(room="objekt-12", affiliations={ANNA: Affiliation.NONE}),
        changes.LeaveSharedGroups(username="anna", names=frozenset({"klean-g-objekt-12"})),
        changes.SetBookmarks(username="anna", bookmarks=frozenset()),
    )
    assert plan(desired=desired, actual=actual)[:2] == closing_steps("anna")


def test_who_leaves_one_group_joins_the_others_anew_because_ejabberd_forgets_common_ones() -> None:
    actual = UserState(shared_groups=frozenset({GATE, "north", "south"}))
    desired = UserState(shared_groups=frozenset({GATE, "north"}))
    assert plan(desired=desired, actual=actual) == (
        changes.LeaveSharedGroups(username="anna", names=frozenset({"north", "south"})),
        changes.JoinSharedGroups(username="anna", names=frozenset({"north"})),
    )


def test_a_leaver_is_added_to_nothing() -> None:
    actual = UserState(shared_groups=frozenset({GATE, "north", "south"}))
    steps = plan(desired=UserState(shared_groups=frozenset()), actual=actual)
    assert not any(isinstance(step, changes.AddToSharedGroup | changes.JoinSharedGroups) for step in steps)


@given(states)
def test_what_was_not_looked_at_is_never_planned_from(desired: UserState) -> None:
    assert plan(desired=desired, actual=UserState()) == ()


@given(states)
def test_equal_states_need_no_plan(state: UserState) -> None:
    equal = UserState(
        sessions=frozenset() if state.sessions is not None else None,
        shared_groups=state.shared_groups,
        affiliations=state.affiliations,
        profile=state.profile,
        photo=state.photo,
        bookmarks=state.bookmarks,
    )
    assert plan(desired=equal, actual=equal) == ()


@given(states, states)
def test_ranks_never_go_back(desired: UserState, actual: UserState) -> None:
    ranks = [changes.rank(step) for step in plan(desired=desired, actual=actual)]
    assert ranks == sorted(ranks)


def test_an_outcast_by_hand_becomes_a_member_again_and_an_owner_by_hand_is_put_back() -> None:
    desired = CircleState(rooms={"r": a_room(affiliations={ANNA: Affiliation.MEMBER})}, shared_groups={})
    hands = {ANNA: Affiliation.OUTCAST, "mallory@else.test": Affiliation.OWNER}
    actual = CircleState(rooms={"r": a_room(affiliations=hands)}, shared_groups={})
    assert plan_circles(desired=desired, actual=actual) == (
        changes.SetAffiliations(
            room="r", affiliations={ANNA: Affiliation.MEMBER, "mallory@else.test": Affiliation.NONE}
        ),
    )


def test_a_missing_room_is_created_and_filled() -> None:
    desired = CircleState(rooms={"r": a_room(affiliations={ANNA: Affiliation.ADMIN})}, shared_groups={})
    assert plan_circles(desired=desired, actual=CircleState(rooms={}, shared_groups={})) == (
        changes.CreateRoom(room="r", title="Objekt 12", description="", announcement=False),
        changes.SetAffiliations(room="r", affiliations={ANNA: Affiliation.ADMIN}),
    )


@pytest.mark.parametrize(
    "by_hand", [{"title": "Party"}, {"as_promised": False}, {"announcement": True}, {"description": "x"}]
)
def test_a_room_configured_by_hand_is_configured_back(by_hand: dict[str, object]) -> None:
    desired = CircleState(rooms={"r": a_room()}, shared_groups={})
    actual = CircleState(rooms={"r": a_room(**by_hand)}, shared_groups={})
    assert plan_circles(desired=desired, actual=actual) == (
        changes.ConfigureRoom(room="r", title="Objekt 12", description="", announcement=False),
    )


def test_a_deleted_group_loses_room_and_contact_group() -> None:
    group = SharedGroup(label="Objekt 12", displayed=True, members=frozenset({"anna"}))
    actual = CircleState(rooms={"r": a_room()}, shared_groups={"klean-g-r": group})
    assert plan_circles(desired=CircleState(rooms={}, shared_groups={}), actual=actual) == (
        changes.DestroyRoom(room="r"),
        changes.RemoveSharedGroup(name="klean-g-r"),
    )


def test_an_empty_contact_group_is_filled_in_bulk_and_a_living_one_is_not() -> None:
    wanted = SharedGroup(label="O", displayed=True, members=frozenset({"anna", "ben"}))
    desired = CircleState(rooms={}, shared_groups={"g": wanted})
    fresh = plan_circles(desired=desired, actual=CircleState(rooms={}, shared_groups={}))
    assert fresh == (
        changes.SetSharedGroup(name="g", label="O", displayed=True),
        changes.AddToSharedGroup(
            name="g", label="O", displayed=True, usernames=wanted.members or frozenset(), fresh=True
        ),
    )
    living = SharedGroup(label="O", displayed=True, members=frozenset({"anna", "carl"}))
    assert plan_circles(desired=desired, actual=CircleState(rooms={}, shared_groups={"g": living})) == (
        changes.RemoveFromSharedGroup(name="g", usernames=frozenset({"carl"})),
        changes.AddToSharedGroup(name="g", label="O", displayed=True, usernames=frozenset({"ben"})),
    )


def test_members_not_looked_at_are_left_alone() -> None:
    desired = CircleState(rooms={}, shared_groups={GATE: SharedGroup(label="", displayed=False, members=None)})
    actual = CircleState(
        rooms={}, shared_groups={GATE: SharedGroup(label="", displayed=False, members=frozenset({"anna"}))}
    )
    assert plan_circles(desired=desired, actual=actual) == ()


@pytest.mark.parametrize(("removed", "refused"), [(10, False), (20, False), (21, True), (100, True)])
def test_a_sweep_that_removes_too_much_is_refused(removed: int, refused: bool) -> None:
    def check() -> None:
        refuse_unsafe(removed=removed, present=100, share=0.2, floor=10)

    if refused:
        with pytest.raises(errors.UnsafePlan, match=str(removed)):
            check()
    else:
        check()


def test_a_tiny_company_may_lose_its_few_people() -> None:
    refuse_unsafe(removed=3, present=3, share=0.2, floor=10)


def test_removals_count_people_rooms_and_groups() -> None:
    steps = (
        changes.CloseGate(username="anna"),
        changes.DestroyRoom(room="r"),
        changes.RemoveFromSharedGroup(name="g", usernames=frozenset({"a", "b"})),
        changes.SetAffiliations(room="r", affiliations={"a": Affiliation.NONE, "b": Affiliation.MEMBER}),
        changes.OpenGate(username="ben"),
    )
    assert removals(steps) == 5
