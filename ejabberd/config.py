"""ejabberd's configuration in two renderings from one source.

`whole` is a complete ejabberd.yml for a server that is ours alone (demo, tests, small installations).
`drop_in` is a file for `include_config_file` in an ejabberd.yml that already serves other hosts: it adds
listeners and permissions, and gives each company's host its own options, rules and list of modules, so
nothing the other hosts load is active there. ejabberd cannot take everything by inclusion;
`drop_in_notes` says what is left to do by hand.
"""

from ejabberd import template
from ejabberd.inputs import GATE_GROUP, Listeners, ServerConfig
from ejabberd.yaml_text import Yaml, to_yaml

__all__ = ["GATE_GROUP", "Listeners", "ServerConfig", "drop_in", "drop_in_notes", "whole"]


def whole(config: ServerConfig, listeners: Listeners) -> str:
    """Return a complete ejabberd.yml."""
    document: dict[str, Yaml] = {
        "loglevel": config.loglevel,
        "hide_sensitive_log_data": True,
        "hosts": list(config.domains),
        "certfiles": list(listeners.certfiles),
        "acme": {"auto": False},
        "s2s_access": "none",
        "listen": [*template.public_listeners(config, listeners), *template.own_listeners(config)],
        **_shared(config),
    }
    return _HEAD_WHOLE + to_yaml(document)


def drop_in(config: ServerConfig, *, add_hosts: bool = True) -> str:
    """Return a file to include in an existing ejabberd.yml.

    Turn `add_hosts` off where the operator's file lists the companies' domains already: ejabberd does
    not start with a host that is listed twice.
    """
    document: dict[str, Yaml] = {
        **({"hosts": list(config.domains)} if add_hosts else {}),
        "listen": template.own_listeners(config),
        **_shared(config),
    }
    return _HEAD_DROP_IN + to_yaml(document)


def _shared(config: ServerConfig) -> dict[str, Yaml]:
    return {
        "api_permissions": template.api_permissions(config),
        "shaper_rules": template.shaper_rules(),
        "host_config": {domain: template.company(config, domain=domain) for domain in config.domains},
    }


def drop_in_notes(config: ServerConfig, *, path: str = "/etc/ejabberd/kleanxmpp.yml") -> str:
    """Return, as text for the operator, what the inclusion cannot do."""
    return _NOTES.format(
        path=path, rule=config.c2s_access_rule, domains=", ".join(config.domains),
        components=", ".join(config.component_hosts),
    )  # fmt: skip


_HEAD_WHOLE = """\
# Written by KleanXMPP: the complete configuration of an ejabberd that serves its companies and nobody else.
# Made anew by the program; changes by hand are lost. Contains a secret: mode 0640, root:ejabberd.

"""

_HEAD_DROP_IN = """\
# Written by KleanXMPP: include this file in an existing ejabberd.yml.
# Made anew by the program; changes by hand are lost. Contains a secret: mode 0640, root:ejabberd.

"""

_NOTES = """\
Changes to make by hand in your ejabberd.yml:

1. At the end of the file:
     include_config_file:
       - {path}
   The companies ({domains}) are added to `hosts` by the included file: do not list them yourself.
2. `certfiles` must hold a certificate for each company's domain.
3. Every listener of the kind ejabberd_c2s must say `access: {rule}`, and `starttls_required: true` or
   `tls: true`. For your other hosts the rule keeps its meaning; for the companies it is the gate.
   Websocket and BOSH take over what the FIRST ejabberd_c2s listener says: if that one does not name the
   rule, people get in by the browser past the gate.
4. The component's addresses ({components}) follow the s2s rule of the first host under `hosts`, as do
   all external components in ejabberd. If that host may talk to the outside world, strangers can write to the
   component: set `s2s_access: none` for it, or put a company first.
5. In `api_permissions`, no rule may allow commands by address alone (`ip: 127.0.0.1/8`), except harmless
   ones like `status`: every local process could use them. Before 26.07, an `admin` of yours may do
   everything, on the companies' hosts too.
6. At `loglevel: info` ejabberd logs every command of its HTTP API with its arguments, names of people
   among them. `notice` does not.
7. Restart ejabberd, now and whenever a company is added or removed. A reload that removes a company stops
   the login program that all companies share.
Logins, s2s, SASL mechanisms, access rules and the list of modules of the companies are set by the
included file as a whole: what you set for other hosts does not reach them, and must not be set for them again.
"""
