"""The table of all lines, in the order in which they are told. An id never changes its meaning.

docs/doctor.md explains each id; a test compares both.
"""

from collections.abc import Callable
from dataclasses import dataclass

from kleanxmpp.doctor import entrances, tried, upkeep, walls
from kleanxmpp.doctor.facts import Facts
from kleanxmpp.doctor.findings import Finding, Verdict, Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One promise and its judgement."""

    id: str
    title: Words
    judge: Callable[[Facts], Verdict]


def _line(name: str, judge: Callable[[Facts], Verdict], *, de: str, en: str) -> Line:
    return Line(id=name, title=Words(de=de, en=en), judge=judge)


# fmt: off
LINES: tuple[Line, ...] = (
    _line("version", upkeep.version, de="ejabberd", en="ejabberd"),
    _line("mod-klean", walls.klean_module, de="Unser Modul", en="Our module"),
    _line("s2s", walls.other_servers, de="Fremde Server", en="Other servers"),
    _line("components", walls.components, de="Fremde Komponenten", en="Strange components"),
    _line("privilege", walls.privilege, de="mod_privilege", en="mod_privilege"),
    _line("last-activity", walls.last_activity, de="mod_last", en="mod_last"),
    _line("registration", entrances.registration, de="Registrierung", en="Registration"),
    _line("anonymous", entrances.anonymous, de="Anonyme Anmeldung", en="Anonymous logins"),
    _line("mechanisms", entrances.mechanisms, de="Anmeldeverfahren", en="Login mechanisms"),
    _line("tokens", entrances.tokens, de="OAuth und FAST", en="OAuth and FAST"),
    _line("mqtt", entrances.mqtt, de="MQTT", en="MQTT"),
    _line("auth-cache", entrances.auth_cache, de="Anmeldungen im Cache", en="Login cache"),
    _line("gate", entrances.gate, de="Das Tor", en="The gate"),
    _line("api-credential", entrances.api_credential, de="Befehle von ejabberd", en="ejabberd's commands"),
    _line("public-rooms", walls.public_rooms, de="Offene Räume", en="Open rooms"),
    _line("upload-links", walls.upload_links, de="Links auf Dateien", en="Upload links"),
    _line("push-content", walls.push_content, de="Push-Nachrichten", en="Push content"),
    _line("certificates", upkeep.certificates, de="Zertifikate", en="Certificates"),
    _line("clock", upkeep.clock, de="Uhren", en="Clocks"),
    _line("database", upkeep.database, de="Datenbank", en="Database"),
    _line("audit-chain", upkeep.audit_chain, de="Protokoll", en="Audit log"),
    _line("sources", upkeep.silence, de="Datenquellen", en="Sources"),
    _line("disk", upkeep.disks, de="Speicherplatz", en="Disk space"),
    _line("backups", upkeep.backups, de="Sicherungen", en="Backups"),
    _line("try-login", tried.login, de="Probe: anmelden", en="Tried: log in"),
    _line("try-room-creation", tried.room_creation, de="Probe: Raum anlegen", en="Tried: make a room"),
    _line("try-foreign-room", tried.foreign_room, de="Probe: fremder Raum", en="Tried: another circle's room"),
    _line("try-outside", tried.outside, de="Probe: nach außen schreiben", en="Tried: write to the outside"),
    _line("try-gate", tried.without_gate, de="Probe: geschlossenes Tor", en="Tried: closed gate"),
    _line("try-session-end", tried.session_end, de="Probe: Sitzung endet", en="Tried: session ends"),
    _line("try-comeback", tried.comeback, de="Probe: wiederkommen", en="Tried: come back in"),
    _line("try-removal", tried.removal, de="Probe: nichts bleibt", en="Tried: nothing stays"),
)
# fmt: on


def judge(facts: Facts) -> tuple[Finding, ...]:
    """Return what is to be said about each line."""
    return tuple(_finding(line, line.judge(facts)) for line in LINES)


def _finding(line: Line, verdict: Verdict) -> Finding:
    return Finding(id=line.id, title=line.title, level=verdict.level, words=verdict.words, cure=verdict.cure)
