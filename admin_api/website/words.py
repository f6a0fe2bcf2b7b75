"""German and English. English stands in the templates and handlers; German in `locale/de/*.po`, a file per subject.

The catalogues are read as text when the process starts, so that there is nothing to build.
"""

from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from importlib.resources.abc import Traversable
from io import BytesIO

import polib

from kleanxmpp import drafts
from kleanxmpp.doctor.findings import Language

LANGUAGES = drafts.LOCALES


def spoken(language: str) -> Language:
    """Return the language in which the core has words of its own."""
    return "de" if language == "de" else "en"


def N_(message: str) -> str:  # the name by which such words are known everywhere
    """Return a message as it is: it stands here to be found, and is translated when it is said."""
    return message


@cache
def translations(language: str) -> NullTranslations:
    """Return the catalogue of a language that is spoken here."""
    if language == "en":
        return NullTranslations()
    whole = polib.POFile()
    whole.metadata = {"Content-Type": "text/plain; charset=utf-8", "Plural-Forms": "nplurals=2; plural=(n != 1);"}
    for source in sorted(_folder(language).iterdir(), key=lambda file: file.name):
        if source.name.endswith(".po"):
            whole.extend(catalogue(language, source.name))
    return GNUTranslations(BytesIO(whole.to_binary()))


def catalogue(language: str, name: str) -> polib.POFile:
    """Return one of the language's catalogues."""
    return polib.pofile(_folder(language).joinpath(name).read_text(encoding="utf-8"))


def _folder(language: str) -> Traversable:
    return files(__package__).joinpath("locale", language)
