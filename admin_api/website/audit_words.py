"""The audit log in sentences. A test finds every action of the code base here, and none that nobody writes."""

from collections.abc import Mapping

from markupsafe import Markup

from kleanxmpp.model import AuditEntry

from .names import N_, Names
from .visits import Visit

ACTIONS: Mapping[str, str] = {
    "user.added": N_("%(whom)s was added"),
    "user.changed": N_("%(whom)s was changed"),
    "user.deactivated": N_("%(whom)s left, access was withdrawn"),
    "user.reactivated": N_("%(whom)s came back"),
    "user.permission_granted": N_("%(whom)s may chat"),
    "user.permission_withdrawn": N_("%(whom)s may not chat any more"),
    "user.absent": N_("%(whom)s is absent"),
    "user.absence_ended": N_("%(whom)s is not absent any more"),
    "user.roles_changed": N_("%(whom)s has other roles on the dashboard"),
    "user.held": N_("%(whom)s: loss of access is held until somebody confirms it"),
    "user.hold_taken_back": N_("%(whom)s: the held loss of access was taken back"),
    "user.photo_changed": N_("%(whom)s has another photo"),
    "user.photo_removed": N_("%(whom)s: the photo was removed"),
    "user.erasure_requested": N_("%(whom)s is to be erased"),
    "user.erased": N_("%(whom)s was erased"),
    "credential.issued": N_("%(whom)s got access for a device"),
    "credential.revoked": N_("%(whom)s: access of a device was revoked"),
    "file.erased": N_("%(whom)s: a file was erased"),
    "offboarding.completed": N_("%(whom)s: off-boarding complete and proven"),
    "offboarding.cancelled": N_("%(whom)s: off-boarding broken off, access was given back"),
    "offboarding.repeated": N_("%(whom)s: off-boarding was asked for again"),
    "session.began": N_("%(whom)s signed in to the website"),
    "session.ended": N_("%(whom)s was signed out of the website"),
    "link.made": N_("%(whom)s: a one-time link was made"),
    "link.revoked": N_("%(whom)s was revoked"),
    "group.added": N_("%(whom)s: group made"),
    "group.changed": N_("%(whom)s: group changed"),
    "group.deleted": N_("%(whom)s: group deleted"),
    "group.circle_changed": N_("%(whom)s: members changed"),
    "group.exception_added": N_("%(whom)s: an exception from the rule was added"),
    "group.exception_removed": N_("%(whom)s: an exception from the rule was removed"),
    "hold.confirmed": N_("%(whom)s were confirmed"),
    "hold.discarded": N_("%(whom)s were discarded"),
    "sweep.started": N_("Directory and chat server were compared"),
    "sweep.forced": N_("Directory and chat server were compared, and everything repaired"),
    "scheduled.added": N_("%(whom)s was entered"),
    "scheduled.changed": N_("%(whom)s was changed before its time"),
    "scheduled.cancelled": N_("%(whom)s was cancelled"),
    "scheduled.done": N_("%(whom)s was carried out"),
    "scheduled.failed": N_("%(whom)s could not be carried out"),
    "company.added": N_("The company was set up"),
    "company.changed": N_("Settings of the company were changed"),
    "token.issued": N_("%(whom)s: access to the interface was made"),
    "token.revoked": N_("%(whom)s: access to the interface was revoked"),
    "secret.added": N_("%(whom)s was added"),
    "secret.removed": N_("%(whom)s was removed"),
    "webhook.added": N_("%(whom)s was set up"),
    "webhook.changed": N_("%(whom)s was changed"),
    "webhook.removed": N_("%(whom)s was removed"),
    "webhook.disabled": N_("%(whom)s was switched off after many failures"),
    "webhook.replayed": N_("%(whom)s was sent again"),
    "webhook.secret_rotated": N_("%(whom)s got a new key"),
}
"""Every sentence is about the entry's subject; what begins alike belongs together."""

AREAS: Mapping[str, str] = {
    "user": N_("People"),
    "credential": N_("Devices"),
    "file": N_("Files"),
    "offboarding": N_("Off-boardings"),
    "session": N_("Website"),
    "link": N_("One-time links"),
    "group": N_("Groups"),
    "hold": N_("Held changes"),
    "sweep": N_("Comparisons"),
    "scheduled": N_("Planned changes"),
    "company": N_("Company"),
    "token": N_("Interfaces"),
    "secret": N_("HR interface"),
    "webhook": N_("Notifications to other systems"),
}

_FIELDS: Mapping[str, str] = {
    "display_name": N_("name"),
    "name": N_("name"),
    "external_id": N_("personnel number"),
    "email": N_("e-mail address"),
    "locale": N_("language"),
    "admin": N_("takes over groups without a moderator"),
    "attributes": N_("attributes"),
    "description": N_("description"),
    "kind": N_("kind"),
    "rule": N_("rule"),
    "enabled": N_("switched on or off"),
    "contact_visibility": N_("who sees whom"),
    "contacts_max": N_("largest contact group"),
    "timezone": N_("time zone"),
    "upload_max_bytes": N_("largest file"),
    "upload_daily_bytes": N_("files in a day"),
    "upload_types": N_("kinds of files"),
    "file_retention_days": N_("how long files are kept"),
    "sources_expected": N_("expected sources"),
}


def sentence(entry: AuditEntry, names: Names) -> Markup:
    """Return what happened, with links; the action's own name where there are no words for it."""
    words = ACTIONS.get(entry.action)
    if words is None:
        return Markup("{}: {}").format(names.link(entry.subject), entry.action)
    return Markup(names.visit.say(words)) % {"whom": names.link(entry.subject)}


def more(entry: AuditEntry, visit: Visit) -> str | None:
    """Return what else is worth knowing at a glance: which fields, how many people."""
    facts, say = entry.details, visit.say
    if isinstance(fields := facts.get("fields"), list | tuple):
        return ", ".join(say(_FIELDS[one]) if one in _FIELDS else str(one) for one in fields)
    put, removed = facts.get("put"), facts.get("removed")
    if isinstance(put, Mapping) and isinstance(removed, list | tuple):
        return say("In or with another role: %(put)s. Out: %(removed)s.", put=len(put), removed=len(removed))
    if "people" in facts:
        return say("People: %(count)s", count=facts["people"])
    if "before" in facts and "after" in facts:
        return say(
            "Before: %(before)s. Now: %(after)s.", before=_listed(facts["before"]), after=_listed(facts["after"])
        )
    return None


def choices(visit: Visit) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return all actions to choose from, by area."""
    found: dict[str, list[tuple[str, str]]] = {area: [] for area in AREAS}
    for action, words in ACTIONS.items():
        found[action.partition(".")[0]].append((action, visit.say(words).replace("%(whom)s", "…")))
    return [(visit.say(AREAS[area]), options) for area, options in found.items()]


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) and value else "-"
