"""Whom and what the audit log's references mean, in words: looked up when a page is shown, because nothing keeps names.

Who was erased has none any more, so the log says it of nobody.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from kleanxmpp.model import Door, Group, User

from .visits import Visit


def N_(message: str) -> str:
    """Mark a text that is said later."""
    return message


_PEOPLE, _GROUPS = "users:read", "groups:read"
_PLAIN: Mapping[str, str] = {
    "company": N_("The company"),
    "session": N_("Administration (by a link)"),
    "hook": N_("HR interface"),
    "hold": N_("Held changes"),
    "secret": N_("A key of the HR interface"),
    "scheduled": N_("A planned change"),
    "webhook": N_("A notification to another system"),
    "link": N_("A one-time link"),
    "schedule": N_("Schedule"),
    "service": N_("Service"),
    "doctor": N_("Server check"),
    "demo": N_("Demo"),
}

DOORS: Mapping[Door, str] = {
    Door.IMPORT: N_("File from HR"),
    Door.SCIM: N_("Identity provider (SCIM)"),
    Door.HR: N_("HR interface"),
    Door.BULK: N_("Many changes by an interface"),
    Door.SWEEP: N_("Comparison of directory and chat server"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What was found for the references of one page, such as `user:ID` or `shell:root`."""

    visit: Visit
    users: Mapping[str, User]
    groups: Mapping[str, Group]
    tokens: Mapping[str, str]

    def text(self, reference: str) -> str:
        """Return what somebody or something is called."""
        say = self.visit.say
        kind, _, key = reference.partition(":")
        if kind == "user":
            return self.users[key].display_name if key in self.users else say("An erased person")
        if kind == "group":
            return self.groups[key].name if key in self.groups else say("A deleted group")
        if kind == "token":
            found = self.tokens.get(key)
            return say("Interface “%(name)s”", name=found) if found else say("An interface that was removed since")
        if kind == "shell":
            return say("Command line (%(name)s)", name=key)
        return say(_PLAIN[kind]) if kind in _PLAIN else reference

    def link(self, reference: str) -> Markup:
        """Return the same, leading to the page about it if there is one that the visitor may see."""
        kind, _, key = reference.partition(":")
        text, path = self.text(reference), None
        if kind == "user" and key in self.users and self.visit.may(_PEOPLE):
            path = f"/people/{key}"
        elif kind == "group" and key in self.groups and not self.groups[key].deleted and self.visit.may(_GROUPS):
            path = f"/groups/{key}"
        return (
            Markup("<bdi>{}</bdi>").format(text) if path is None else Markup('<a href="{}">{}</a>').format(path, text)
        )


async def look_up(visit: Visit, references: Iterable[str]) -> Names:
    """Find the names of all these, in a number of queries that does not depend on how many they are."""
    ids: dict[str, set[str]] = {"user": set(), "group": set(), "token": set()}
    for reference in references:
        kind, _, key = reference.partition(":")
        if kind in ids:
            ids[kind].add(key)
    company = visit.company.id
    async with visit.directory.read() as tx:
        tokens = [*await tx.tokens(company), *await tx.tokens(None)] if ids["token"] else []
        return Names(
            visit=visit,
            users=await tx.users_by_id(company, ids["user"]),
            groups=await tx.groups_by_id(company, ids["group"]),
            tokens={token.id: token.name for token in tokens if token.id in ids["token"]},
        )
