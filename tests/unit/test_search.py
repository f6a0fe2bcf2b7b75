"""People are found by what somebody remembers of their name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleanxmpp.search import best_matches

PEOPLE = [
    ("joerg.gross", "Jörg Groß"),
    ("joerg.grossmann", "Jörg Großmann"),
    ("petra.mueller", "Petra Müller"),
    ("petra.mueller2", "Petra Müller"),
    ("hans.mueller", "Hans Müller-Lüdenscheid"),
    ("anna-lena.berg", "Anna-Lena Berg"),
    ("ivan", "Иван Петров"),
    ("jose.nunez", "José Núñez"),
    ("katharina.schneider", "Katharina Schneider"),
]


def found(query: str) -> list[str]:
    return [username for username, _ in best_matches(query, PEOPLE, limit=10)]


@pytest.mark.parametrize("query", ["mueller", "müller", "muller", "MÜLLER", "mu\u0308ller", "Müler", "mulelr"])
def test_umlauts_and_typing_errors_make_no_difference(query: str) -> None:
    assert set(found(query)) == {"petra.mueller", "petra.mueller2", "hans.mueller"}


@pytest.mark.parametrize("query", ["Jörg Groß", "Groß Jörg", "gros jorg", "joerg gross", "joerg.gross"])
def test_parts_come_in_any_order_and_the_exact_name_is_first(query: str) -> None:
    assert found(query)[0] == "joerg.gross"


def test_the_exact_name_comes_before_one_that_only_begins_so() -> None:
    assert found("gross") == ["joerg.gross", "joerg.grossmann"]
    assert found("joerg grossmann") == ["joerg.grossmann"]


@pytest.mark.parametrize(
    ("query", "username"),
    [
        ("nunez", "jose.nunez"),
        ("ludenscheid", "hans.mueller"),
        ("annalena berg", "anna-lena.berg"),
        ("berg anna", "anna-lena.berg"),
        ("петров", "ivan"),
        ("petra.mueller2", "petra.mueller2"),
        ("catarina schneider", "katharina.schneider"),
        ("kath schn", "katharina.schneider"),
    ],
)
def test_people_are_found_by_what_is_remembered(query: str, username: str) -> None:
    assert found(query)[0] == username


@pytest.mark.parametrize("query", ["", "  ", "!?", "xqzwv", "wetterbericht", "jörg müller", "petra groß", "x" * 5000])
def test_rubbish_finds_nobody(query: str) -> None:
    assert found(query) == []


def test_no_more_than_the_limit_is_returned() -> None:
    assert len(best_matches("mueller", PEOPLE, limit=2)) == 2


@given(st.text(), st.integers(min_value=0, max_value=5))
def test_any_query_is_answered_from_the_list(query: str, limit: int) -> None:
    answer = best_matches(query, PEOPLE, limit=limit)
    assert len(answer) <= limit
    assert set(answer) <= set(PEOPLE)


@given(st.sampled_from(PEOPLE))
def test_everybody_is_found_by_their_own_name(person: tuple[str, str]) -> None:
    assert person in best_matches(person[1], PEOPLE, limit=10)
