"""Use cases about credentials: one device's login secret, made by us, shown once, kept only as SHA-256."""

from dataclasses import replace
from datetime import datetime, timedelta

from kleanxmpp import desired, errors, ids, offboardings, users
from kleanxmpp.due import Aspect, Due, Priority
from kleanxmpp.model import AuditEntry, Company, Credential
from kleanxmpp.ports import Directory
from kleanxmpp.website_ports import WebSession

BROWSER_LASTS = timedelta(minutes=2)
"""How long a browser has to sign in to the chat with what was made for it; each time it connects it gets another."""


async def issue(
    directory: Directory, company: Company, user_id: str, *, label: str, actor: str, now: datetime
) -> tuple[Credential, str]:
    """Make a credential for a device and return it with its secret, which cannot be shown a second time."""
    label = " ".join(label.split())
    if len(label) > 100 or not label.isprintable():
        raise errors.Invalid("A label has up to 100 printable characters.", field="label")
    secret = ids.new_secret()
    async with directory.write(company.id) as tx:
        user = await users.existing(tx, company, user_id)
        credential = Credential(id=ids.new_id(), user_id=user.id, label=label, created_at=now)
        await tx.add_credentials([(credential, ids.sha256_hex(secret))])
        await tx.add_audit([_entry(company, credential, "credential.issued", actor=actor, now=now)])
    return credential, secret


async def issue_for_browser(
    directory: Directory, company: Company, session: WebSession, *, label: str, actor: str, now: datetime
) -> tuple[Credential, str]:
    """Make a credential for the chat in a signed-in browser; return it with its secret. Former ones of it are gone.

    It goes with the session. Raises Forbidden for somebody who is not let in to the chat.
    """
    secret = ids.new_secret()
    async with directory.write(company.id) as tx:
        user = await tx.user(company.id, session.user_id) if session.user_id else None
        if user is None or not desired.may_log_in(company, user):
            raise errors.Forbidden
        for former in await tx.credentials(user.id):
            if former.web_session_id == session.id:
                await tx.delete_credential(user.id, former.id)
        credential = Credential(
            id=ids.new_id(),
            user_id=user.id,
            label=label,
            created_at=now,
            expires_at=now + BROWSER_LASTS,
            web_session_id=session.id,
        )
        await tx.add_credentials([(credential, ids.sha256_hex(secret))])
        await tx.add_audit([_entry(company, credential, "credential.issued", actor=actor, now=now)])
    return credential, secret


async def revoke(
    directory: Directory, company: Company, user_id: str, credential_id: str, *, actor: str, now: datetime
) -> None:
    """Revoke a credential and end the person's sessions: which of them used it cannot be told.

    Devices with another valid credential come back by themselves.
    """
    async with directory.write(company.id) as tx:
        user = await users.existing(tx, company, user_id)
        credential = next((c for c in await tx.credentials(user.id) if c.id == credential_id), None)
        if credential is None or not await tx.delete_credential(user.id, credential_id):
            raise errors.NotFound("The user has no credential with this id.")
        await tx.save_users([replace(user, sessions_valid_from=now, version=user.version + 1)])
        mark = Due(
            scope=offboardings.scope_of(user), aspects=Aspect.ACCESS, priority=Priority.OFFBOARDING, marked_at=now
        )
        await tx.mark_due([mark])
        await tx.add_audit([_entry(company, credential, "credential.revoked", actor=actor, now=now)])


def _entry(company: Company, credential: Credential, action: str, *, actor: str, now: datetime) -> AuditEntry:
    return AuditEntry(
        company_id=company.id,
        at=now,
        actor=actor,
        action=action,
        subject=f"user:{credential.user_id}",
        details={"credential": credential.id}
        | ({"session": credential.web_session_id} if credential.web_session_id else {}),
    )
