"""Judgement on the walls: nothing leaves the company, nobody strange listens in, and our module keeps watch."""

from collections.abc import Callable

from kleanxmpp.doctor.facts import Facts, Inside, NoModule
from kleanxmpp.doctor.findings import Verdict, green, red, yellow
from kleanxmpp.doctor.judging import for_host, judged, without_module

_MODULE_CURE = "# kleanxmpp ejabberd module /etc/kleanxmpp/ebin, then restart ejabberd"


def other_servers(facts: Facts) -> Verdict:
    """No connection to other servers, in neither direction."""
    cure = for_host(facts, "s2s_access: none") + "\n# and no listener of the kind ejabberd_s2s_in"

    def judge(inside: Inside) -> Verdict:
        ports = [one.port for one in inside.listeners if one.module == "ejabberd_s2s_in"]
        if inside.s2s_allowed:
            return red(
                de="Nachrichten an fremde Server und von ihnen sind erlaubt.",
                en="Messages to and from other servers are allowed.",
                cure=cure,
            )
        if ports:
            return yellow(
                de=f"Port {', '.join(ports)} ist für fremde Server offen; die Regel weist sie ab.",
                en=f"Port {', '.join(ports)} is open for other servers; the rule refuses them.",
                cure="# remove the listener of the kind ejabberd_s2s_in, unless another host needs it",
            )
        if inside.s2s_rule != "none":
            return yellow(
                de="Für einzelne fremde Server gilt eine eigene Regel.",
                en="A rule of its own holds for some other servers.",
                cure=cure,
            )
        return green(de="Keine Verbindung zu fremden Servern.", en="No connection to other servers.")

    return judged(facts.inside, judge)


def public_rooms(facts: Facts) -> Verdict:
    """Every room is for its members only, and in no list."""

    def judge(inside: Inside) -> Verdict:
        if inside.open_rooms:
            return red(
                de=f"Räume, die offen oder öffentlich sind: {_some(inside.open_rooms)}.",
                en=f"Rooms that are open or public: {_some(inside.open_rooms)}.",
                cure=for_host(
                    facts, "modules:\n  mod_muc:\n    default_room_options: {members_only: true, public: false}"
                ),
            )
        return green(de="Alle wachen Räume sind nur für ihren Kreis.", en="All rooms awake are for their circles only.")

    return judged(facts.inside, judge)


def components(facts: Facts) -> Verdict:
    """Nobody strange speaks below the company's domain, or in the name of others."""

    def judge(inside: Inside) -> Verdict:
        any_sender = [one.port for one in inside.listeners if one.any_sender]
        if inside.strange_routes:
            return red(
                de=f"Fremde Komponenten: {_some(inside.strange_routes)}.",
                en=f"Strange components: {_some(inside.strange_routes)}.",
                cure=f"# in the listener of the kind ejabberd_service: only\nhosts:\n  {facts.addresses.component}: …",
            )
        if any_sender:
            return red(
                de=f"An Port {', '.join(any_sender)} kann eine Komponente im Namen anderer sprechen.",
                en=f"On port {', '.join(any_sender)} a component can speak in the name of others.",
                cure="# in every listener of the kind ejabberd_service\ncheck_from: true",
            )
        return green(de="Keine fremden Komponenten.", en="No strange components.")

    return judged(facts.inside, judge)


def privilege(facts: Facts) -> Verdict:
    """mod_privilege makes requests of components vanish, and lets them read what is not theirs."""

    def judge(inside: Inside) -> Verdict:
        found = sorted({"mod_privilege", "mod_delegation"} & inside.modules)
        if found:
            return red(
                de=f"{' und '.join(found)} geladen: Komponenten dürfen zu viel, und auf 24.12 gehen Anfragen verloren.",
                en=f"{' and '.join(found)} loaded: components may do too much, and on 24.12 requests vanish.",
                cure=without_module(facts, *found),
            )
        return green(de="mod_privilege ist nicht geladen.", en="mod_privilege is not loaded.")

    return judged(facts.inside, judge)


def last_activity(facts: Facts) -> Verdict:
    """With mod_last, ejabberd from 24.12 on takes a leaver who was ever online for somebody who exists."""
    return _unwanted(
        facts,
        "mod_last",
        red,
        de="Nachrichten an Ausgeschiedene werden gespeichert, statt abgewiesen zu werden.",
        en="messages to people who left are stored instead of refused.",
    )


def klean_module(facts: Facts) -> Verdict:
    """Our module is loaded, and of this version."""
    loading = _MODULE_CURE + "\n" + for_host(facts, "modules:\n  mod_klean: {}")
    if isinstance(facts.inside, NoModule):
        return red(de=facts.inside.why.de, en=facts.inside.why.en, cure=loading)

    def judge(inside: Inside) -> Verdict:
        if "mod_klean" not in inside.modules:
            return red(
                de="mod_klean ist für dieses Unternehmen nicht geladen.",
                en="mod_klean is not loaded for this company.",
                cure=loading,
            )
        if inside.source != inside.expected_source:
            return red(
                de="mod_klean ist von einer anderen Version dieses Programms.",
                en="mod_klean is of another version of this program.",
                cure=_MODULE_CURE,
            )
        return green(de="mod_klean ist geladen und von dieser Version.", en="mod_klean is loaded and of this version.")

    return judged(facts.inside, judge)


def upload_links(facts: Facts) -> Verdict:
    """Links of mod_http_upload open for whoever has them."""
    return _unwanted(
        facts,
        "mod_http_upload",
        yellow,
        de="Seine Links öffnet jeder, der sie hat, auch nach einem Austritt.",
        en="its links open for whoever has them, also after leaving.",
    )


def push_content(facts: Facts) -> Verdict:
    """Push services outside learn that something came, not what or from whom."""

    def judge(inside: Inside) -> Verdict:
        told = sorted(option for option, value in inside.push.items() if value == "true")
        if told:
            return red(
                de=f"Push-Dienste erfahren Inhalt oder Absender: {', '.join(told)}.",
                en=f"Push services learn content or sender: {', '.join(told)}.",
                cure=for_host(facts, "modules:\n  mod_push: {include_body: false, include_sender: false}"),
            )
        if inside.push:
            return green(
                de="Push-Dienste erfahren weder Inhalt noch Absender.",
                en="Push services learn neither content nor sender.",
            )
        return green(de="mod_push ist nicht geladen.", en="mod_push is not loaded.")

    return judged(facts.inside, judge)


def _unwanted(facts: Facts, module: str, verdict: Callable[..., Verdict], *, de: str, en: str) -> Verdict:
    """Judge a module that should not be loaded; the words say what follows if it is."""

    def judge(inside: Inside) -> Verdict:
        if module in inside.modules:
            return verdict(
                de=f"{module} ist geladen: {de}", en=f"{module} is loaded: {en}", cure=without_module(facts, module)
            )
        return green(de=f"{module} ist nicht geladen.", en=f"{module} is not loaded.")

    return judged(facts.inside, judge)


def _some(names: frozenset[str]) -> str:
    first = sorted(names)[:5]
    return ", ".join(first) + (f" … ({len(names)})" if len(names) > len(first) else "")
