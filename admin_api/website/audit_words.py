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
    "group.archived": N_("%(whom)s: group archived"),
    "group.restored": N_("%(whom)s: group brought back"),
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


def sentence(entry: AuditEntry, names: Names) -> Markup:
    """Return what happened, with links; the action's own name where there are no words for it."""
    words = ACTIONS.get(entry.action)
    if words is None:
        return Markup("{}: {}").format(names.link(entry.subject), entry.action)
    return Markup(names.visit.say(words)) % {"whom": names.link(entry.subject)}


def choices(visit: Visit) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return all actions to choose from, by area."""
    found: dict[str, list[tuple[str, str]]] = {area: [] for area in AREAS}
    for action, words in ACTIONS.items():
        found[action.partition(".")[0]].append((action, visit.say(words).replace("%(whom)s", "…")))
    return [(visit.say(AREAS[area]), options) for area, options in found.items()]
