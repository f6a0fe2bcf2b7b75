"""Many people added or brought up to date inside one transaction, in a number of queries that does not grow with them.

Everybody is looked at one by one, with what all of them need read beforehand, so that it is known who cannot be put
(`errors.InBatch`); only then anything is saved, for all at once.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, cast

from kleanxmpp import consequences, doors, drafts, edits, errors, jid, names
from kleanxmpp.doors import Passage
from kleanxmpp.drafts import NewUser
from kleanxmpp.edits import UserPatch
from kleanxmpp.guard import Pair
from kleanxmpp.model import Company, User
from kleanxmpp.ports import Transaction

_CANDIDATES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """Somebody as they shall be. `update` False: nobody may be there under the external id. See `users.put_user`."""

    new: NewUser
    if_version: int | None = None
    update: bool = True


def patch_for(user: User, new: NewUser, *, if_version: int | None = None) -> UserPatch:
    """Return what brings somebody who is there up to date. Raises Conflict or Stale."""
    if user.erasing:
        raise errors.Conflict("This person is being erased. Repeat this when it is done.", field="external_id")
    if if_version is not None and user.version != if_version:
        raise errors.Stale
    if new.username and jid.normalise_localpart(new.username) != user.username:
        raise errors.Conflict("A username is for ever; this person has another one.", field="username")
    given = {"display_name", "active", "chat_permission"} | {f for f in ("email", "locale") if getattr(new, f)}
    given |= {"attributes"} if new.attributes else set()
    given |= set() if new.admin is None else {"admin"}
    return UserPatch(
        fields=frozenset(given),
        display_name=new.display_name,
        email=new.email,
        locale=new.locale or user.locale,
        active=new.active,
        chat_permission=new.chat_permission,
        admin=bool(new.admin),
        attributes=new.attributes,
    )


async def put_all(
    tx: Transaction, company: Company, wanted: Sequence[Put], *, by: Passage, actor: str, now: datetime
) -> Sequence[tuple[User, bool]]:
    """Put these people, each external id once; return them in order, and whether they are new.

    Raises InBatch, from what is wrong with the first who cannot be put; then nothing was saved.
    """
    found = await tx.users_by_external_id(company.id, {one.new.external_id for one in wanted if one.new.external_id})
    known = _ReadAhead(tx)
    await known.look(company, [(one.new, found.get(one.new.external_id or "")) for one in wanted])
    added: dict[int, User] = {}
    pairs: dict[int, Pair] = {}
    affirmed: dict[str, frozenset[str]] = {}
    for index, one in enumerate(wanted):
        before = found.get(one.new.external_id or "")
        try:
            if before is None:
                added[index] = await _drafted(known, company, one, now=now)
            else:
                patch = _patch(before, one)
                pairs[index] = before, await edits.patched(cast(Transaction, known), company, before, patch)
                affirmed[before.id] = doors.affirmed(patch)
        except (errors.Conflict, errors.Invalid, errors.Stale) as error:
            raise errors.InBatch(index) from error
        known.give(added[index] if before is None else pairs[index][1])
    saved = await _save(tx, company, added, pairs, affirmed, by=by, actor=actor, now=now)
    return [(saved[index], index in added) for index in range(len(wanted))]


async def add_all(
    tx: Transaction, company: Company, wanted: Sequence[NewUser], *, actor: str, reason: str | None, now: datetime
) -> Sequence[User]:
    """Add these people, of whom nobody is there; return them in order. Raises InBatch as `put_all` does."""
    known = _ReadAhead(tx)
    await known.look(company, [(one, None) for one in wanted])
    added: list[User] = []
    for index, one in enumerate(wanted):
        try:
            added.append(await _drafted(known, company, Put(new=one), now=now))
        except (errors.Conflict, errors.Invalid) as error:
            raise errors.InBatch(index) from error
        known.give(added[-1])
    await _save_new(tx, company, added, actor=actor, reason=reason, now=now)
    return added


async def _drafted(known: "_ReadAhead", company: Company, one: Put, *, now: datetime) -> User:
    if one.if_version is not None:
        raise errors.Stale
    user = await drafts.draft(cast(Transaction, known), company, one.new, now=now)
    if one.new.username and await known.taken_usernames(company.id, [user.username]):
        raise errors.Conflict(field="username")
    return user


def _patch(before: User, one: Put) -> UserPatch:
    if not one.update:
        raise errors.Conflict(field="external_id")
    return patch_for(before, one.new, if_version=one.if_version)


async def _save(
    tx: Transaction,
    company: Company,
    added: Mapping[int, User],
    pairs: Mapping[int, Pair],
    affirmed: Mapping[str, frozenset[str]],
    *,
    by: Passage,
    actor: str,
    now: datetime,
) -> Mapping[int, User]:
    await _save_new(tx, company, list(added.values()), actor=actor, reason=None, now=now)
    said: Sequence[doors.Said] = ()
    if pairs:
        said = await doors.say_pairs(
            tx, company, list(pairs.values()), affirmed=affirmed, by=by, actor=actor, reason=None, now=now
        )
    return {**added, **{index: one.user for index, one in zip(pairs, said, strict=True)}}


async def _save_new(
    tx: Transaction, company: Company, new: Sequence[User], *, actor: str, reason: str | None, now: datetime
) -> None:
    if new:
        await tx.add_users(new)
        await consequences.record_changes(
            tx, company=company, before=[None] * len(new), after=new, actor=actor, reason=reason, now=now
        )


class _ReadAhead:
    """What drafts ask about names, read at once for all of them. Who was given a name in between has it, too."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._asked: set[str] = set()
        self._taken: set[str] = set()
        self._asked_nicknames: set[str] = set()
        self._holders: dict[str, str] = {}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the transaction has
        return getattr(self._tx, name)

    async def look(self, company: Company, people: Sequence[tuple[NewUser, User | None]]) -> None:
        """Read what these people's names may need."""
        await self.taken_usernames(company.id, {one for new, user in people if not user for one in _usernames(new)})
        renamed = [(new, user) for new, user in people if user is None or user.display_name != new.display_name]
        await self.taken_nicknames(company.id, {one for new, user in renamed for one in _nicknames(new, user)})

    def give(self, user: User) -> None:
        """Remember that these names are somebody's by now."""
        self._taken.add(user.username)
        self._holders[names.nickname_key(user.nickname)] = user.id

    async def taken_usernames(self, company_id: str, usernames: Collection[str]) -> frozenset[str]:
        if fresh := set(usernames) - self._asked:
            self._taken |= await self._tx.taken_usernames(company_id, fresh)
            self._asked |= fresh
        return frozenset(one for one in usernames if one in self._taken)

    async def taken_nicknames(self, company_id: str, nicknames: Collection[str]) -> Mapping[str, str]:
        if fresh := set(nicknames) - self._asked_nicknames:
            for nickname, holder in (await self._tx.taken_nicknames(company_id, fresh)).items():
                self._holders.setdefault(names.nickname_key(nickname), holder)
            self._asked_nicknames |= fresh
        keys = {one: names.nickname_key(one) for one in nicknames}
        return {one: self._holders[key] for one, key in keys.items() if key in self._holders}


def _usernames(new: NewUser) -> Iterator[str]:
    """Yield the usernames that somebody new may get, as far as that can be said of what may yet be refused."""
    try:
        yield from (
            [jid.normalise_localpart(new.username)]
            if new.username
            else islice(names.numbered_from(names.username_from(drafts.checked_name(new.display_name))), _CANDIDATES)
        )
    except errors.Invalid:
        return


def _nicknames(new: NewUser, user: User | None) -> Iterator[str]:
    try:
        name = drafts.checked_name(new.display_name)
        username = user.username if user else next(_usernames(new), "")
        yield from islice(names.nicknames_from(name, username), _CANDIDATES)
    except errors.Invalid:
        return
