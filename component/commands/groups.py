"""`gruppen` / `groups`: the groups that the person has, with links that open their rooms; no archived ones."""

from collections.abc import Sequence

from kleanxmpp.desired import Circle, Person, room_jid
from kleanxmpp.model import GroupKind, Role

from ..locale import Texts
from .base import Answer, Context, Entry, Tap, Wording, everybody_who_may_chat

MOST = 50
"""Groups in one answer; more would not fit into one message."""


class Groups:
    """Lists the person's groups by name."""

    node = "gruppen"
    words: Sequence[str] = ("gruppen", "gruppe", "groups", "group")

    def wording(self, texts: Texts) -> Wording:
        """Return title, usage and purpose."""
        return Wording(title=texts.groups_title, usage=texts.groups_usage, does=texts.groups_does)

    def allows(self, person: Person) -> bool:
        """Everybody who may chat."""
        return everybody_who_may_chat(person)

    async def run(self, context: Context) -> Answer:
        """Answer from the circles that came with the person; nothing is read."""
        texts = context.texts
        had = (circle for circle in context.person.circles if not circle.group.archived)
        circles = sorted(had, key=lambda circle: circle.group.name.casefold())
        if not circles:
            return Answer(lead=texts.groups_none)
        lead = texts.groups_one if len(circles) == 1 else texts.groups_many.format(count=len(circles))
        hidden = len(circles) - MOST
        return Answer(
            lead=lead,
            entries=tuple(_entry(circle, context=context) for circle in circles[:MOST]),
            close=texts.groups_more.format(count=hidden) if hidden > 0 else "",
        )


def _entry(circle: Circle, *, context: Context) -> Entry:
    texts = context.texts
    notes = [texts.members_one if circle.size == 1 else texts.members_many.format(count=circle.size)]
    if circle.group.kind is GroupKind.ANNOUNCEMENT:
        notes.insert(0, texts.announcement)
    if circle.role is Role.MODERATOR:
        notes.append(texts.you_moderate)
    return Entry(
        name=circle.group.name,
        jid=room_jid(circle.group, rooms_domain=context.rooms_domain),
        tap=Tap.JOIN,
        notes=tuple(notes),
    )
