"""What a sweep counts as traces of people without access."""

from kleanxmpp import changes
from kleanxmpp.desired import GATE
from kleanxmpp.state import NOTHING_LEFT, Affiliation, Bookmark, Leftovers, UserState
from kleanxmpp.traces import KINDS, Traces

MARK = Bookmark(room="nord@gruppen.firma.test", name="Nord", nick="Anna")


def test_everything_that_is_left_of_a_leaver_is_counted_by_kind() -> None:
    traces = Traces(domain="firma.test", chatting=frozenset({"ben"}))
    for person in ("anna", "ben"):
        traces.of_person(
            person,
            wanted=UserState(bookmarks=frozenset(), leftovers=NOTHING_LEFT),
            actual=UserState(bookmarks=frozenset({MARK}), leftovers=Leftovers(push=2, offline_messages=3, tokens=1)),
        )
        traces.add("gate", person)
        traces.add("sessions", person)
    step = changes.SetAffiliations(
        room="nord",
        affiliations={
            "anna@firma.test": Affiliation.NONE,
            "ben@firma.test": Affiliation.NONE,
            "carla@firma.test": Affiliation.MEMBER,
        },
    )
    leaving = changes.RemoveFromSharedGroup(name="klean-g-nord", usernames=frozenset({"anna", "ben"}))
    gate = changes.RemoveFromSharedGroup(name=GATE, usernames=frozenset({"anna"}))
    traces.of_circles((step, leaving, gate))
    traces.of_room("strange_rooms", step)
    assert traces.total(without=frozenset()) == {
        "gate": 1, "sessions": 1, "rooms": 1, "strange_rooms": 1, "contact_groups": 1, "bookmarks": 1,
        "push": 2, "offline_messages": 3, "tokens": 1,
    }  # fmt: skip
    assert set(traces.total(without=frozenset())) == set(KINDS), "every kind that documents promise is counted"
    assert not traces.total(without=frozenset({"anna"}))


def test_what_was_not_looked_at_or_may_be_there_is_no_trace() -> None:
    traces = Traces(domain="firma.test")
    traces.of_person("anna", wanted=UserState(), actual=UserState(leftovers=Leftovers(push=1)))
    traces.of_person("ben", wanted=UserState(leftovers=NOTHING_LEFT), actual=UserState(leftovers=NOTHING_LEFT))
    traces.of_person(
        "carla", wanted=UserState(bookmarks=frozenset({MARK})), actual=UserState(bookmarks=frozenset({MARK}))
    )
    assert not traces.found
