"""Ids sort by time; secrets are long and typable."""

import re
import uuid

import time_machine

from kleanxmpp import ids


def test_ids_are_version_7_and_sort_by_the_time_they_were_made() -> None:
    made = []
    for second in range(5):
        with time_machine.travel(1_900_000_000 + second, tick=False):
            made.append(ids.new_id())
    assert made == sorted(made)
    assert len(set(made)) == 5
    assert {uuid.UUID(one).version for one in made} == {7}
    assert {uuid.UUID(one).variant for one in made} == {uuid.RFC_4122}


def test_ids_of_the_same_millisecond_differ() -> None:
    with time_machine.travel(1_900_000_000, tick=False):
        assert len({ids.new_id() for _ in range(1000)}) == 1000


def test_a_secret_has_140_bits_and_no_letters_that_look_alike() -> None:
    many = [ids.new_secret() for _ in range(200)]
    assert len(set(many)) == 200
    assert all(re.fullmatch(r"([0-9a-hjkmnp-tv-z]{4}-){6}[0-9a-hjkmnp-tv-z]{4}", one) for one in many)


def test_the_stored_form_is_lowercase_sha256() -> None:
    assert ids.sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
