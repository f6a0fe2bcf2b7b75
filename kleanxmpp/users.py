"""Use cases about people. Every door (API, command line, import) comes through here.

`record_changes` is the one place that decides what a change of a person sets in motion: an off-boarding
begins when somebody who could chat no longer may, whatever the reason was, and in the same transaction as
the change itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from kleanxmpp import errors, ids, jid, names, offboardings
from kleanxmpp.desired import may_chat
from kleanxmpp.model import Aspect, AuditEntry, Company, Due, Offboarding, User
from kleanxmpp.offboardings import scope_of
from kleanxmpp.ports import Directory, Transaction

LOCALES = ("de", "en")
_NAMES = Aspect.PROFILE | Aspect.BOOKMARKS


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """What is known about a person before they are in the directory. Without username one is made from the name."""

    display_name: str
    username: str | None = None
    external_id: str | None = None
    email: str | None = None
    locale: str | None = None
    active: bool = True
    chat_permission: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPatch:
    """What shall be different about a person. `fields` names what is meant; the rest of the values is ignored."""

    fields: frozenset[str]
    display_name: str = ""
    external_id: str | None = None
    email: str | None = None
    locale: str = "de"
    active: bool = True
    chat_permission: bool = True


async def add_user(directory: Directory, company: Company, new: NewUser, *, actor: str, now: datetime) -> User:
    """Add a person. Raises Invalid or Conflict with the field named."""
    async with directory.write(company.id) as tx:
        return await _add(tx, company, new, actor=actor, now=now)


async def update_user(
    directory: Directory,
    company: Company,
    user_id: str,
    patch: UserPatch,
    *,
    actor: str,
    now: datetime,
    if_version: int | None = None,
) -> User:
    """Change a person. Raises Stale if `if_version` is not the version any more."""
    async with directory.write(company.id) as tx:
        user = await existing(tx, company, user_id)
        if if_version is not None and user.version != if_version:
            raise errors.Stale
        return await _update(tx, company, user, patch, actor=actor, reason=None, now=now)


async def put_user(
    directory: Directory,
    company: Company,
    new: NewUser,
    *,
    actor: str,
    now: datetime,
    if_version: int | None = None,
) -> tuple[User, bool]:
    """Create or update the person with this external id; repeatable. Return the user and whether it is new.

    Optional facts that `new` leaves open (None) stay as they are. A username is fixed once given: another one raises
    Conflict.
    """
    if not new.external_id:
        raise errors.Invalid("An external id is needed.", field="external_id")
    async with directory.write(company.id) as tx:
        found = await tx.users_by_external_id(company.id, [new.external_id])
        if new.external_id not in found:
            if if_version is not None:
                raise errors.Stale
            return await _add(tx, company, new, actor=actor, now=now), True
        user = found[new.external_id]
        if user.erasing:
            raise errors.Conflict("This person is being erased. Repeat this when it is done.", field="external_id")
        if if_version is not None and user.version != if_version:
            raise errors.Stale
        if new.username and jid.normalise_localpart(new.username) != user.username:
            raise errors.Conflict("A username is for ever; this person has another one.", field="username")
        given = {"display_name", "active", "chat_permission"} | {f for f in ("email", "locale") if getattr(new, f)}
        patch = UserPatch(
            fields=frozenset(given),
            display_name=new.display_name,
            email=new.email,
            locale=new.locale or user.locale,
            active=new.active,
            chat_permission=new.chat_permission,
        )
        return await _update(tx, company, user, patch, actor=actor, reason=None, now=now), False


async def deactivate(
    directory: Directory, company: Company, user_id: str, *, actor: str, reason: str | None, now: datetime
) -> Offboarding:
    """Off-board a person: from the commit on no login succeeds. Repeatable; each call is proven anew.

    Return the open off-boarding, which the reconcile loop completes.
    """
    async with directory.write(company.id) as tx:
        user = await existing(tx, company, user_id)
        patch = UserPatch(fields=frozenset({"active"}), active=False)
        await _update(tx, company, user, patch, actor=actor, reason=reason, now=now)
        return await offboardings.begin(tx, user, actor=actor, reason=reason, now=now)


async def reactivate(
    directory: Directory, company: Company, user_id: str, *, actor: str, reason: str | None, now: datetime
) -> User:
    """Undo a deactivation: circles are effective again, the person's credentials work again."""
    async with directory.write(company.id) as tx:
        user = await existing(tx, company, user_id)
        patch = UserPatch(fields=frozenset({"active"}), active=True)
        return await _update(tx, company, user, patch, actor=actor, reason=reason, now=now)


async def erase(
    directory: Directory,
    company: Company,
    user_id: str,
    *,
    actor: str,
    reason: str | None,
    now: datetime,
    if_version: int | None = None,
) -> Offboarding:
    """Off-board a person and erase what is stored about them once that is proven. The username stays retired."""
    async with directory.write(company.id) as tx:
        user = await existing(tx, company, user_id, erasing=True)
        if if_version is not None and user.version != if_version:
            raise errors.Stale
        after = replace(user, active=False, erasing=True, version=user.version + 1)
        await tx.save_users([after])
        await record_changes(tx, company=company, before=[user], after=[after], actor=actor, reason=reason, now=now)
        return await offboardings.begin(tx, after, actor=actor, reason=reason, now=now)


async def existing(tx: Transaction, company: Company, user_id: str, *, erasing: bool = False) -> User:
    """Return the user, or raise NotFound. Who is being erased is found only when `erasing` is True."""
    user = await tx.user(company.id, user_id)
    if user is None or (user.erasing and not erasing):
        raise errors.NotFound("There is no user with this id in the company.")
    return user


async def record_changes(
    tx: Transaction,
    *,
    company: Company,
    before: Sequence[User | None],
    after: Sequence[User],
    actor: str,
    reason: str | None,
    now: datetime,
) -> None:
    """Set in motion what already saved changes mean: due marks, off-boardings begun or cancelled, audit entries.

    `before` and `after` are pairs by position; None before: the person is new. Bulk: cost follows the pairs.
    """
    marks: list[Due] = []
    audit: list[AuditEntry] = []
    for old, new in zip(before, after, strict=True):
        could, can = old is not None and may_chat(company, old), may_chat(company, new)
        if could and not can:
            await offboardings.begin(tx, new, actor=actor, reason=reason, now=now)
        elif can and not could:
            if old is not None:
                await offboardings.cancel(tx, new, now=now)
            marks.append(_mark(new, aspects=Aspect.ALL, now=now))
        elif can and old is not None and _names_of(old) != _names_of(new):
            marks.append(_mark(new, aspects=_NAMES, now=now))
        audit += _audit(old, new, actor=actor, reason=reason, now=now)
    await tx.mark_due(marks)
    await tx.add_audit(audit)


async def _add(tx: Transaction, company: Company, new: NewUser, *, actor: str, now: datetime) -> User:
    user = await draft(tx, company, new, now=now)
    await tx.add_users([user])
    await record_changes(tx, company=company, before=[None], after=[user], actor=actor, reason=None, now=now)
    return user


async def draft(tx: Transaction, company: Company, new: NewUser, *, now: datetime) -> User:
    """Return a valid user that is not saved yet, with a username and a nickname that nobody else has."""
    display_name = checked_name(new.display_name)
    if new.username:
        username = jid.normalise_localpart(new.username)
    else:
        username = await _free_username(tx, company, names.username_from(display_name))
    nickname = await _free_nickname(tx, company, display_name, username=username)
    return User(
        id=ids.new_id(),
        company_id=company.id,
        username=username,
        display_name=display_name,
        nickname=nickname,
        external_id=new.external_id or None,
        email=new.email or None,
        locale=checked_locale(new.locale or company.locale),
        active=new.active,
        chat_permission=new.chat_permission,
        created_at=now,
    )


def checked_name(text: str) -> str:
    """Return the display name with single spaces. Raises Invalid for nothing, control characters or over 200."""
    name = " ".join(text.split())
    if not name or len(name) > 200 or not name.isprintable():
        raise errors.Invalid("A display name has 1 to 200 printable characters.", field="display_name")
    return name


def checked_locale(text: str) -> str:
    """Return the locale if the product speaks it. Raises Invalid."""
    if text not in LOCALES:
        raise errors.Invalid(f"The locale must be one of: {', '.join(LOCALES)}.", field="locale")
    return text


async def _update(
    tx: Transaction,
    company: Company,
    user: User,
    patch: UserPatch,
    *,
    actor: str,
    reason: str | None,
    now: datetime,
) -> User:
    after = user
    if "display_name" in patch.fields:
        after = await _renamed(tx, company, after, checked_name(patch.display_name))
    if "locale" in patch.fields:
        after = replace(after, locale=checked_locale(patch.locale))
    plain: dict[str, Any] = {f: getattr(patch, f) for f in ("active", "chat_permission") if f in patch.fields}
    plain |= {f: getattr(patch, f) or None for f in ("external_id", "email") if f in patch.fields}
    after = replace(after, **plain)
    if after == user:
        return user
    after = replace(after, version=user.version + 1)
    await tx.save_users([after])
    await record_changes(tx, company=company, before=[user], after=[after], actor=actor, reason=reason, now=now)
    return after


async def _renamed(tx: Transaction, company: Company, user: User, display_name: str) -> User:
    if display_name == user.display_name:
        return user
    nickname = await _free_nickname(tx, company, display_name, username=user.username, own=user.id)
    return replace(user, display_name=display_name, nickname=nickname)


async def _free_nickname(
    tx: Transaction, company: Company, display_name: str, *, username: str, own: str | None = None
) -> str:
    candidates = list(islice(names.nicknames_from(display_name, username), 8))
    holders = await tx.taken_nicknames(company.id, candidates)
    free = (name for name in candidates if holders.get(name) in {None, own})
    if nickname := next(free, None):
        return nickname
    raise errors.Conflict("Other people appear under this name already.", field="display_name")


async def _free_username(tx: Transaction, company: Company, candidate: str) -> str:
    for size in (8, 64, 1024):
        candidates = list(islice(names.numbered_from(candidate), size))
        taken = await tx.taken_usernames(company.id, candidates)
        if free := next((name for name in candidates if name not in taken), None):
            return free
    raise errors.Conflict("Too many people have this name; give a username.", field="username")


def _mark(user: User, *, aspects: Aspect, now: datetime) -> Due:
    return Due(scope=scope_of(user), aspects=aspects, marked_at=now)


def _names_of(user: User) -> tuple[str, str]:
    return user.display_name, user.nickname


def _audit(old: User | None, new: User, *, actor: str, reason: str | None, now: datetime) -> Iterator[AuditEntry]:
    for action, details in _actions(old, new):
        yield AuditEntry(
            company_id=new.company_id,
            at=now,
            actor=actor,
            action=action,
            subject=f"user:{new.id}",
            reason=reason,
            details=details,
        )


def _actions(old: User | None, new: User) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield what happened in the audit log's words. Field names only: the log outlives the person's erasure."""
    if old is None:
        yield "user.added", {"active": new.active, "chat_permission": new.chat_permission}
        return
    if old.active != new.active:
        yield ("user.reactivated" if new.active else "user.deactivated"), {}
    if old.chat_permission != new.chat_permission:
        yield ("user.permission_granted" if new.chat_permission else "user.permission_withdrawn"), {}
    if new.erasing and not old.erasing:
        yield "user.erasure_requested", {}
    changed = [f for f in ("display_name", "external_id", "email", "locale") if getattr(old, f) != getattr(new, f)]
    if changed:
        yield "user.changed", {"fields": changed}
