"""Judgement on what the synthetic user tried: promises as a client meets them, whatever the configuration says."""

from collections.abc import Callable
from typing import TypeVar

from kleanxmpp.doctor.facts import Entry, Facts, NotChecked, Trial
from kleanxmpp.doctor.findings import Verdict, decimal, green, not_checked, red, worst, yellow
from kleanxmpp.doctor.judging import for_host, judged

T = TypeVar("T")

_NOT_REFUSED = frozenset({"remote-server-not-found", "remote-server-timeout"})
"""What a server answers that would have delivered the message, had it found the other one."""

_SLOW = 5.0
"""Seconds after which the end of a session is late."""


def login(facts: Facts) -> Verdict:
    """Who may chat gets in."""

    def judge(entry: Entry) -> Verdict:
        if entry.inside:
            return green(de="Wer darf, kommt herein.", en="Who may chat gets in.")
        return red(
            de=f"Wer darf, kommt nicht herein ({entry.refused_at}: {entry.condition}).",
            en=f"Who may chat does not get in ({entry.refused_at}: {entry.condition}).",
        )

    return _step(facts, lambda trial: trial.login, judge)


def room_creation(facts: Facts) -> Verdict:
    """Only the directory makes rooms."""

    def judge(made: bool) -> Verdict:
        if made:
            return red(
                de="Wer angemeldet ist, kann eigene Räume anlegen.",
                en="Who is logged in can make rooms.",
                cure=for_host(facts, "modules:\n  mod_muc:\n    access_create: klean_component_only"),
            )
        return green(de="Räume legt nur das Verzeichnis an.", en="Only the directory makes rooms.")

    return _step(facts, lambda trial: trial.room_creation, judge)


def foreign_room(facts: Facts) -> Verdict:
    """Who is not in a circle does not get into its room, and finds it in no list."""

    def entered(inside: bool) -> Verdict:
        if inside:
            return red(
                de="Wer nicht zum Kreis gehört, kommt in den Raum. Der Abgleich stellt ihn richtig: "
                "kleanxmpp reconcile.",
                en="Who is not in the circle gets into the room. A sweep mends it: kleanxmpp reconcile.",
            )
        return green(de="Fremde Räume bleiben zu.", en="Other circles' rooms stay closed.")

    def listed(rooms: frozenset[str]) -> Verdict:
        if rooms:
            return red(
                de=f"Jeder findet {len(rooms)} Räume im Verzeichnis der Räume.",
                en=f"Everybody finds {len(rooms)} rooms in the list of rooms.",
            )
        return green(de="Fremde Räume bleiben zu.", en="Other circles' rooms stay closed.")

    return worst(
        (
            _step(facts, lambda trial: trial.foreign_room, entered),
            _step(facts, lambda trial: trial.listed_rooms, listed),
        )
    )


def outside(facts: Facts) -> Verdict:
    """A message to another domain is refused."""

    def judge(condition: str | None) -> Verdict:
        if condition is None or condition in _NOT_REFUSED:
            return red(
                de="Eine Nachricht an eine fremde Domain wird nicht abgewiesen.",
                en="A message to another domain is not refused.",
                cure=for_host(facts, "s2s_access: none"),
            )
        return green(
            de="Eine Nachricht an eine fremde Domain wird abgewiesen.", en="A message to another domain is refused."
        )

    return _step(facts, lambda trial: trial.outside, judge)


def without_gate(facts: Facts) -> Verdict:
    """The right credential alone opens nothing: the gate has to be open, too."""

    def judge(entry: Entry) -> Verdict:
        if entry.inside:
            return red(
                de="Bei geschlossenem Tor genügt das Passwort allein.",
                en="With the gate closed, the credential alone is enough.",
                cure="# in every listener of the kind ejabberd_c2s\naccess: c2s",
            )
        if entry.refused_at == "bind":
            return green(de="Bei geschlossenem Tor kommt niemand herein.", en="With the gate closed nobody gets in.")
        return red(
            de=f"Das richtige Passwort wurde vor dem Tor abgewiesen ({entry.condition}).",
            en=f"The right credential was refused before the gate ({entry.condition}).",
        )

    return _step(facts, lambda trial: trial.without_gate, judge)


def session_end(facts: Facts) -> Verdict:
    """Who is deactivated is thrown out at once."""

    def judge(seconds: float | None) -> Verdict:
        if seconds is None:
            return red(
                de="Nach der Deaktivierung lief die Sitzung weiter.",
                en="After the deactivation the session went on.",
                cure="# in api_permissions, rule kleanxmpp\nwhat:\n  - klean_kick_users",
            )
        shown = decimal(seconds, digits=2)
        words = {
            "de": f"Die Sitzung endete {shown.de} s nach der Deaktivierung.",
            "en": f"The session ended {shown.en} s after the deactivation.",
        }
        return yellow(**words) if seconds > _SLOW else green(**words)

    return _step(facts, lambda trial: trial.ended_after, judge)


def comeback(facts: Facts) -> Verdict:
    """Who is deactivated does not get in again, refused by the directory and not only by the gate."""

    def judge(entry: Entry) -> Verdict:
        if entry.inside:
            return red(
                de="Wer deaktiviert ist, kommt wieder herein.",
                en="Who is deactivated gets in again.",
                cure=for_host(facts, "auth_use_cache: false"),
            )
        if entry.refused_at == "bind":
            return red(
                de="Wer deaktiviert ist, wird erst am Tor abgewiesen: Sein Passwort gilt noch.",
                en="Who is deactivated is refused at the gate only: the credential is still good.",
                cure=for_host(facts, "auth_use_cache: false"),
            )
        return green(de="Wer deaktiviert ist, kommt nicht mehr herein.", en="Who is deactivated stays out.")

    return _step(facts, lambda trial: trial.comeback, judge)


def removal(facts: Facts) -> Verdict:
    """Nothing is left of the synthetic user."""

    def judge(removed: bool) -> Verdict:
        if not removed:
            return yellow(
                de="Die Testperson ist noch nicht nachweislich entfernt; der laufende Dienst arbeitet daran.",
                en="The synthetic user is not proven to be removed yet; the running service is at it.",
            )
        return green(de="Von der Testperson ist nichts geblieben.", en="Nothing is left of the synthetic user.")

    return _step(facts, lambda trial: trial.removed, judge)


def _step(facts: Facts, part: Callable[[Trial], T | NotChecked], judge: Callable[[T], Verdict]) -> Verdict:
    if isinstance(facts.trial, NotChecked):
        return not_checked(facts.trial.why)
    return judged(part(facts.trial), judge)
