"""Traces of people without full access, as a sweep finds them, counted by kind.

Every sweep looks for all of them. A plan is what is counted, so that a trace is exactly what is going to be mended.
"""

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field

from kleanxmpp import changes
from kleanxmpp.desired import KEYS
from kleanxmpp.plan import Plan
from kleanxmpp.state import Affiliation, UserState

KINDS = (
    "gate", "sessions", "rooms", "strange_rooms", "contact_groups", "bookmarks", "push", "offline_messages", "tokens",
)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Traces:
    """What was found, by username (of strange domains: by JID). `chatting` are those who may have all of it."""

    domain: str
    chatting: frozenset[str] = frozenset()
    found: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, kind: str, who: str, count: int = 1) -> None:
        """Note that there is something of this person; people who may chat, and nothing, are left out."""
        if count and who not in self.chatting:
            self.found[who][kind] += count

    def of_circles(self, plan: Plan) -> None:
        """Note whom a plan takes out of rooms and contact groups."""
        for step in plan:
            match step:
                case changes.SetAffiliations():
                    self.of_room("rooms", step)
                case changes.RemoveFromSharedGroup(name=name, usernames=usernames) if name not in KEYS:
                    for username in usernames:
                        self.add("contact_groups", username)

    def of_room(self, kind: str, step: changes.SetAffiliations) -> None:
        """Note whom a step takes out of a room."""
        for jid, affiliation in step.affiliations.items():
            if affiliation is Affiliation.NONE:
                self.add(kind, jid.removesuffix(f"@{self.domain}"))

    def of_person(self, username: str, *, wanted: UserState, actual: UserState) -> None:
        """Note which bookmarks, registrations, messages and tokens somebody has and should not."""
        if wanted.bookmarks is not None and actual.bookmarks is not None:
            self.add("bookmarks", username, len(actual.bookmarks - wanted.bookmarks))
        if wanted.leftovers is not None and actual.leftovers is not None:
            for kind, count in asdict(actual.leftovers).items():
                self.add(kind, username, count)

    def total(self, *, without: frozenset[str]) -> Counter[str]:
        """Count everything by kind, without what is there of these people."""
        return sum((counts for who, counts in self.found.items() if who not in without), Counter[str]())
