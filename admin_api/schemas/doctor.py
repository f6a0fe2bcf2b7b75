"""Whether the server keeps the promises, in JSON."""

from datetime import datetime
from typing import Literal, Self

from kleanxmpp.doctor.findings import Finding, Language, Level, Report

from .types import Query, View


class DoctorQuery(Query):
    """How to tell it."""

    lang: Literal["de", "en"] = "en"
    """Language of titles and words."""


class DoctorLineView(View):
    """One promise."""

    id: str
    """Stable; docs/doctor.md explains each."""
    level: Level
    """`not_checked`: it could not be looked at; never shown as green."""
    title: str
    words: str
    yaml: str | None
    """What to paste, where configuration is the cure."""

    @classmethod
    def of(cls, finding: Finding, *, language: Language) -> Self:
        """Return how a line is shown."""
        return cls(
            id=finding.id,
            level=finding.level,
            title=finding.title.of(language),
            words=finding.words.of(language),
            yaml=finding.cure,
        )


class DoctorView(View):
    """The result of one run."""

    company: str
    at: datetime
    seconds: float
    red: int
    yellow: int
    not_checked: int
    lines: list[DoctorLineView]

    @classmethod
    def of(cls, report: Report, *, language: Language) -> Self:
        """Return how a result is shown."""
        return cls(
            company=report.domain,
            at=report.at,
            seconds=round(report.seconds, 3),
            red=report.count(Level.RED),
            yellow=report.count(Level.YELLOW),
            not_checked=report.count(Level.NOT_CHECKED),
            lines=[DoctorLineView.of(finding, language=language) for finding in report.findings],
        )
