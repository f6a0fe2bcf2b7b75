"""What the columns of German HR exports usually mean: for suggestions and a first mapping, never to import by."""

from collections.abc import Iterable

_USUAL_HEADERS = {
    "external_id": ("personalnummer", "personalnr", "pers.-nr.", "persnr", "personal-nr.", "mitarbeiternummer", "ma-nr",
                    "pnr", "mitarbeiter-id", "employee id", "personnel number"),
    "first_name": ("vorname", "rufname", "first name"),
    "last_name": ("nachname", "familienname", "zuname", "last name", "surname"),
    "display_name": ("anzeigename", "mitarbeitername", "voller name", "full name"),
    "name_reversed": ("nachname, vorname", "name, vorname"),
    "username": ("benutzername", "login", "kennung", "user name"),
    "email": ("e-mail", "email", "e-mail dienstlich", "e-mail geschäftlich", "mail", "e-mail-adresse"),
    "locale": ("sprache", "language"),
    "active": ("aktiv", "status", "beschäftigungsstatus", "active"),
    "chat_permission": ("chat", "chatberechtigung", "berechtigung chat"),
    "joined_on": ("eintritt", "eintrittsdatum", "beginn", "entry date", "hire date"),
    "leaves_on": ("austritt", "austrittsdatum", "vertragsende", "befristet bis", "exit date"),
    "groups": ("gruppen", "team", "teams", "gruppe"),
    "attributes.site": ("objekt", "standort", "einsatzort", "niederlassung", "filiale", "site", "location"),
    "attributes.role": ("tätigkeit", "funktion", "position", "stelle", "berufsbezeichnung", "rolle", "job title"),
    "attributes.department": ("abteilung", "bereich", "department"),
    "attributes.division": ("sparte", "geschäftsbereich", "division"),
    "attributes.cost_center": ("kostenstelle", "kst", "kostenst.", "cost center"),
    "attributes.manager": ("vorgesetzter", "vorgesetzte", "führungskraft", "manager"),
}  # fmt: skip
_FIELDS = {header: field for field, headers in _USUAL_HEADERS.items() for header in headers}
_LIKE = 86


def field_like(header: str) -> str | None:
    """Return the field that a header most likely means."""
    found = nearest(header.casefold(), _FIELDS)
    return _FIELDS[found] if found is not None else None


def nearest(text: str, among: Iterable[str]) -> str | None:
    """Return which of these the text was probably meant to be."""
    from rapidfuzz import fuzz, process

    found = process.extractOne(text[:100], list(among), scorer=fuzz.ratio, score_cutoff=_LIKE)
    return found[0] if found else None
