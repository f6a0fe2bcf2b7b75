"""What ejabberd does differently from what one would expect, found on running servers.

One member a peculiarity; code and tests that live with one name it. The tests in `tests/e2e/ejabberd` try
them on each supported version.
"""

from enum import Enum


class Quirk(Enum):
    """Peculiarities of 23.01, 24.12 and 26.07; without a version: of all three."""

    SUCCESS_IS_ZERO = "A command that failed may answer 200 with body 1; 0 is success."
    SUCCESS_PROVES_NOTHING = (
        "srg_user_add, srg_user_del, srg_delete, set_vcard, private_set and unregister succeed for users and "
        "groups that do not exist; srg_user_add on an unknown host succeeds and does nothing."
    )
    GHOST_GROUPS = (
        "A member of a group that was never created (or was deleted and added to again) is kept, counts for ACLs, and "
        "is in srg_get_members, but the group is not in srg_list."
    )
    NO_GROUP_LIST_FOR_UNKNOWN_HOST = "srg_list answers 500 for an unknown host, connected_users_vhost an empty list."
    DISPLAY_JOINED = (
        r"srg_create takes several displayed groups joined by a backslash and n; srg_get_info gives them back "
        r"joined by a line end (23.01) or line end, comma, line end (24.12)."
    )
    DISPLAY_MUST_EXIST = "24.12 and newer refuse (200, body 1) to display a group that does not exist; 23.01 accepts."
    SET_NICKNAME_REPLACES = "set_nickname replaces the whole vCard, the picture too. set_vcard keeps the rest."
    NO_VALUE_IS_REFUSED = "get_vcard answers 400 where there is no vCard or no such field."
    EMPTY_OPTIONS_ARE_NO_ROOM = "get_room_options answers 200 with {} for a room that does not exist."
    MISSING_ROOM_TEXTS = "Six commands say in four different texts, with 400, that a room does not exist."
    ANY_OPTION_IS_ACCEPTED = "create_room_with_opts accepts option names and values that do not exist."
    NO_AFFILIATIONS_AT_CREATION = (
        "23.01 knows no option `affiliations` in create_room_with_opts (400, no room); "
        "24.12 wants it as owner:JID,member:JID."
    )
    DESTROYED_SOON = "A destroyed room may still be found for a moment after destroy_room has answered."
    SLEEPING_ROOMS = "Rooms that are not loaded are in rooms_unused_list (days 0) only, and looking at one wakes it."
    ROOMS_LISTED_FOR_MEMBERS = "A hidden room is in the service's list for its members (not for anybody else)."
    LISTS_ARE_SORTED = "26.07 sorts every list it answers: never rely on the order of what was asked."
    TROUBLE_FOR_WRONG_TYPES = "26.07 answers 500 to an argument of the wrong type, older ones 400."
    CONFIGURE_FOR_COMMANDS = (
        "26.07 runs a command with an argument `host` only for accounts that the rule `configure` of that host allows."
    )
    GROUP_ACL_HOST = (
        "An ACL `shared_group: NAME` looks in the host whose rule is asked (23.01, 24.12) or in the host of the "
        "person (26.07). Write NAME@HOST."
    )
    MISSING_GATE_GROUP = (
        "On 23.01 an ACL with a group that does not exist ends the connection at bind: closed, but ugly."
    )
    BOOKMARKS_ON_23_01 = (
        "23.01 copies private_set of storage:bookmarks to the personal node of that name and tells all "
        "sessions; it knows nothing of urn:xmpp:bookmarks:1."
    )
    BOOKMARKS_SINCE_23_10 = (
        "24.12 also writes one item a room to urn:xmpp:bookmarks:1, retracts those that are gone, and tells the "
        "sessions whose capabilities ask for it (with a correct XEP-0115 hash)."
    )
    TWO_COMPONENT_CONNECTIONS = (
        "Each connection of the component registers all its hosts; while two are open, stanzas are shared between them."
    )
    SUBJECT_BY_THE_MESSAGE_HOOK = (
        "From 24.12 muc_filter_message also sees private messages, and the subject sent to who joins, "
        "in its author's name."
    )
    SHARED_POOL_STOPS = "A reload that removes a host stops the pool of login programs for all hosts that share it."
    API_CALLS_ARE_LOGGED = "At loglevel info every API command is logged with its arguments."
