"""What the assistant says is complete and says the same in every language."""

from dataclasses import asdict
from string import Formatter

import pytest

from component.commands.base import Answer, Entry, Tap
from component.commands.chat_text import chat_text
from component.commands.links import link
from component.commands.offered import COMMANDS
from component.commands.parsing import read
from component.locale import ENGLISH, GERMAN, LANGUAGES, Texts, in_every_language, texts_for


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("texts", LANGUAGES.values(), ids=LANGUAGES.keys())
def test_every_text_is_there_with_the_same_names_in_braces(texts: Texts) -> None:
    for field, text in asdict(texts).items():
        assert text.strip() == text != "", field
        assert placeholders(text) == placeholders(getattr(GERMAN, field)), field


@pytest.mark.parametrize("texts", LANGUAGES.values(), ids=LANGUAGES.keys())
def test_the_help_shows_words_that_work(texts: Texts) -> None:
    for command in COMMANDS:
        meant = read(command.wording(texts).usage, COMMANDS)
        assert meant is not None and meant.command is command


def test_sentences_are_sentences_in_both_languages() -> None:
    for texts in LANGUAGES.values():
        for field in ("greeting", "not_understood", "encrypted", "too_fast", "unavailable", "refused", "wrong_step"):
            assert getattr(texts, field).endswith("."), field


@pytest.mark.parametrize(
    ("locales", "language"),
    [
        (("de", "en"), "de"),
        (("en-GB", "de"), "en"),
        (("en_US",), "en"),
        (("DE-AT",), "de"),
        (("pl", "en"), "en"),
        (("pl", "fr"), "de"),
        (("", ""), "de"),
        (("deutsch",), "de"),
    ],
)
def test_the_language_is_the_persons_or_else_the_companys(locales: tuple[str, ...], language: str) -> None:
    assert texts_for(*locales).language == language


def test_somebody_unknown_is_addressed_in_every_language() -> None:
    both = in_every_language(lambda texts: texts.refused)
    assert GERMAN.refused in both and ENGLISH.refused in both


@pytest.mark.parametrize(
    ("jid", "tap", "expected"),
    [
        ("anna@firma.test", Tap.MESSAGE, "xmpp:anna@firma.test?message"),
        ("team-nord@gruppen.firma.test", Tap.JOIN, "xmpp:team-nord@gruppen.firma.test?join"),
        ("jörg#1?x@firma.test", Tap.MESSAGE, "xmpp:j%C3%B6rg%231%3Fx@firma.test?message"),
        ("a.b_c-d~e+f@firma.test", Tap.MESSAGE, "xmpp:a.b_c-d~e+f@firma.test?message"),
    ],
)
def test_a_link_is_a_valid_xmpp_address(jid: str, tap: Tap, expected: str) -> None:
    assert link(jid, tap) == expected


def test_an_answer_is_written_one_entry_per_line_with_the_link_last() -> None:
    answer = Answer(
        lead="Gefunden:",
        entries=(
            Entry(name="Anna Müller", jid="anna@firma.test", tap=Tap.MESSAGE),
            Entry(name="Team", jid="team@gruppen.firma.test", tap=Tap.JOIN, notes=("3 Mitglieder", "Sie moderieren")),
        ),
        close="Mehr gibt es nicht.",
    )
    assert chat_text("Guten Tag!", answer, "") == (
        "Guten Tag!\n\n"
        "Gefunden:\n"
        "• Anna Müller: xmpp:anna@firma.test?message\n"
        "• Team (3 Mitglieder, Sie moderieren): xmpp:team@gruppen.firma.test?join\n"
        "Mehr gibt es nicht."
    )
