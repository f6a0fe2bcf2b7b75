"""`kontakt` / `contact`: whom to ask. These are the moderators of the person's own groups.

Nobody else is named: the directory knows no role above moderator that a colleague should be sent to.
"""

from collections.abc import Sequence

from kleanxmpp import assistant
from kleanxmpp.desired import Person

from ..locale import Texts
from .base import Answer, Context, Entry, Tap, Wording, everybody_who_may_chat

MOST = 10
GROUPS_NAMED = 3


class Contact:
    """Names the moderators of the person's groups, those of most common groups first."""

    node = "kontakt"
    words: Sequence[str] = ("kontakt", "contact", "ansprechpartner", "ansprechperson", "kontakte", "contacts")

    def wording(self, texts: Texts) -> Wording:
        """Return title, usage and purpose."""
        return Wording(title=texts.contact_title, usage=texts.contact_usage, does=texts.contact_does)

    def allows(self, person: Person) -> bool:
        """Everybody who may chat."""
        return everybody_who_may_chat(person)

    async def run(self, context: Context) -> Answer:
        """Answer with at most ten moderators who may chat themselves."""
        texts, company = context.texts, context.person.company
        moderators = await assistant.moderators_for(context.directory, context.person)
        if not moderators:
            return Answer(lead=texts.contact_none.format(company=company.name))
        hidden = len(moderators) - MOST
        return Answer(
            lead=texts.contact_lead.format(company=company.name),
            entries=tuple(
                Entry(
                    name=moderator.display_name,
                    jid=f"{moderator.username}@{company.domain}",
                    tap=Tap.MESSAGE,
                    notes=(texts.moderates.format(groups=_few(moderator.groups)),),
                )
                for moderator in moderators[:MOST]
            ),
            close=texts.contact_more.format(count=hidden) if hidden > 0 else "",
        )


def _few(groups: Sequence[str]) -> str:
    return ", ".join(groups[:GROUPS_NAMED]) + (" …" if len(groups) > GROUPS_NAMED else "")
