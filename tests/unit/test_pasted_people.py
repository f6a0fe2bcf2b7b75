"""Lists that somebody pastes: names, usernames, addresses and numbers, and what is not clear."""

from hypothesis import given
from hypothesis import strategies as st

from kleanxmpp.editing_ports import KnownPerson
from kleanxmpp.pasted_people import find

AYLIN = KnownPerson(id="1", username="aylin.oeztuerk", display_name="Aylin Öztürk", email="Aylin@firma.test")
JORG = KnownPerson(
    id="2",
    username="joerg.gross",
    display_name="Jörg Groß",
    external_id="X-7",
    attributes={"employee_number": ("0815",)},
)
ANNA, OTHER_ANNA = (KnownPerson(id=i, username=f"anna.berg{i}", display_name="Anna Berg") for i in ("3", "4"))
PEOPLE = [AYLIN, JORG, ANNA, OTHER_ANNA]


def ids(text: str) -> list[str]:
    return [person.id for person in find(text, PEOPLE).people]


def test_a_line_is_a_name_a_username_an_address_or_a_number() -> None:
    for line in ("Aylin Öztürk", "aylin oeztuerk", "Öztürk, Aylin", "AYLIN.OEZTUERK", "aylin@FIRMA.test"):
        assert ids(line) == ["1"], line
    for line in ("Jörg  Gross", "0815", "x-7", "  joerg.gross;", "Groß, Jörg"):
        assert ids(line) == ["2"], line
    assert ids('"Öztürk, Aylin" <aylin@firma.test>,') == ["1"]


def test_nothing_is_guessed() -> None:
    found = find("Anna Berg\n\nAylin\nJörg Groß\nanna.berg3", PEOPLE)
    assert found.people == (JORG, ANNA)
    assert [(line.number, line.text, line.people) for line in found.unclear] == [
        (1, "Anna Berg", (ANNA, OTHER_ANNA)),
        (3, "Aylin", ()),
    ]


def test_who_is_named_twice_comes_once_and_in_the_order_of_the_list() -> None:
    assert ids("0815\nAylin Öztürk\njoerg.gross") == ["2", "1"]


def test_a_number_that_is_also_somebodys_username_is_not_clear() -> None:
    number = KnownPerson(id="5", username="0815", display_name="Fünf")
    (line,) = find("0815", [JORG, number]).unclear
    assert {person.id for person in line.people} == {"2", "5"}


@given(st.lists(st.sampled_from(["0815", "Anna Berg", "nobody", "", "Aylin Öztürk", "\t"]) | st.text(max_size=12)))
def test_every_line_is_either_found_or_given_back(lines: list[str]) -> None:
    text = "\n".join(lines)
    found = find(text, PEOPLE)
    assert len(found.people) == len({person.id for person in found.people}) <= len(PEOPLE)
    written = text.splitlines()
    for line in found.unclear:
        assert line.text == " ".join(written[line.number - 1].split()) and len(line.people) != 1
    for number, line in enumerate(written, start=1):
        if line.strip() and number not in {one.number for one in found.unclear}:
            assert find(line, PEOPLE).people[0] in found.people
