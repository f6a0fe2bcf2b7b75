"""Everything that people read on the website is said in German, too."""

import ast
import re
from importlib.resources import files
from pathlib import Path

import polib
from jinja2 import Environment

import admin_api.website
from admin_api.website import words

ROOT = Path(str(files(admin_api.website)))
_PLACES = re.compile(r"%\(\w+\)s")


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
    needed = in_templates() | in_code()
    assert needed - known.keys() == set(), "add these to a catalogue in locale/de"
    assert known.keys() - needed == set(), "nobody says these any more"
    for message, said in known.items():
        assert said and all(said), message
        assert all(set(_PLACES.findall(one)) <= set(_PLACES.findall(message)) for one in said), message


def test_every_language_has_a_catalogue() -> None:
    assert words.translations("de").gettext("Sign in") == "Anmelden"
    assert words.translations("en").gettext("Sign in") == "Sign in"
