"""Names become usernames, slugs, nicknames and search keys."""

import re
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleanxmpp import jid, names

PLAIN = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Jörg Groß", "joerg gross"),
        ("  MÜLLER--Lüdenscheid ", "mueller luedenscheid"),
        ("José Núñez", "jose nunez"),
        ("Jose\u0301", "jose"),
        ("mu\u0308ller", "mueller"),
        ("Łukasz Żółć", "lukasz zolc"),
        ("Søren Ærø", "soren aero"),
        ("Иван Петров", "иван петров"),
        ("山田 太郎", "山田 太郎"),
        ("हिन्दी", "हिन्दी"),
        ("", ""),
        ("!?", ""),
    ],
)
def test_folding_makes_spellings_of_one_name_equal(text: str, folded: str) -> None:
    assert names.fold(text) == folded


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    once = names.fold(text)
    assert names.fold(once) == once
    assert once == once.strip() and "  " not in once


@pytest.mark.parametrize(
    ("display_name", "username"),
    [
        ("Jörg Groß", "joerg.gross"),
        ("Groß, Jörg", "joerg.gross"),
        ("Jörg Groß, MBA", "joerg.gross"),
        ("Cher", "cher"),
        ("Dr. med. Anna-Lena von der Heide", "anna-lena.von-der-heide"),
        ("Prof. Dr. Dr. h.c. Müller", "mueller"),
        ("Dipl.-Ing. Jan de Boer", "jan.de-boer"),
        ("José María García López", "jose.lopez"),
        ("Siobhán O\u2019Brien", "siobhan.obrien"),
        ("Ma Li", "ma.li"),
        ("Иван Петров", "user"),
        ("山田太郎", "user"),
        ("", "user"),
        ("Dr.", "user"),
    ],
)
def test_a_username_is_made_of_first_and_last_name(display_name: str, username: str) -> None:
    assert names.username_from(display_name) == username


@given(st.text(), st.integers(min_value=0, max_value=3))
def test_generated_usernames_and_slugs_are_valid_localparts_also_when_numbered(text: str, taken: int) -> None:
    for made in (names.username_from(text), names.slug_from(text)):
        used: set[str] = set()
        for _ in range(taken):
            used.add(names.numbered(made, used))
        free = names.numbered(made, used)
        assert PLAIN.fullmatch(free) and len(free) <= names.LONGEST + 2
        assert jid.normalise_localpart(free) == free


def test_numbers_are_given_in_order() -> None:
    assert names.numbered("anna.berg", set()) == "anna.berg"
    assert names.numbered("anna.berg", {"anna.berg"}) == "anna.berg2"
    assert names.numbered("anna.berg", {"anna.berg", "anna.berg2"}) == "anna.berg3"
    assert names.numbered("haus-7", {"haus-7"}) == "haus-7-2"


@given(st.text(), st.sets(st.text(), max_size=5))
def test_a_numbered_name_is_never_a_taken_one(candidate: str, taken: set[str]) -> None:
    assert names.numbered(candidate, taken | {candidate}) not in taken | {candidate}


def test_a_slug_names_the_group() -> None:
    assert names.slug_from("Objekt: Rathaus & Bürgeramt") == "objekt-rathaus-buergeramt"
    assert names.slug_from("日本") == "group"


def test_a_person_appears_under_the_display_name_or_with_the_username_behind_it() -> None:
    wanted = list(islice(names.nicknames_from("Jörg  Groß", "joerg.gross"), 3))
    assert wanted == ["Jörg Groß", "Jörg Groß (joerg.gross)", "Jörg Groß (joerg.gross) 2"]


@given(st.text(min_size=1))
def test_no_two_names_a_person_may_appear_under_are_taken_for_the_same(display_name: str) -> None:
    wanted = list(islice(names.nicknames_from(display_name, "some.body"), 8))
    assert len({names.nickname_key(nickname) for nickname in wanted}) == len(wanted)


@pytest.mark.parametrize(
    "look_alike", ["\uff2aÖRG GROSS", "jörg\u00a0 groß", "Jo\u0308rg Groß", "Jörg\u200b Gro\u00adß"]
)
def test_names_that_look_alike_share_a_key(look_alike: str) -> None:
    assert names.nickname_key(look_alike) == names.nickname_key("Jörg Groß")


@given(st.text())
def test_the_key_of_a_key_is_itself(text: str) -> None:
    assert names.nickname_key(names.nickname_key(text)) == names.nickname_key(text)
