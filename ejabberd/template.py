"""The pieces of ejabberd's configuration as plain data: what makes the company's hosts keep the promises.

Both renderings in `config` are put together from these functions, so the private server of demo and
tests and an operator's existing server get the very same rules. Names that could meet an operator's own
carry the prefix `klean_`.
"""

from collections.abc import Mapping

from ejabberd.inputs import GATE_GROUP, Listeners, ServerConfig
from ejabberd.yaml_text import Yaml

_MECHANISMS_OFF = (
    "ANONYMOUS",
    "DIGEST-MD5",
    "EXTERNAL",
    "SCRAM-SHA-1",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-512",
    "SCRAM-SHA-512-PLUS",
    "X-OAUTH2",
)

_COMMANDS = (
    # server
    "status",
    "stats_host",
    # sessions
    "klean_kick_users",
    "klean_sessions",
    "klean_devices",
    "klean_devices_seen",
    "connected_users_vhost",
    "klean_messages",
    # accounts and what belongs to them
    "unregister",
    "get_offline_count",
    "get_vcard",
    "get_vcard2",
    "set_vcard",
    "klean_set_photo",
    "set_nickname",
    "private_get",
    "klean_set_private",
    "get_roster",
    "remove_mam_for_user",
    # contact groups and the gate
    "srg_create",
    "srg_delete",
    "srg_list",
    "srg_get_info",
    "srg_get_members",
    "srg_user_add",
    "srg_user_del",
    "klean_shared_groups",
    "klean_join_shared_groups",
    "klean_leave_shared_groups",
    "klean_affiliations",
    "klean_people",
    "klean_leftovers",
    "klean_clear_leftovers",
    "klean_checkup",
    # rooms
    "muc_online_rooms",
    "rooms_unused_list",
    "create_room_with_opts",
    "destroy_room",
    "change_room_option",
    "get_room_options",
    "get_room_affiliations",
    "get_room_affiliation",
    "set_room_affiliation",
    "get_room_occupants",
    "muc_register_nick",
    "muc_unregister_nick",
    # retention
    "delete_old_mam_messages",
)


def company(config: ServerConfig, *, domain: str) -> dict[str, Yaml]:
    """Everything that belongs to one company's host, complete: nothing of other hosts applies to it."""
    archive: dict[str, Yaml] = {}
    if config.archive_database is not None:
        archive = {"sql_type": "sqlite", "sql_database": config.archive_database}
    return {
        **logins(config),
        **archive,
        "acl": acl(config, domain=domain),
        "access_rules": access_rules(config),
        "modules": modules(config),
    }


def acl(config: ServerConfig, *, domain: str) -> dict[str, Yaml]:
    """Who is who: people with the gate group, our component, the service account of the HTTP API.

    The group is named with its host: without one, ejabberd up to 24.12 looks in the host whose rule is
    asked, newer ones in the host of the person, and people of another company would pass.
    """
    return {
        "klean_may_chat": {"shared_group": [f"{GATE_GROUP}@{domain}"]},
        "klean_component": {"server": [f"{config.component_prefix}.{domain}"]},
        "klean_api": {"user": [config.api_account]},
    }


def access_rules(config: ServerConfig) -> dict[str, Yaml]:
    """The rules that the listeners and modules of a company name.

    The first is the gate. It carries the name that the client listener already uses, so that a rule
    for one host closes that host on a listener shared with others. `configure` is what newer
    ejabberds (seen in 26.07) ask of an account before it may run a command on a host.
    """
    return {
        config.c2s_access_rule: [{"deny": "klean_api"}, {"allow": "klean_may_chat"}],
        "configure": [{"allow": "klean_api"}],
        "klean_rooms": [{"allow": "klean_component"}, {"deny": "klean_api"}, {"allow": "klean_may_chat"}],
        "klean_component_only": [{"allow": "klean_component"}],
        "klean_may_chat": [{"allow": "klean_may_chat"}],
    }


def shaper_rules() -> dict[str, Yaml]:
    """How many messages wait for somebody who is away."""
    return {"klean_offline": 1000}


def logins(config: ServerConfig) -> dict[str, Yaml]:
    """Logins by our program only, PLAIN only (TLS is required by the listener), nothing to the outside."""
    return {
        "auth_method": ["external"],
        "auth_use_cache": False,
        "extauth_program": config.extauth_program,
        "extauth_pool_name": "kleanxmpp",
        "extauth_pool_size": config.extauth_pool_size,
        "disable_sasl_mechanisms": list(_MECHANISMS_OFF),
        "s2s_access": "none",
    }


def api_permissions(config: ServerConfig) -> dict[str, Yaml]:
    """One account, from this machine, with a password: an address alone would let in every local process."""
    return {
        "kleanxmpp": {
            "from": ["mod_http_api"],
            "who": {"access": {"allow": [{"user": config.api_account}, {"ip": "127.0.0.0/8"}]}},
            "what": list(_COMMANDS),
        }
    }


def own_listeners(config: ServerConfig) -> list[Yaml]:
    """Component and HTTP API, both on loopback. The path pins the API version (v0: what 23.01 speaks)."""
    secret = config.component_secret
    return [
        {
            "port": config.component_port,
            "ip": "127.0.0.1",
            "module": "ejabberd_service",
            "shaper_rule": "none",
            "global_routes": True,
            "check_from": True,
            "hosts": {host: {"password": secret} for host in config.component_hosts},
        },
        {
            "port": config.api_port,
            "ip": "127.0.0.1",
            "module": "ejabberd_http",
            "request_handlers": {"/api/v0": "mod_http_api"},
        },
    ]


def public_listeners(config: ServerConfig, listeners: Listeners) -> list[Yaml]:
    """Clients by TCP with required STARTTLS and by secure websocket. No server-to-server port at all."""
    return [
        {
            "port": listeners.c2s_port,
            "ip": listeners.ip,
            "module": "ejabberd_c2s",
            "max_stanza_size": 262144,
            "access": config.c2s_access_rule,
            "shaper": "none",
            "starttls_required": True,
            "protocol_options": list(_TLS_OPTIONS),
        },
        {
            "port": listeners.https_port,
            "ip": listeners.ip,
            "module": "ejabberd_http",
            "tls": True,
            "protocol_options": list(_TLS_OPTIONS),
            "request_handlers": {listeners.websocket_path: "ejabberd_http_ws"},
        },
    ]


_TLS_OPTIONS = ("no_sslv3", "no_tlsv1", "no_tlsv1_1", "cipher_server_preference", "no_compression")


def modules(config: ServerConfig) -> dict[str, Yaml]:
    """The complete list for a company's host. What is not here is off.

    Off on purpose: mod_register, mod_s2s_*, mod_privilege (breaks components' IQs on 24.12), mod_push,
    mod_mqtt (never asks the session manager), mod_configure and mod_announce (administration by XMPP), mod_last (on
    24.12 whoever was ever online exists for ever by it: messages to leavers would be stored, and bounce to nobody).
    """
    return {
        "mod_adhoc": {},
        "mod_admin_extra": {},
        "mod_avatar": {},
        "mod_blocking": {},
        "mod_caps": {},
        "mod_carboncopy": {},
        "mod_client_state": {},
        "mod_disco": {},
        "mod_http_api": {},
        "mod_mam": {"default": "always", "access_preferences": "none", **_archive(config)},
        "mod_muc": _rooms(config),
        "mod_muc_admin": {},
        "mod_offline": {"access_max_user_messages": "klean_offline"},
        "mod_ping": {},
        "mod_privacy": {},
        "mod_private": {},
        "mod_pubsub": _pubsub(),
        # versioning hashes every list on each change of a shared group: 500 adds took 87 s with it
        "mod_roster": {"access": "none", "versioning": False},
        "mod_shared_roster": {},
        "mod_stream_mgmt": {"resend_on_timeout": "if_offline"},
        "mod_vcard": {"search": False},
        "mod_vcard_xupdate": {},
        **({"mod_klean": {}} if config.klean_module else {}),
    }


def _archive(config: ServerConfig) -> Mapping[str, Yaml]:
    return {"db_type": "sql"} if config.archive_database else {}


_NODES_FOR_OWNER_ONLY = (
    "storage:bookmarks",
    "urn:xmpp:bookmarks:1",
    # names that a person gives to themselves: colleagues see the ones from the directory only
    "http://jabber.org/protocol/nick",
    "urn:xmpp:vcard4",
    "urn:ietf:params:xml:ns:vcard-4.0",
)


def _pubsub() -> dict[str, Yaml]:
    """Personal eventing only."""
    private: dict[str, Yaml] = {"access_model": "whitelist"}
    return {
        "plugins": ["pep"],
        "access_createnode": "klean_may_chat",
        "last_item_cache": False,
        "max_items_node": 1000,
        "force_node_config": dict.fromkeys(_NODES_FOR_OWNER_ONLY, private),
    }


def _rooms(config: ServerConfig) -> dict[str, Yaml]:
    return {
        "host": f"{config.rooms_prefix}.@HOST@",
        "access": "klean_rooms",
        "access_admin": "klean_component_only",
        "access_create": "klean_component_only",
        "access_persistent": "klean_component_only",
        "access_mam": "klean_component_only",
        "access_register": "klean_component_only",
        "history_size": 50,
        "max_user_conferences": 1000,
        "max_users": 10000,
        "max_users_presence": 200,
        "min_message_interval": 0,
        "preload_rooms": True,
        "default_room_options": dict(ROOM_DEFAULTS),
    }


ROOM_DEFAULTS: Mapping[str, Yaml] = {
    "allow_change_subj": False,
    "allow_query_users": True,
    "allow_subscription": False,
    "allow_user_invites": False,
    "anonymous": False,
    "mam": True,
    "max_users": 10000,
    "members_by_default": True,
    "members_only": True,
    # In a moderated room ejabberd stores roles and lets them count more than the list of members: on 23.01
    # somebody who was removed, or banned, walks in again.
    "moderated": False,
    "persistent": True,
    "public": False,
    "public_list": False,
}
