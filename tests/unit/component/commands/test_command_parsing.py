import pytest
from hypothesis import given
from hypothesis import strategies as st

from component.commands import parsing
from component.commands.offered import COMMANDS


def meant(body: str) -> tuple[str | None, str] | None:
    found = parsing.read(body, COMMANDS)
    return None if found is None else (found.command.node if found.command else None, found.argument)


@pytest.mark.parametrize(
    ("body", "node", "argument"),
    [
        ("hilfe", "hilfe", ""),
        ("help", "hilfe", ""),
        ("HILFE!", "hilfe", ""),
        ("  /help  ", "hilfe", ""),
        ("„Hilfe“", "hilfe", ""),
        ("hilfe bitte", "hilfe", "bitte"),
        ("hilf", "hilfe", ""),
        ("hlife", "hilfe", ""),
        ("Menue", "hilfe", ""),
        ("Menü", "hilfe", ""),
        ("gruppen", "gruppen", ""),
        ("Groups?", "gruppen", ""),
        ("grupen", "gruppen", ""),
        ("Gruppe", "gruppen", ""),
        ("gruppenn.", "gruppen", ""),
        ("- gruppen", "gruppen", ""),
        ("kontakt", "kontakt", ""),
        ("CONTACT", "kontakt", ""),
        ("kontackt", "kontakt", ""),
        ("wer Anna Müller", "wer", "Anna Müller"),
        ("Wer: Müller", "wer", "Müller"),
        ("who is Bob?", "wer", "is Bob?"),
        ("wer", "wer", ""),
        ("wer\nAnna", "wer", "Anna"),
        ("> Das können Sie mir schreiben:\n> • hilfe\ngruppen", "gruppen", ""),
    ],
)
def test_a_command_is_understood(body: str, node: str, argument: str) -> None:
    assert meant(body) == (node, argument)


@pytest.mark.parametrize("body", ["Hallo", "hi!", "Guten Morgen", "Moin moin", "?", "...", "", "   ", "👍", "> zitat"])
def test_a_salutation_or_nothing_leads_to_the_overview(body: str) -> None:
    assert meant(body) == (None, "")


@pytest.mark.parametrize(
    "body", ["der Plan", "wem gehört das", "wir kommen später", "how", "Anna Müller", "Heft", "xyz"]
)
def test_other_words_are_not_mistaken_for_commands(body: str) -> None:
    assert meant(body) is None


@given(st.text(max_size=300))
def test_no_text_breaks_the_parser(body: str) -> None:
    meant(body)


def test_a_very_long_message_is_not_read_to_its_end() -> None:
    found = parsing.read("wer " + "a" * 1_000_000, COMMANDS)
    assert found is not None and len(found.argument) < 3000
