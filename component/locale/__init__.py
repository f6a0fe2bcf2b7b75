"""The assistant's languages: which one a person gets, and what to say when nobody's language is known."""

from collections.abc import Callable

from .catalogue import Texts
from .de import GERMAN
from .en import ENGLISH

LANGUAGES = {texts.language: texts for texts in (GERMAN, ENGLISH)}


def texts_for(*locales: str) -> Texts:
    """Return the texts of the first locale (`de`, `en-GB`, `de_AT` …) that we speak; German if none."""
    for locale in locales:
        language = locale.replace("_", "-").partition("-")[0].lower()
        if language in LANGUAGES:
            return LANGUAGES[language]
    return GERMAN


def in_every_language(text: Callable[[Texts], str]) -> str:
    """Return this text of the catalogue in all languages, for answers to somebody whose language is not known."""
    return "\n".join(text(texts) for texts in LANGUAGES.values())


__all__ = ["ENGLISH", "GERMAN", "LANGUAGES", "Texts", "in_every_language", "texts_for"]
