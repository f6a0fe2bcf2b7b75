"""Use cases of SCIM about people, inside the transaction of its request.

New people come in by `edits`, everything else goes through the doors, so that the guard against mass changes holds
back what looks like a mistake. A userName is the identity provider's and may be given again; the username is ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kleanxmpp import doors, edits, errors, guard, putting, users
from kleanxmpp.drafts import NewUser
from kleanxmpp.edits import UserPatch
from kleanxmpp.model import AuditEntry, Company, Door, User
from kleanxmpp.ports import Transaction
from kleanxmpp.scim_ports import Document, ScimPerson, ScimUser

REASON = "SCIM"
LONGEST_NAME = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Who says it, where, when, and how many people may be off-boarded by it.

    `lenient`: members who are nobody here are left out instead of refused.
    """

    company: Company
    actor: str
    now: datetime
    limits: guard.Limits | None
    lenient: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What SCIM calls a person, and what it says beyond what the directory knows."""

    user_name: str
    external_id: str | None
    document: Document


class Waits(errors.Conflict):
    """More people would lose access than the guard lets by. It waits for a confirmation; repeat it after that."""


async def existing(tx: Transaction, source: Source, user_id: str) -> ScimPerson:
    """Return the person, or raise NotFound. Who is being erased is not found."""
    found = await tx.scim_person(source.company.id, user_id)
    if found is None:
        raise errors.NotFound("There is no user with this id.")
    return found


async def adoptable(tx: Transaction, source: Source, external_id: str | None) -> tuple[ScimPerson | None, bool]:
    """Return who came by another door under this external id, and whether it is free for somebody new.

    Raises Conflict if SCIM knows them already.
    """
    user = None if external_id is None else await _holder(tx, source, external_id)
    if user is None or user.erasing:
        return None, user is None
    known = await existing(tx, source, user.id)
    if known.kept is not None:
        raise errors.Conflict("Somebody else has this externalId.", field="externalId")
    return known, False


async def add(tx: Transaction, source: Source, new: NewUser, identity: Identity) -> ScimPerson:
    """Add a person. Raises Conflict if somebody present has the userName, or anybody the external id."""
    await _check_name(tx, source, identity.user_name, own=None)
    user = await edits.add(tx, source.company, new, actor=source.actor, reason=REASON, now=source.now)
    return await _keep(tx, source, ScimPerson(user=user, kept=None), identity, noted=True)


async def add_all(tx: Transaction, source: Source, wanted: Sequence[tuple[NewUser, Identity]]) -> Sequence[ScimPerson]:
    """Add people in a number of queries that does not grow with them; return them in order.

    Raises Conflict, Invalid or InBatch unless each is new and acceptable beyond doubt. Then nothing may be kept, and
    they are added one by one, so that everybody gets their own answer.
    """
    identities = [identity for _, identity in wanted]
    names = [checked_name(one.user_name) for one in identities]
    ids = [one.external_id for one in identities if one.external_id is not None]
    if len({name.casefold() for name in names}) < len(names) or len(set(ids)) < len(ids):
        raise errors.Conflict
    company_id = source.company.id
    if await tx.scim_name_holders(company_id, names) or await tx.users_by_external_id(company_id, ids):
        raise errors.Conflict
    people = [replace(new, external_id=identity.external_id) for new, identity in wanted]
    added = await putting.add_all(tx, source.company, people, actor=source.actor, reason=REASON, now=source.now)
    persons = [ScimPerson(user=user, kept=None) for user in added]
    kept = [_said_about(source, person, identity) for person, identity in zip(persons, identities, strict=True)]
    await tx.save_scim_users(kept)
    return [replace(person, kept=one) for person, one in zip(persons, kept, strict=True)]


async def change(
    tx: Transaction, source: Source, person: ScimPerson, patch: UserPatch, identity: Identity
) -> ScimPerson:
    """Change a person as far as the guard lets it. Raises Conflict if somebody present has the userName."""
    if identity.user_name.casefold() != person.user_name.casefold():
        await _check_name(tx, source, identity.user_name, own=person.user.id)
    said = replace(person, user=await _said(tx, source, person.user, patch))
    return await _keep(tx, source, said, identity, noted=said.user != person.user)


async def remove(tx: Transaction, source: Source, user_id: str) -> None:
    """Off-board and erase a person; the userName is free at once. Repeatable: who was erased may be removed again.

    Raises NotFound for who never was there, and Waits, which must be kept, if the guard does not let it.
    """
    company_id = source.company.id
    user = await tx.user(company_id, user_id)
    if user is None:
        if not await tx.newest_offboardings(company_id, [user_id]):
            raise errors.NotFound("There is no user with this id.")
        return
    if user.erasing:
        return
    gone = replace(user, active=False, absence=None, absent_until=None)
    admission = await guard.admit(
        tx,
        source.company,
        door=Door.SCIM,
        wanted=[(user, gone)],
        limits=source.limits,
        actor=source.actor,
        reason=REASON,
        now=source.now,
    )
    if admission.held:
        raise Waits
    await users.erase_in(tx, source.company, user, actor=source.actor, reason=REASON, now=source.now)


async def _said(tx: Transaction, source: Source, user: User, patch: UserPatch) -> User:
    if not patch.fields:
        return user
    (said,) = await doors.say(
        tx,
        source.company,
        [(user, patch)],
        door=Door.SCIM,
        limits=source.limits,
        actor=source.actor,
        reason=REASON,
        now=source.now,
    )
    return said.user


async def _keep(tx: Transaction, source: Source, person: ScimPerson, identity: Identity, *, noted: bool) -> ScimPerson:
    """Keep what SCIM said, if that is anything new. `noted`: the audit log has an entry about it already."""
    kept = _said_about(source, person, identity)
    if kept == person.kept:
        return person
    await tx.save_scim_users([kept])
    if not noted:
        await tx.add_audit([entry(source, "user.changed", f"user:{person.user.id}")])
    return replace(person, kept=kept)


def _said_about(source: Source, person: ScimPerson, identity: Identity) -> ScimUser:
    """Return what is kept from now on: a new version, unless nothing is new."""
    before, user = person.kept, person.user
    kept = ScimUser(
        user_id=user.id,
        company_id=user.company_id,
        user_name=checked_name(identity.user_name),
        external_id=identity.external_id,
        document=identity.document,
        version=before.version if before else 0,
        changed_at=before.changed_at if before else source.now,
    )
    return kept if kept == before else replace(kept, version=kept.version + 1, changed_at=source.now)


def entry(source: Source, action: str, subject: str) -> AuditEntry:
    """Return the audit entry of a change that only SCIM's own part knows."""
    return AuditEntry(
        company_id=source.company.id,
        at=source.now,
        actor=source.actor,
        action=action,
        subject=subject,
        reason=REASON,
        details={"fields": ["scim"]},
    )


def checked_name(user_name: str) -> str:
    """Return the userName as it is. Raises Invalid for nothing, control characters or a very long one."""
    if not user_name.strip() or len(user_name) > LONGEST_NAME or not user_name.isprintable():
        raise errors.Invalid(f"A userName has 1 to {LONGEST_NAME} printable characters.", field="userName")
    return user_name


async def _check_name(tx: Transaction, source: Source, user_name: str, *, own: str | None) -> None:
    holders = await tx.scim_name_holders(source.company.id, [checked_name(user_name)])
    if any(holder != own for holder in holders.get(user_name, ())):
        raise errors.Conflict("Somebody else has this userName.", field="userName")


async def _holder(tx: Transaction, source: Source, external_id: str) -> User | None:
    return (await tx.users_by_external_id(source.company.id, [external_id])).get(external_id)
