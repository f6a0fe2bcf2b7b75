"""One person added or changed inside a transaction that is open already: what all use cases about people share.

`patched` says what a person would be, `save` saves that and sets in motion what follows. Whoever comes by a door
(`kleanxmpp.doors`) asks the guard in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from kleanxmpp import attributes, consequences, drafts, errors
from kleanxmpp.attributes import Attributes
from kleanxmpp.model import Absence, Company, User
from kleanxmpp.ports import Transaction

_PLAIN = ("active", "chat_permission", "admin", "absence", "absent_until")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPatch:
    """What shall be different about a person. `fields` names what is meant; the rest of the values is ignored.

    Attributes are merged with those that are known. An absence of None ends one.
    """

    fields: frozenset[str]
    display_name: str = ""
    external_id: str | None = None
    email: str | None = None
    locale: str = "de"
    active: bool = True
    chat_permission: bool = True
    admin: bool = False
    attributes: Attributes = field(default_factory=dict, hash=False)
    absence: Absence | None = None
    absent_until: datetime | None = None


async def add(
    tx: Transaction, company: Company, new: drafts.NewUser, *, actor: str, reason: str | None = None, now: datetime
) -> User:
    """Add a person. Raises Invalid or Conflict with the field named."""
    user = await drafts.draft(tx, company, new, now=now)
    await tx.add_users([user])
    await consequences.record_changes(
        tx, company=company, before=[None], after=[user], actor=actor, reason=reason, now=now
    )
    return user


async def patched(tx: Transaction, company: Company, user: User, patch: UserPatch) -> User:
    """Return what the person would be, not saved. Equal to `user` if nothing differs. Raises Invalid or Conflict."""
    after = user
    if "display_name" in patch.fields:
        after = await _renamed(tx, company, after, drafts.checked_name(patch.display_name))
    if "locale" in patch.fields:
        after = replace(after, locale=drafts.checked_locale(patch.locale))
    if "attributes" in patch.fields:
        after = replace(after, attributes=attributes.merged(user.attributes, patch.attributes))
    plain: dict[str, Any] = {f: getattr(patch, f) for f in _PLAIN if f in patch.fields}
    plain |= {f: getattr(patch, f) or None for f in ("external_id", "email") if f in patch.fields}
    after = replace(after, **plain)
    return after if after.active else replace(after, absence=None, absent_until=None)


async def save(
    tx: Transaction,
    company: Company,
    pairs: Sequence[tuple[User, User]],
    *,
    actor: str,
    reason: str | None,
    now: datetime,
    successor: User | None = None,
) -> Sequence[User]:
    """Save what differs between as-they-are and as-they-shall-be, and set in motion what follows.

    Return everybody as they are now, in order; their versions have grown where something differed. Bulk.
    """
    saved = [(old, old if new == old else replace(new, version=old.version + 1)) for old, new in pairs]
    changed = [(old, new) for old, new in saved if new is not old]
    if changed:
        before, after = [old for old, _ in changed], [new for _, new in changed]
        await tx.save_users(after)
        await consequences.record_changes(
            tx,
            company=company,
            before=before,
            after=after,
            actor=actor,
            reason=reason,
            now=now,
            successor=successor,
        )
    return [new for _, new in saved]


def not_erasing(user: User | None, *, erasing: bool = False) -> User:
    """Return the user, or raise NotFound. Who is being erased is found only when `erasing` is True."""
    if user is None or (user.erasing and not erasing):
        raise errors.NotFound("There is no user with this id in the company.")
    return user


async def _renamed(tx: Transaction, company: Company, user: User, display_name: str) -> User:
    if display_name == user.display_name:
        return user
    nickname = await drafts.free_nickname(tx, company, display_name, username=user.username, own=user.id)
    return replace(user, display_name=display_name, nickname=nickname)
