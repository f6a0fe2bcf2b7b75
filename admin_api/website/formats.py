"""How dates, times and numbers are written for people, in German and English. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo

from kleanxmpp.model import Company

_DATES = {"de": "%d.%m.%Y", "en": "%d %b %Y"}


def date(moment: datetime, *, company: Company, language: str) -> str:
    """Write the day that it was at the company."""
    return moment.astimezone(ZoneInfo(company.timezone)).strftime(_DATES[language])


def moment(moment: datetime, *, company: Company, language: str) -> str:
    """Write the day and the time of day that it was at the company."""
    return moment.astimezone(ZoneInfo(company.timezone)).strftime(f"{_DATES[language]} %H:%M")


def initials(name: str) -> str:
    """Write the first letters of the first and the last part of a name, for where there is no photo."""
    parts = [part for part in name.split() if part[0].isalnum()]
    return "".join(part[0].upper() for part in (parts[:1] + parts[1:][-1:]))


def number(value: float, *, language: str) -> str:
    """Write a whole number with its thousands set apart."""
    text = f"{value:,.0f}"
    return text.replace(",", ".") if language == "de" else text


def duration(milliseconds: float, *, language: str) -> str:
    """Write milliseconds up to a second, then seconds with one decimal."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = f"{milliseconds / 1000:.1f} s"
    return seconds.replace(".", ",") if language == "de" else seconds
