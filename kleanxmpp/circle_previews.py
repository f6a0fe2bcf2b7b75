"""What a draft of a circle would do, before it is saved: who comes, who goes, how many devices see it, what to heed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kleanxmpp.circle_drafts import CircleDraft, Difference
from kleanxmpp.desired import makes_contacts, may_chat
from kleanxmpp.model import Company, Group, Role, User
from kleanxmpp.ports import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class CirclePreview:
    """`people` are those whom the draft is about, by id. `devices`: of everybody who is in the circle afterwards.

    Of an archived group there are none: nobody sees it.
    `lost`: those of the draft who are not in the directory any more; saving goes on without them. `contacts_end`: the
    circle grows beyond what makes entries in contact lists.
    """

    difference: Difference
    people: Mapping[str, User]
    size: int
    devices: int
    resting: Sequence[User]
    lost: frozenset[str]
    contacts_end: bool
    moderated: bool

    def named(self, user_ids: Sequence[str] | frozenset[str] | Mapping[str, Role]) -> Sequence[User]:
        """Return these people in the order of their names."""
        found = [self.people[user_id] for user_id in user_ids if user_id in self.people]
        return sorted(found, key=lambda user: (user.display_name.casefold(), user.username))


async def preview(
    tx: Transaction, company: Company, group: Group, draft: CircleDraft
) -> tuple[CirclePreview, CircleDraft]:
    """Return what saving the draft would do, and the draft without people who are gone. Changes nothing."""
    change = draft.difference
    people = await tx.users_by_id(company.id, [*change.put, *change.leaving])
    lost = frozenset(u for u in change.put if u not in people or people[u].erasing)
    draft = draft.without(lost)
    change = draft.difference
    standings = (await tx.standings([group.id])).get(group.id, {})
    by_rule = {user_id for user_id, one in standings.items() if one.by_rule}
    after = draft.roles.keys() | by_rule
    devices = await tx.credential_counts(after) if not group.archived else {}
    contacts_before = makes_contacts(company, group, size=len(standings))
    return CirclePreview(
        difference=change,
        people=people,
        size=len(after),
        devices=sum(devices.values()),
        resting=[people[u] for u in change.joining if not may_chat(company, people[u])],
        lost=lost,
        contacts_end=contacts_before and not makes_contacts(company, group, size=len(after)),
        moderated=Role.MODERATOR in draft.roles.values(),
    ), draft
