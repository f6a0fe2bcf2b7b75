"""Everything that people read on the website is said in German, too."""

import ast
import re
from importlib.resources import files
from pathlib import Path

import polib
import pytest
from jinja2 import Environment

import admin_api.website
from admin_api.website import core_words, words
from kleanxmpp import errors, rule_text
from tests.unit.admin_api.core_sentences import sentences

ROOT = Path(str(files(admin_api.website)))
_PLACES = re.compile(r"%\(\w+\)s|\{\d\}")


def in_templates() -> set[str]:
    made = Environment(extensions=["jinja2.ext.i18n"], trim_blocks=True, lstrip_blocks=True)
    made.policies["ext.i18n.trimmed"] = True
    found: set[str] = set()
    for template in (one for one in (ROOT / "templates").rglob("*") if one.is_file()):
        for _, _, message in made.extract_translations(template.read_text()):
            found.update(message if isinstance(message, tuple) else [message])
    return {message for message in found if message}


def in_code() -> set[str]:
    """What is given to `say`, or marked by the name `N_` to be said later."""
    found = set()
    for module in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call) and _called(node) in {"say", "N_"} and isinstance(node.args[0], ast.Constant):
                found.add(str(node.args[0].value))
    return found


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def test_everything_is_said_in_german_and_nothing_twice() -> None:
    known: dict[str, list[str]] = {}
    for source in sorted((ROOT / "locale" / "de").glob("*.po")):
        for entry in polib.pofile(source.read_text(encoding="utf-8")):
            said = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
            for message in (entry.msgid, entry.msgid_plural):
                if message:
                    assert message not in known, f"{message!r} stands in two catalogues"
                    known[message] = said
    needed = in_templates() | in_code() | sentences()
    assert needed - known.keys() == set(), "add these to a catalogue in locale/de"
    assert known.keys() - needed == set(), "nobody says these any more"
    for message, said in known.items():
        assert said and all(said), message
        assert all(set(_PLACES.findall(one)) <= set(_PLACES.findall(message)) for one in said), message


def test_every_language_has_a_catalogue() -> None:
    assert words.translations("de").gettext("Sign in") == "Anmelden"
    assert words.translations("en").gettext("Sign in") == "Sign in"


def test_the_sentences_of_the_core_stand_in_a_catalogue_of_their_own() -> None:
    assert {entry.msgid for entry in words.catalogue("de", core_words.CATALOGUE)} == sentences()


def in_german(text: str) -> str | None:
    return core_words.said(text, language="de")


def test_what_the_core_says_is_told_in_german_with_its_values() -> None:
    assert in_german(str(errors.Stale())) == (
        "Das hat inzwischen jemand anders geändert. Sehen Sie es noch einmal an und wiederholen Sie Ihre Änderung."
    )
    assert in_german("A link is good for 1 to 10 devices.") == "Ein Link gilt für 1 bis 10 Geräte."
    assert in_german("chat.example.org says: forbidden.") == "chat.example.org meldet: forbidden."
    assert in_german("Entries 3 to 7 are missing: removed.") == "Die Einträge 3 bis 7 fehlen: entfernt."
    assert in_german(
        "Entry 5 (id 9) was written as entry 4: entries were reordered, or inserted or removed before it."
    ) == (
        "Eintrag 5 (Kennung 9) wurde als Eintrag 4 geschrieben: Einträge wurden vertauscht oder davor eingefügt oder "
        "entfernt."
    )


@pytest.mark.parametrize(
    ("rule", "german"),
    [
        ("site", 'Die Regel ist nicht zu verstehen: Es fehlt eine Bedingung wie site = "Nord" vor site.'),
        (
            "site = Nord",
            'Die Regel ist nicht zu verstehen: Es fehlt ein Wert in Anführungszeichen, etwa "Nord", vor Nord.',
        ),
        ('site = "{1}" site', "Die Regel ist nicht zu verstehen: Es fehlt „and“ oder „or“ vor site."),
        ('site in ("a"', "Die Regel ist nicht zu verstehen: Es fehlt „)“ am Ende."),
        ("site = $ {1} \\1 before x", "Die Regel ist ab hier nicht zu verstehen: $ {1} \\1 before x"),
    ],
)
def test_a_rule_that_is_not_understood_is_told_in_german(rule: str, german: str) -> None:
    with pytest.raises(errors.Invalid) as refused:
        rule_text.parse(rule)
    assert in_german(str(refused.value)) == german


def test_what_there_are_no_words_for_is_told_as_it_is_and_marked_as_english() -> None:
    assert in_german("Something <b>new</b>.") is None
    assert in_german("A link is good for 1 to " + 3000 * "9" + " devices.") is None
    assert core_words.told("Something <b>new</b>.", language="de") == (
        '<span lang="en">Something &lt;b&gt;new&lt;/b&gt;.</span>'
    )
    assert core_words.told("A <b> says: forbidden.", language="de") == "A &lt;b&gt; meldet: forbidden."
    assert core_words.told("Something <b>new</b>.", language="en") == "Something &lt;b&gt;new&lt;/b&gt;."


def test_no_sentence_of_the_core_is_taken_for_another_one() -> None:
    for entry in words.catalogue("de", core_words.CATALOGUE):
        text = re.sub(r"\{(\d)\}", r"x\1y", entry.msgid)
        assert in_german(text) == re.sub(r"\{(\d)\}", r"x\1y", entry.msgstr), text
