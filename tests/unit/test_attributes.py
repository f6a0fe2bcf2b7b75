"""Attributes: what is a name, what is a value, and what becomes of what was known."""

import pytest

from kleanxmpp import attributes, errors


def test_what_a_source_leaves_out_stays_and_an_empty_list_removes() -> None:
    known = {"role": ("Reinigung",), "site": ("Objekt 12", "Objekt 14")}
    assert attributes.merged(known, {}) == known
    assert attributes.merged(known, {"site": (), "department": ("Süd",)}) == {
        "department": ("Süd",),
        "role": ("Reinigung",),
    }


def test_values_are_single_spaced_and_there_once_in_their_order() -> None:
    said = {"site": (" Objekt   14 ", "Objekt 12", "Objekt 14", " ")}
    assert attributes.merged({}, said) == {"site": ("Objekt 14", "Objekt 12")}


@pytest.mark.parametrize("name", ["", "Site", "site name", "1site", "größe", "a" * 41, "site\n"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(errors.Invalid):
        attributes.merged({}, {name: ("Objekt 12",)})


@pytest.mark.parametrize("values", [("a" * 201,), ("Objekt\x07",), tuple(str(n) for n in range(51))])
def test_what_is_no_value_is_refused(values: tuple[str, ...]) -> None:
    with pytest.raises(errors.Invalid) as refused:
        attributes.merged({}, {"site": values})
    assert refused.value.field == "attributes.site"


def test_a_person_cannot_collect_attributes_without_end() -> None:
    known = {f"a{number}": ("x",) for number in range(attributes.MOST_NAMES)}
    with pytest.raises(errors.Invalid):
        attributes.merged(known, {"one_more": ("x",)})
    assert len(attributes.merged(known, {"a0": (), "one_more": ("x",)})) == attributes.MOST_NAMES
