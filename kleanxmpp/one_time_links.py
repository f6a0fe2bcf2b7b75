"""Use cases about one-time links: handed to somebody, good so many times and so long, revocable.

A code has 140 random bits and is kept as SHA-256 only, so neither guessing nor the directory gives one away. Looking a
code up uses nothing: programs that preview links open them before people do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kleanxmpp import desired, errors, ids, users, web_sessions
from kleanxmpp.model import AuditEntry, Company, Credential, User
from kleanxmpp.ports import Directory, Transaction
from kleanxmpp.website_ports import LinkPurpose, OneTimeLink, StaffRole, WebSession

JOIN_LASTS, JOIN_USES = timedelta(days=3), 3
"""A phone, a computer, and one that went wrong."""
SIGN_IN_LASTS = timedelta(hours=1)
CHAT_LASTS = timedelta(minutes=2)
LONGEST, MOST_USES = timedelta(days=30), 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a code that holds leads to. `user` None: it signs in whoever holds it."""

    link: OneTimeLink
    company: Company
    user: User | None


async def make_join(
    directory: Directory,
    company: Company,
    user_id: str,
    *,
    lasts: timedelta = JOIN_LASTS,
    uses: int = JOIN_USES,
    actor: str,
    now: datetime,
) -> tuple[OneTimeLink, str]:
    """Make a link with which the person sets up devices; return it with its code, which is shown only now."""
    if not (timedelta(minutes=5) <= lasts <= LONGEST):
        raise errors.Invalid(f"A link lasts 5 minutes to {LONGEST.days} days.", field="lasts")
    if not 1 <= uses <= MOST_USES:
        raise errors.Invalid(f"A link is good for 1 to {MOST_USES} devices.", field="uses")
    return await _make(
        directory, company, LinkPurpose.JOIN, user_id=user_id, lasts=lasts, uses=uses, actor=actor, now=now
    )


async def make_chat(
    directory: Directory, company: Company, user_id: str, *, actor: str, now: datetime
) -> tuple[OneTimeLink, str]:
    """Make what another system opens the chat in the browser with, at once and for this person."""
    return await _make(
        directory, company, LinkPurpose.CHAT, user_id=user_id, lasts=CHAT_LASTS, uses=1, actor=actor, now=now
    )


async def make_sign_in(
    directory: Directory,
    company: Company,
    *,
    user_id: str | None = None,
    roles: frozenset[StaffRole] = frozenset(),
    lasts: timedelta = SIGN_IN_LASTS,
    actor: str,
    now: datetime,
) -> tuple[OneTimeLink, str]:
    """Make a link to the dashboard, for a person with the roles they have, or for whoever holds it with `roles`."""
    if (user_id is None) is not bool(roles):
        raise errors.Invalid("A link is for a person, or has roles of its own.", field="roles")
    return await _make(
        directory, company, LinkPurpose.SIGN_IN, user_id=user_id, roles=roles, lasts=lasts, uses=1, actor=actor, now=now
    )


async def revoke(
    directory: Directory, company: Company, link_id: str, *, user_id: str | None = None, actor: str, now: datetime
) -> None:
    """Revoke a link: from the commit on it lets nobody in. `user_id`: only one of this person. Raises NotFound."""
    async with directory.write(company.id) as tx:
        if user_id is not None and all(one.id != link_id for one in await tx.one_time_links(company.id, user_id)):
            raise errors.NotFound("The user has no link with this id.")
        if not await tx.delete_one_time_link(company.id, link_id):
            raise errors.NotFound("There is no link with this id.")
        await tx.add_audit([_entry(company, f"link:{link_id}", "link.revoked", actor=actor, details={}, now=now)])


async def look(directory: Directory, code: str, *, purpose: LinkPurpose, now: datetime) -> Held:
    """Return what a code leads to, using nothing. Raises NotFound, for whatever reason it leads nowhere."""
    async with directory.read() as tx:
        return await _held(tx, code, purpose=purpose, now=now)


async def sign_in(
    directory: Directory, code: str, *, purpose: LinkPurpose, now: datetime
) -> tuple[Held, WebSession, str]:
    """Use a code to sign a browser in: to the chat alone, unless the link is one to the dashboard. Raises NotFound."""
    found = await look(directory, code, purpose=purpose, now=now)
    async with directory.write(found.company.id) as tx:
        held = await _taken(tx, code, purpose=purpose, now=now)
        session, token = await web_sessions.begin(
            tx,
            held.company,
            user=held.user,
            roles=held.link.roles,
            chat_only=purpose is not LinkPurpose.SIGN_IN,
            how=f"link:{held.link.id}",
            now=now,
        )
    return held, session, token


async def set_up_device(
    directory: Directory, code: str, *, label: str, uses_left: int | None = None, now: datetime
) -> tuple[Held, Credential, str]:
    """Use a code to make the person a credential; return it with its secret, which is shown only now.

    `uses_left`: as many as whoever asks believes there are, so that a form that is sent again makes no second one.
    The link that is returned counts this use. Raises Stale if it was another number, and NotFound.
    """
    secret = ids.new_secret()
    found = await look(directory, code, purpose=LinkPurpose.JOIN, now=now)
    async with directory.write(found.company.id) as tx:
        held = await _taken(tx, code, purpose=LinkPurpose.JOIN, uses_left=uses_left, now=now)
        if held.user is None:
            raise errors.NotFound
        credential = Credential(id=ids.new_id(), user_id=held.user.id, label=label, created_at=now)
        await tx.add_credentials([(credential, ids.sha256_hex(secret))])
        subject, details = f"user:{held.user.id}", {"credential": credential.id, "link": held.link.id}
        actor = f"link:{held.link.id}"
        entry = _entry(held.company, subject, "credential.issued", actor=actor, details=details, now=now)
        await tx.add_audit([entry])
    return held, credential, secret


async def _make(
    directory: Directory,
    company: Company,
    purpose: LinkPurpose,
    *,
    user_id: str | None,
    roles: frozenset[StaffRole] = frozenset(),
    lasts: timedelta,
    uses: int,
    actor: str,
    now: datetime,
) -> tuple[OneTimeLink, str]:
    code = ids.new_secret()
    link = OneTimeLink(
        id=ids.new_id(),
        company_id=company.id,
        purpose=purpose,
        user_id=user_id,
        roles=roles,
        uses_left=uses,
        created_at=now,
        expires_at=now + lasts,
        created_by=actor,
    )
    async with directory.write(company.id) as tx:
        if user_id is not None:
            user = await users.existing(tx, company, user_id)
            if not _lets_in(company, user, purpose):
                raise errors.Conflict("The person has no access, so nothing can be handed to them.")
        await tx.add_one_time_link(link, code_sha256=ids.sha256_hex(code))
        subject = f"user:{user_id}" if user_id else f"link:{link.id}"
        details = {"link": link.id, "purpose": purpose, "uses": uses, "expires_at": link.expires_at.isoformat()}
        await tx.add_audit([_entry(company, subject, "link.made", actor=actor, details=details, now=now)])
    return link, code


async def _taken(
    tx: Transaction, code: str, *, purpose: LinkPurpose, uses_left: int | None = None, now: datetime
) -> Held:
    held = await _held(tx, code, purpose=purpose, now=now)
    if uses_left not in {None, held.link.uses_left}:
        raise errors.Stale
    if not await tx.use_one_time_link(held.link.id, now=now):
        raise errors.NotFound
    return replace(held, link=replace(held.link, uses_left=held.link.uses_left - 1))


async def _held(tx: Transaction, code: str, *, purpose: LinkPurpose, now: datetime) -> Held:
    link = await tx.one_time_link(ids.sha256_hex(code))
    if link is None or link.purpose is not purpose or not link.holds(now):
        raise errors.NotFound
    company = await tx.company(link.company_id)
    user = await tx.user(link.company_id, link.user_id) if link.user_id else None
    if (
        company is None
        or not company.enabled
        or (link.user_id and (user is None or not _lets_in(company, user, purpose)))
    ):
        raise errors.NotFound
    return Held(link=link, company=company, user=user)


def _lets_in(company: Company, user: User, purpose: LinkPurpose) -> bool:
    if purpose is LinkPurpose.SIGN_IN:
        return web_sessions.may_manage(company, user)
    return desired.may_log_in(company, user)


def _entry(
    company: Company, subject: str, action: str, *, actor: str, details: Mapping[str, object], now: datetime
) -> AuditEntry:
    return AuditEntry(company_id=company.id, at=now, actor=actor, action=action, subject=subject, details=details)
