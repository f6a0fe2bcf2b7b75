"""What the configuration promises, read from the data that both renderings are made of."""

import re

import pytest

from ejabberd import template
from ejabberd.config import Listeners, ServerConfig, drop_in, drop_in_notes, whole

ONE = ServerConfig(domains=("firma.example",), component_secret="top: secret", extauth_program="run me")
TWO = ServerConfig(
    domains=("firma.example", "zwei.example"),
    component_secret="top: secret",
    extauth_program="run me",
    rooms_prefix="rooms",
    component_prefix="bot",
)
LISTENERS = Listeners(certfiles=("/tls/server.pem",))


@pytest.mark.parametrize("text", [whole(ONE, LISTENERS), drop_in(ONE), drop_in_notes(ONE)])
def test_every_rendering_is_plain_text_with_an_end(text: str) -> None:
    assert text.endswith("\n")
    assert "\t" not in text


def test_what_would_open_a_door_is_not_there() -> None:
    modules = template.modules(ONE)
    off = {
        "mod_register", "mod_register_web", "mod_s2s_dialback", "mod_privilege", "mod_delegation", "mod_push",
        "mod_mqtt", "mod_configure", "mod_announce", "mod_http_upload", "mod_invites", "mod_auth_fast", "mod_bosh",
    }  # fmt: skip
    assert not off & modules.keys()
    assert not re.search(r"ejabberd_s2s|mod_mqtt|ejabberd_web_admin|ejabberd_oauth", whole(TWO, LISTENERS))


def test_the_company_decides_logins_and_nothing_leaves() -> None:
    options = template.logins(ONE)
    assert options["auth_method"] == ["external"]
    assert options["auth_use_cache"] is False
    assert options["s2s_access"] == "none"
    off = options["disable_sasl_mechanisms"]
    assert isinstance(off, list)
    assert {"X-OAUTH2", "EXTERNAL", "ANONYMOUS", "SCRAM-SHA-1", "DIGEST-MD5"} <= set(off)
    assert "PLAIN" not in off


def test_a_whole_configuration_listens_to_the_outside_for_clients_only() -> None:
    listeners = [*template.public_listeners(ONE, LISTENERS), *template.own_listeners(ONE)]
    addresses = {str(listener["module"]): listener["ip"] for listener in listeners[:1]}  # type: ignore[call-overload, index]
    assert addresses == {"ejabberd_c2s": "::"}
    assert all(listener["ip"] == "127.0.0.1" for listener in template.own_listeners(ONE))  # type: ignore[call-overload, index]


def test_one_component_connection_serves_all_companies() -> None:
    text = whole(TWO, LISTENERS)
    assert text.count("module: ejabberd_service") == 1
    assert "bot.firma.example:" in text
    assert "bot.zwei.example:" in text
    assert TWO.rooms_hosts == ("rooms.firma.example", "rooms.zwei.example")


def test_the_drop_in_touches_no_other_host() -> None:
    """Global options are only those that ejabberd appends; everything else belongs to a company's host."""
    top_level = set(re.findall(r"^(\w+):", drop_in(TWO), flags=re.MULTILINE))
    assert top_level == {"hosts", "listen", "api_permissions", "shaper_rules", "host_config"}
    assert "hosts" not in re.findall(r"^(\w+):", drop_in(TWO, add_hosts=False), flags=re.MULTILINE)


def test_names_of_the_drop_in_do_not_meet_an_operators_own() -> None:
    rules = {*template.access_rules(ONE)} - {ONE.c2s_access_rule, "configure"}
    names = {*template.acl(ONE, domain="firma.example"), *template.shaper_rules(), *rules}
    assert all(name.startswith("klean_") for name in names)


def test_the_api_needs_account_and_address() -> None:
    text = whole(ONE, LISTENERS)
    assert '- user: "klean-api@firma.example"\n          - ip: "127.0.0.0/8"' in text


def test_the_gate_group_is_named_with_its_host() -> None:
    """Without a host, newer ejabberds would look for it in the host of the person, not of the company."""
    for domain in TWO.domains:
        rules = template.company(TWO, domain=domain)["acl"]
        assert isinstance(rules, dict)
        assert rules["klean_may_chat"] == {"shared_group": [f"klean-may-chat@{domain}"]}
        assert rules["klean_component"] == {"server": [f"bot.{domain}"]}


def test_secrets_are_not_in_representations() -> None:
    assert "top" not in repr(ONE)


def test_a_server_without_company_is_refused() -> None:
    with pytest.raises(ValueError, match="domain"):
        ServerConfig(domains=(), component_secret="", extauth_program="")


def test_without_our_module_it_is_not_loaded() -> None:
    plain = ServerConfig(domains=("a.example",), component_secret="", extauth_program="", klean_module=False)
    assert "mod_klean" not in template.modules(plain)
    assert "mod_klean" in template.modules(ONE)


def test_the_archive_goes_to_sqlite_when_asked() -> None:
    config = ServerConfig(
        domains=("a.example",), component_secret="", extauth_program="", archive_database="/var/lib/a.db"
    )
    assert "sql_database: /var/lib/a.db" in drop_in(config)
    assert "db_type: sql" in drop_in(config)
    assert "sql_type" not in drop_in(ONE)
