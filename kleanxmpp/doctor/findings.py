"""What a doctor says: one finding a line, in German and English, with what to paste where configuration is the cure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

Language = Literal["de", "en"]


class Level(StrEnum):
    """How a line stands, from good to bad. What could not be looked at counts as worse than a warning."""

    GREEN = "green"
    YELLOW = "yellow"
    NOT_CHECKED = "not_checked"
    RED = "red"


_SEVERITY = tuple(Level)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One text in both languages."""

    de: str
    en: str

    def of(self, language: Language) -> str:
        """Return the text in this language."""
        return self.de if language == "de" else self.en


UNCHECKABLE = Words(de="Nicht prüfbar:", en="Could not be checked:")
"""What stands before an error's own text, which is English in both languages."""


def uncheckable(error: object) -> Words:
    """Return that an error stood in the way."""
    return Words(de=f"{UNCHECKABLE.de} {error}", en=f"{UNCHECKABLE.en} {error}")


def decimal(value: float, *, digits: int) -> Words:
    """Return a number as each language writes it."""
    text = f"{value:.{digits}f}"
    return Words(de=text.replace(".", ","), en=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is said about one part of a line. `cure` is YAML for ejabberd.yml, or lines of our settings."""

    level: Level
    words: Words
    cure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the result. `id` is stable."""

    id: str
    title: Words
    level: Level
    words: Words
    cure: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The whole result for one company."""

    domain: str
    at: datetime
    seconds: float
    findings: tuple[Finding, ...]

    def count(self, level: Level) -> int:
        """Return how many lines stand like this."""
        return sum(finding.level is level for finding in self.findings)


def worst(verdicts: tuple[Verdict, ...]) -> Verdict:
    """Return one verdict for a line of several parts: the worst level, and what those parts say."""
    level = max((verdict.level for verdict in verdicts), key=_SEVERITY.index)
    bad = [verdict for verdict in verdicts if verdict.level is level]
    words = dict.fromkeys(verdict.words for verdict in bad)
    cures = list(dict.fromkeys(v.cure for v in bad if v.cure))
    return Verdict(
        level=level,
        words=Words(de=" ".join(text.de for text in words), en=" ".join(text.en for text in words)),
        cure="\n".join(cures) or None,
    )


def green(*, de: str, en: str) -> Verdict:
    """Kept."""
    return Verdict(level=Level.GREEN, words=Words(de=de, en=en))


def yellow(*, de: str, en: str, cure: str | None = None) -> Verdict:
    """Kept, but somebody should do something."""
    return Verdict(level=Level.YELLOW, words=Words(de=de, en=en), cure=cure)


def red(*, de: str, en: str, cure: str | None = None) -> Verdict:
    """Broken."""
    return Verdict(level=Level.RED, words=Words(de=de, en=en), cure=cure)


def not_checked(why: Words) -> Verdict:
    """Nobody could look."""
    return Verdict(level=Level.NOT_CHECKED, words=why)
