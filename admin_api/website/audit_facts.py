"""What else an entry of the audit log says, in words: which fields, whom, how many, by what door.

What has no words here is left out, not shown raw: whoever wants all of it opens the entry.
"""

from collections.abc import Callable, Iterator, Mapping

from kleanxmpp.documents import words as documents
from kleanxmpp.model import AuditEntry

from .core_words import said
from .names import DOORS, N_, Names
from .visits import Visit

FIELDS: Mapping[str, str] = {
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
    "url": N_("address"),
    "types": N_("kinds of events"),
    "enabled": N_("switched on or off"),
    "contact_visibility": N_("who sees whom"),
    "contacts_max": N_("largest contact group"),
    "timezone": N_("time zone"),
    "upload_max_bytes": N_("largest file"),
    "upload_daily_bytes": N_("files in a day"),
    "upload_types": N_("kinds of files"),
    "file_retention_days": N_("how long files are kept"),
    "sources_expected": N_("expected sources"),
    "scim": N_("what the identity provider keeps"),
}
ROLES: Mapping[str, str] = {
    "admin": N_("Administrator"),
    "hr": N_("HR"),
    "group_lead": N_("Group lead"),
    "auditor": N_("Auditor"),
}
VALUES: Mapping[str, Mapping[str, str]] = {
    "kind": {
        "team": N_("Team: all write"),
        "announcement": N_("Announcements: only moderators write"),
        "employee.joined": N_("joins"),
        "employee.updated": N_("facts change"),
        "employee.paused": N_("is paused"),
        "employee.left": N_("leaves the company"),
        "employee.returned": N_("comes back"),
        "permission.changed": N_("the chat permission changes"),
    },
    "absence": {"paused": N_("paused"), "garden_leave": N_("on garden leave")},
    "purpose": {
        "sign_in": N_("Sign in to the dashboard"),
        "join": N_("Set up a device"),
        "chat": N_("Chat in the browser"),
    },
    "by": {"oidc": N_("with the company's account"), "link": N_("with a one-time link")},
    "door": {door.value: label for door, label in DOORS.items()},
}
"""Details that are one of a few words."""
_COUNTS: Mapping[str, str] = {
    "people": N_("People: %(count)s"),
    "skipped": N_("Left alone: %(count)s"),
    "differing": N_("Differences: %(count)s"),
    "removing": N_("Would lose something: %(count)s"),
    "kept": N_("Kept as fixed members: %(count)s"),
    "events": N_("Events: %(count)s"),
}


def more(entry: AuditEntry, names: Names) -> str | None:
    """Return what else is worth knowing at a glance; None: nothing."""
    facts = entry.details
    told = [*_whom(facts, names), *(text for tell in _TELLING for text in tell(facts, names.visit))]
    return "; ".join(told) or None


def mentioned(entry: AuditEntry) -> Iterator[str]:
    """Yield the references in an entry whose names it takes to tell it."""
    yield entry.actor
    yield entry.subject
    if isinstance(user := entry.details.get("user"), str):
        yield f"user:{user}"


def _fields(facts: Mapping[str, object], visit: Visit) -> Iterator[str]:
    if isinstance(fields := facts.get("fields"), list | tuple) and fields:
        yield ", ".join(visit.say(FIELDS[one]) if one in FIELDS else str(one) for one in fields)


def _circle(facts: Mapping[str, object], visit: Visit) -> Iterator[str]:
    put, removed = _number(facts.get("put")), _number(facts.get("removed"))
    if put is not None and removed is not None:
        yield visit.say("In or with another role: %(put)s. Out: %(removed)s.", put=put, removed=removed)


def _roles(facts: Mapping[str, object], visit: Visit) -> Iterator[str]:
    if "before" in facts and "after" in facts:
        before, after = (_listed(facts[one], visit) for one in ("before", "after"))
        yield visit.say("Before: %(before)s. Now: %(after)s.", before=before, after=after)


def _values(facts: Mapping[str, object], visit: Visit) -> Iterator[str]:
    for name, known in VALUES.items():
        if (word := known.get(str(facts.get(name)).partition(":")[0])) is not None:
            yield visit.say(word)
    modes = documents.WORDS[visit.language].modes
    if (mode := str(facts.get("mode"))) in modes:
        yield modes[mode]


def _counts(facts: Mapping[str, object], visit: Visit) -> Iterator[str]:
    for name, words in _COUNTS.items():
        if (count := _number(facts.get(name))) is not None:
            yield visit.say(words, count=count)


def _why(facts: Mapping[str, object], visit: Visit) -> Iterator[str]:
    if isinstance(why := facts.get("why"), str):
        yield said(why, language=visit.language) or why


_TELLING: tuple[Callable[[Mapping[str, object], Visit], Iterator[str]], ...] = (
    _fields,
    _circle,
    _roles,
    _values,
    _counts,
    _why,
)


def _whom(facts: Mapping[str, object], names: Names) -> Iterator[str]:
    """Yield the name of whoever an entry is about besides its subject."""
    if isinstance(user := facts.get("user"), str):
        yield names.text(f"user:{user}")


def _listed(roles: object, visit: Visit) -> str:
    if not isinstance(roles, list | tuple) or not roles:
        return visit.say("none")
    return ", ".join(visit.say(ROLES[one]) if one in ROLES else str(one) for one in roles)


def _number(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, Mapping | list | tuple):
        return len(value)
    return value if isinstance(value, int) else None
