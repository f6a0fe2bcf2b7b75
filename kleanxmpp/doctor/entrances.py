"""Judgement on the ways in: who can get a session, an account or a command without being let in by the directory."""

from collections.abc import Callable

from kleanxmpp.doctor.facts import Facts, Inside, Stream
from kleanxmpp.doctor.findings import Verdict, green, red, worst
from kleanxmpp.doctor.judging import for_host, judged, without_module

_PLAIN = frozenset({"PLAIN"})
_TOKEN_MECHANISMS = ("X-OAUTH2", "HT-")


def registration(facts: Facts) -> Verdict:
    """Nobody makes an account by themselves."""
    cure = without_module(facts, "mod_register")

    def offered(stream: Stream) -> Verdict:
        if stream.registration:
            return red(
                de="Der Server bietet jedem an, ein Konto anzulegen.",
                en="The server offers everybody to make an account.",
                cure=cure,
            )
        return green(de="Konten legt nur das Verzeichnis an.", en="Only the directory makes accounts.")

    def loaded(inside: Inside) -> Verdict:
        if "mod_register" in inside.modules or "mod_register_web" in inside.handlers:
            return red(de="mod_register ist geladen.", en="mod_register is loaded.", cure=cure)
        return green(de="Konten legt nur das Verzeichnis an.", en="Only the directory makes accounts.")

    return _both(facts, offered, loaded)


def anonymous(facts: Facts) -> Verdict:
    """Nobody comes in without a name."""
    cure = for_host(facts, "auth_method: [external]")
    bad = red(de="Anmeldungen ohne Namen sind möglich.", en="Logins without a name are possible.", cure=cure)
    good = green(de="Ohne Namen kommt niemand herein.", en="Nobody comes in without a name.")
    return _both(
        facts,
        lambda stream: bad if "ANONYMOUS" in _offered(stream) else good,
        lambda inside: bad if "anonymous" in inside.auth_methods else good,
    )


def mechanisms(facts: Facts) -> Verdict:
    """The login program is asked every time, over TLS: PLAIN is the only mechanism that does so."""

    def judge(stream: Stream) -> Verdict:
        if stream.mechanisms_without_tls:
            return red(
                de="Anmeldungen ohne Verschlüsselung sind möglich.",
                en="Logins without encryption are possible.",
                cure="# in every listener of the kind ejabberd_c2s\nstarttls_required: true",
            )
        strange = sorted(stream.mechanisms - _PLAIN)
        if strange:
            return red(
                de=f"Außer PLAIN werden angeboten: {', '.join(strange)}.",
                en=f"Offered besides PLAIN: {', '.join(strange)}.",
                cure=for_host(facts, f"disable_sasl_mechanisms: [{', '.join(strange)}]"),
            )
        if not stream.mechanisms:
            return red(
                de="Es wird kein Anmeldeverfahren angeboten: Niemand kommt herein.",
                en="No mechanism is offered: nobody gets in.",
                cure=for_host(facts, "auth_method: [external]"),
            )
        return green(de="Nur PLAIN, und nur verschlüsselt.", en="Only PLAIN, and only encrypted.")

    def listeners(inside: Inside) -> Verdict:
        plain = [one.port for one in inside.listeners if one.module == "ejabberd_c2s" and not one.tls]
        if plain:
            return red(
                de=f"Port {', '.join(plain)} lässt Anmeldungen ohne Verschlüsselung zu.",
                en=f"Port {', '.join(plain)} lets people log in without encryption.",
                cure="# in every listener of the kind ejabberd_c2s\nstarttls_required: true",
            )
        return green(de="Nur PLAIN, und nur verschlüsselt.", en="Only PLAIN, and only encrypted.")

    return _both(facts, judge, listeners)


def tokens(facts: Facts) -> Verdict:
    """No token opens a session past the directory."""

    def offered(stream: Stream) -> Verdict:
        by_token = sorted(name for name in _offered(stream) if name.startswith(_TOKEN_MECHANISMS))
        if by_token or stream.tokens:
            names = ", ".join(by_token) or "FAST"
            return red(
                de=f"Anmeldungen mit Token werden angeboten: {names}.",
                en=f"Logins by token are offered: {names}.",
                cure=for_host(facts, "disable_sasl_mechanisms: [X-OAUTH2]"),
            )
        return green(de="Kein Token öffnet eine Sitzung.", en="No token opens a session.")

    def loaded(inside: Inside) -> Verdict:
        found = sorted({"mod_auth_fast", "ejabberd_oauth"} & (inside.modules | inside.handlers))
        if found:
            return red(
                de=f"Es gibt Token aus: {', '.join(found)}.",
                en=f"Tokens are given out by: {', '.join(found)}.",
                cure=without_module(facts, *found),
            )
        return green(de="Kein Token öffnet eine Sitzung.", en="No token opens a session.")

    return _both(facts, offered, loaded)


def mqtt(facts: Facts) -> Verdict:
    """MQTT keeps sessions of its own that no off-boarding ends."""

    def judge(inside: Inside) -> Verdict:
        ports = [one.port for one in inside.listeners if one.module == "mod_mqtt"]
        if "mod_mqtt" in inside.modules or ports or "mod_mqtt" in inside.handlers:
            return red(
                de="MQTT ist an: Seine Sitzungen beendet kein Austritt.",
                en="MQTT is on: no off-boarding ends its sessions.",
                cure=without_module(facts, "mod_mqtt"),
            )
        return green(de="MQTT ist aus.", en="MQTT is off.")

    return judged(facts.inside, judge)


def auth_cache(facts: Facts) -> Verdict:
    """The directory is asked at every login."""

    def judge(inside: Inside) -> Verdict:
        if inside.auth_use_cache:
            return red(
                de="Anmeldungen werden zwischengespeichert: Wer ausgeschieden ist, käme noch herein.",
                en="Logins are cached: who has left would still get in.",
                cure=for_host(facts, "auth_use_cache: false"),
            )
        if inside.auth_methods != {"external"}:
            methods = ", ".join(sorted(inside.auth_methods))
            return red(
                de=f"Über Anmeldungen entscheidet nicht das Verzeichnis allein: {methods}.",
                en=f"Not the directory alone decides about logins: {methods}.",
                cure=for_host(facts, "auth_method: [external]"),
            )
        return green(de="Jede Anmeldung fragt das Verzeichnis.", en="Every login asks the directory.")

    return judged(facts.inside, judge)


def api_credential(facts: Facts) -> Verdict:
    """Commands need a password, not only an address."""

    def judge(commands: frozenset[str]) -> Verdict:
        if commands:
            return red(
                de=f"Ohne Passwort ausführbar: {', '.join(sorted(commands))}.",
                en=f"Can be run without a password: {', '.join(sorted(commands))}.",
                cure="# in api_permissions: no rule may allow commands by address alone, like this one\n"
                "#   who: {ip: 127.0.0.1/8}\n#   what: ['*']",
            )
        return green(de="Befehle brauchen ein Passwort.", en="Commands need a password.")

    return judged(facts.open_commands, judge)


def gate(facts: Facts) -> Verdict:
    """The second key of every login is in place."""

    def exists(there: bool) -> Verdict:
        if not there:
            return red(
                de="Die Gruppe des Tors fehlt auf dem Server. Der laufende Dienst legt sie beim nächsten Abgleich an: "
                "kleanxmpp reconcile.",
                en="The gate's group is missing on the server. The running service makes it with the next sweep: "
                "kleanxmpp reconcile.",
            )
        return green(de="Das Tor steht.", en="The gate is in place.")

    def asked(inside: Inside) -> Verdict:
        if "mod_shared_roster" not in inside.modules:
            return red(
                de="mod_shared_roster ist nicht geladen: Das Tor lässt niemanden herein.",
                en="mod_shared_roster is not loaded: the gate lets nobody in.",
                cure=for_host(facts, "modules:\n  mod_shared_roster: {}"),
            )
        past = [one.port for one in inside.listeners if one.lets_strangers_in]
        if past:
            return red(
                de=f"Port {', '.join(past)} führt am Tor vorbei.",
                en=f"Port {', '.join(past)} leads past the gate.",
                cure="# in every listener of the kind ejabberd_c2s\naccess: c2s",
            )
        return green(de="Das Tor steht.", en="The gate is in place.")

    return worst((judged(facts.gate_exists, exists), judged(facts.inside, asked)))


def _offered(stream: Stream) -> frozenset[str]:
    return stream.mechanisms | stream.mechanisms_without_tls


def _both(facts: Facts, by_stream: Callable[[Stream], Verdict], by_inside: Callable[[Inside], Verdict]) -> Verdict:
    return worst((judged(facts.stream, by_stream), judged(facts.inside, by_inside)))
