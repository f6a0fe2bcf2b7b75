"""What a document about an off-boarding needs to know, read from the directory in one go.

The document is printed after erasure, too: then there are no names, and ids must do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kleanxmpp import handovers
from kleanxmpp.model import Company, Offboarding, User
from kleanxmpp.ports import Directory, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceFacts:
    """An off-boarding with the names of what it is about.

    `person` None: erased, or being erased. `groups` are names by id, without deleted ones; `people` took groups over,
    or asked for it.
    `token`: the name of the API token that asked, None if it was none, or was revoked since.
    """

    company: Company
    offboarding: Offboarding
    person: User | None = None
    groups: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, User] = field(default_factory=dict)
    token: str | None = None


async def evidence_facts(directory: Directory, company: Company, offboarding: Offboarding) -> EvidenceFacts:
    """Read what the document about this off-boarding says beside the evidence."""
    heirs = {user_id for handover in offboarding.handovers for user_id in handover.to}
    kind, _, asker = offboarding.actor.partition(":")
    asked = {asker} if kind == "user" else set()
    async with directory.read() as tx:
        people = await tx.users_by_id(company.id, {offboarding.user_id, *heirs, *asked})
        known = {user_id: user for user_id, user in people.items() if not user.erasing}
        return EvidenceFacts(
            company=company,
            offboarding=offboarding,
            person=known.get(offboarding.user_id),
            groups=await handovers.group_names(tx, company.id, [offboarding]),
            people=known,
            token=await _token_name(tx, company, offboarding.actor),
        )


async def _token_name(tx: Transaction, company: Company, actor: str) -> str | None:
    kind, _, token_id = actor.partition(":")
    if kind != "token":
        return None
    found = [*await tx.tokens(company.id), *await tx.tokens(None)]
    return next((token.name for token in found if token.id == token_id), None)
