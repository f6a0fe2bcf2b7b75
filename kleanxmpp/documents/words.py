"""The words of the documents, in German and in English. Both have the same keys; the tests see to it.

Evidence that a later version of the program kept may have items without words here: they appear under their own names.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One language. `items` are name and explanation of each line of evidence."""

    text: Mapping[str, str]
    modes: Mapping[str, str]
    items: Mapping[str, tuple[str, str]]
    reasons: Mapping[str, str]
    """What the program itself gives as a reason; everything else is what somebody typed."""
    months: tuple[str, ...] = ()

    def reason(self, text: str | None) -> str:
        """Return a reason in this language, as far as it is one of the program's own."""
        given = text or ""
        if given not in self.reasons and given.startswith(_IMPORT_OF):
            return self.reasons[_IMPORT_OF].format(name=given.removeprefix(_IMPORT_OF))
        return self.reasons.get(given, given)


_IMPORT_OF = "import of "


GERMAN = Words(
    text={
        "title": "Nachweis über den Entzug des Chat-Zugangs",
        "title_garden_leave": "Nachweis über die Einschränkung des Chat-Zugangs",
        "complete": "Vollständig und nachgewiesen",
        "complete_more": "Jeder Punkt wurde auf dem laufenden Server ein zweites Mal nachgesehen und geschlossen "
        "vorgefunden, {seconds}\u00a0Sekunden nach dem Auftrag.",
        "running": "Noch nicht abgeschlossen",
        "running_more": "Was noch offen ist oder nicht geprüft werden konnte, steht in der Tabelle. Der Dienst "
        "arbeitet daran, bis jeder Punkt geschlossen ist.",
        "cancelled": "Abgebrochen",
        "cancelled_more": "Der Zugang wurde am {moment} zurückgegeben, bevor der Nachweis vollständig war.",
        "person": "Person",
        "erased": "gelöscht; Kennung {id}",
        "mode": "Art",
        "reason": "Grund",
        "actor": "Veranlasst von",
        "requested": "Beauftragt",
        "completed": "Abgeschlossen",
        "not_completed": "noch nicht",
        "none": "–",
        "by_token": "Programmierschnittstelle, Zugang „{name}“",
        "by_revoked_token": "Programmierschnittstelle, seither entzogener Zugang ({id})",
        "by_shell": "Kommandozeile, {name}",
        "by_schedule": "Zeitplan",
        "by_person": "{name}",
        "by_erased_person": "gelöschte Person ({id})",
        "by_session": "Dashboard, mit einem Link vom Server angemeldet ({id})",
        "checked": "Was geschlossen wurde",
        "nothing_checked": "Es liegt noch keine Prüfung vor: Nichts davon gilt als geschlossen.",
        "item": "Prüfpunkt",
        "found": "gefunden",
        "done": "entfernt",
        "left": "übrig",
        "result": "Ergebnis",
        "after": "nach",
        "closed": "geschlossen",
        "open": "offen",
        "unknown": "nicht geprüft",
        "kept": "bleiben, mit dem Vermerk der Abwesenheit",
        "handovers": "Übergabe von Gruppen",
        "group": "Gruppe",
        "moderators": "wird jetzt moderiert von",
        "deleted_group": "seither gelöschte Gruppe ({id})",
        "erased_heir": "gelöschte Person ({id})",
        "one_other": "einer weiteren Person, die schon moderiert hat",
        "others": "{count} weiteren Personen, die schon moderiert haben",
        "more_heirs": "{count} weiteren Personen",
        "nobody": "niemandem: Es gab niemanden, der übernehmen konnte",
        "more_groups": "und {count} weitere Gruppen, siehe den Nachweis als JSON",
        "and": " und ",
        "scope": "Nicht erfasst",
        "scope_more": "Nachrichten und Dateien, die bereits auf eigenen Geräten der Person liegen, kann der Server "
        "nicht zurückholen. Der Verlauf in den Räumen des Unternehmens bleibt bis zum Ende der Aufbewahrungsfrist "
        "erhalten.",
        "id": "Beleg",
        "printed": "gedruckt am {moment}",
        "page": "Seite",
        "moment": "{day:02}.{month:02}.{year}, {time} Uhr",
        "zone": "Zeitzone",
    },
    modes={
        "left": "Austritt",
        "paused": "Pause: kein Zugang, Mitgliedschaften bleiben",
        "garden_leave": "Freistellung: liest Ankündigungen, schreibt nichts",
        "permission_withdrawn": "Berechtigung „Chat“ entzogen",
        "company_disabled": "Chat des Unternehmens abgeschaltet",
        "erased": "Austritt und Löschung der Daten",
    },
    items={
        "logins": ("Neue Anmeldungen", "Zugangsdaten der Geräte: nicht entfernt, sondern abgelehnt"),
        "gate": ("Zutritt am Server", "zweites Schloss, unabhängig von den Zugangsdaten"),
        "sessions": ("Laufende Sitzungen", "auf allen Geräten, auch schlafende"),
        "writing": ("Schreiben", "was die Person schreibt, wird abgelehnt"),
        "rooms": ("Räume", "Mitgliedschaften und Rollen auf dem Server"),
        "contact_groups": ("Kontaktlisten", "die der Kolleginnen und Kollegen und die eigene"),
        "bookmarks": ("Lesezeichen", "Räume, die Geräte von selbst betreten"),
        "push": ("Push-Benachrichtigungen", "bei Push-Diensten angemeldete Geräte"),
        "offline_messages": ("Wartende Nachrichten", "die auf die nächste Anmeldung warten"),
        "tokens": ("Sitzungsmarken", "öffnen Sitzungen ohne Zugangsdaten (OAuth, FAST)"),
        "web_sessions": ("Website", "Browser, die an Dashboard oder Chat angemeldet waren"),
        "links": ("Einmal-Links", "Einladungen und Anmelde-Links für die Person"),
        "uploads": ("Zugesagte Uploads", "Dateien, die noch hochgeladen werden könnten"),
        "files": ("Gesendete Dateien", "gelöscht mit den Daten der Person"),
    },
    reasons={
        _IMPORT_OF: "Import von {name}",
        "import of a file": "Import einer Datei",
        "the absence ended": "Die Abwesenheit ist zu Ende",
        "checkup": "Server-Prüfung",
        "SCIM": "Identitätsanbieter (SCIM)",
    },
)
ENGLISH = Words(
    text={
        "title": "Record of withdrawn chat access",
        "title_garden_leave": "Record of restricted chat access",
        "complete": "Complete and proven",
        "complete_more": "Every item was looked at a second time on the live server and found closed, "
        "{seconds}\u00a0seconds after the request.",
        "running": "Not complete yet",
        "running_more": "The table says what is still open or could not be checked. The service goes on until every "
        "item is closed.",
        "cancelled": "Broken off",
        "cancelled_more": "Access was given back on {moment}, before the proof was complete.",
        "person": "Person",
        "erased": "erased; id {id}",
        "mode": "Kind",
        "reason": "Reason",
        "actor": "Requested by",
        "requested": "Requested",
        "completed": "Completed",
        "not_completed": "not yet",
        "none": "–",
        "by_token": "API, token “{name}”",
        "by_revoked_token": "API, a token revoked since ({id})",
        "by_shell": "command line, {name}",
        "by_schedule": "schedule",
        "by_person": "{name}",
        "by_erased_person": "an erased person ({id})",
        "by_session": "dashboard, signed in with a link from the server ({id})",
        "checked": "What was closed",
        "nothing_checked": "Nothing has been checked yet: none of it counts as closed.",
        "item": "Item",
        "found": "found",
        "done": "removed",
        "left": "left",
        "result": "Result",
        "after": "after",
        "closed": "closed",
        "open": "open",
        "unknown": "not checked",
        "kept": "stay, with a mark for the absence",
        "handovers": "Groups handed over",
        "group": "Group",
        "moderators": "is now moderated by",
        "deleted_group": "a group deleted since ({id})",
        "erased_heir": "an erased person ({id})",
        "one_other": "one other person who was a moderator already",
        "others": "{count} other people who were moderators already",
        "more_heirs": "{count} more people",
        "nobody": "nobody: there was nobody who could take over",
        "more_groups": "and {count} more groups, see the evidence as JSON",
        "and": " and ",
        "scope": "Not covered",
        "scope_more": "The server cannot fetch back messages and files that are already on the person’s own devices. "
        "The history in the company’s rooms stays until its retention ends.",
        "id": "Document",
        "printed": "printed on {moment}",
        "page": "Page",
        "moment": "{day} {name} {year}, {time}",
        "zone": "Time zone",
    },
    modes={
        "left": "Left the company",
        "paused": "Pause: no access, memberships stay",
        "garden_leave": "Garden leave: reads announcements, writes nothing",
        "permission_withdrawn": "Permission “Chat” withdrawn",
        "company_disabled": "The company’s chat was switched off",
        "erased": "Left the company, data erased",
    },
    items={
        "logins": ("New logins", "the devices’ credentials: not removed, but refused"),
        "gate": ("Gate on the server", "a second lock that does not depend on credentials"),
        "sessions": ("Live sessions", "on all devices, sleeping ones included"),
        "writing": ("Writing", "what the person writes is refused"),
        "rooms": ("Rooms", "memberships and roles on the server"),
        "contact_groups": ("Contact lists", "the colleagues’ and the person’s own"),
        "bookmarks": ("Bookmarks", "rooms that devices join by themselves"),
        "push": ("Push notifications", "devices registered with push services"),
        "offline_messages": ("Waiting messages", "kept for the next login"),
        "tokens": ("Session tokens", "open sessions without credentials (OAuth, FAST)"),
        "web_sessions": ("Website", "browsers that were signed in to the dashboard or the chat"),
        "links": ("One-time links", "invitations and sign-in links for the person"),
        "uploads": ("Granted uploads", "files that could still be uploaded"),
        "files": ("Sent files", "erased with the person’s data"),
    },
    reasons={
        _IMPORT_OF: "import of {name}",
        "import of a file": "import of a file",
        "the absence ended": "the absence ended",
        "checkup": "server check",
        "SCIM": "identity provider (SCIM)",
    },
    months=(
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
)  # fmt: skip
WORDS = {"de": GERMAN, "en": ENGLISH}
