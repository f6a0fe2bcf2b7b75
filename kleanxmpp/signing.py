"""Use cases about the secrets that other systems sign with: several are valid at once, so that one can be replaced.

A secret is kept readable, because whoever checks an HMAC needs it. It belongs to one company alone: the secret that
fits a message says whose message it is.
"""

import base64
from collections.abc import Sequence
from datetime import datetime

from kleanxmpp import errors, ids, signatures
from kleanxmpp.hook_ports import SigningSecret
from kleanxmpp.model import AuditEntry, Company
from kleanxmpp.ports import Directory
from kleanxmpp.signatures import Signed, Unsigned

MOST_SECRETS = 5
"""Of one purpose in one company: two suffice, and each costs every message a little."""


async def add(
    directory: Directory, company: Company, *, purpose: str, secret: str | None = None, actor: str, now: datetime
) -> SigningSecret:
    """Add a secret: the one that the other system made, or (None) a fresh one. It is shown only now.

    Raises Invalid for what is no secret, Conflict for one that is in use or one too many.
    """
    text = signatures.new_secret() if secret is None else _normal(secret)
    added = SigningSecret(id=ids.new_id(), company_id=company.id, purpose=purpose, secret=text, created_at=now)
    async with directory.write(company.id) as tx:
        if len(await tx.signing_secrets(purpose, company_id=company.id)) >= MOST_SECRETS:
            raise errors.Conflict(f"There are {MOST_SECRETS} secrets already. Remove one that is not used any more.")
        try:
            await tx.add_signing_secret(added)
        except errors.Conflict as error:
            raise errors.Conflict("This secret is in use already. Make another one.", field="secret") from error
        await tx.add_audit([_entry(added, "secret.added", actor=actor, now=now)])
    return added


async def remove(
    directory: Directory, company: Company, secret_id: str, *, purpose: str, actor: str, now: datetime
) -> None:
    """Remove a secret: what is signed with it is refused from now on. Raises NotFound."""
    async with directory.write(company.id) as tx:
        mine = await tx.signing_secrets(purpose, company_id=company.id)
        found = next((one for one in mine if one.id == secret_id), None)
        if found is None or not await tx.delete_signing_secret(company.id, secret_id):
            raise errors.NotFound("There is no secret with this id.")
        await tx.add_audit([_entry(found, "secret.removed", actor=actor, now=now)])


async def listed(directory: Directory, company: Company, *, purpose: str) -> Sequence[SigningSecret]:
    """Return the company's secrets for a purpose, the oldest first."""
    async with directory.read() as tx:
        return await tx.signing_secrets(purpose, company_id=company.id)


async def signer(directory: Directory, signed: Signed, body: bytes, *, purpose: str) -> tuple[Company, SigningSecret]:
    """Return whose message this is, and the secret it was signed with. Raises Unsigned.

    All secrets of all companies are tried, always: how long it takes tells nothing.
    """
    async with directory.read() as tx:
        known = await tx.signing_secrets(purpose)
        fitting = [one for one in known if signatures.is_signed_by(one.secret, signed, body)]
        company = await tx.company(fitting[0].company_id) if fitting else None
    if company is None:
        raise Unsigned("The signature does not fit.")
    return company, fitting[0]


def _normal(secret: str) -> str:
    """Return the one way of writing this secret. Raises Invalid."""
    return signatures.PREFIX + base64.b64encode(signatures.key_of(secret.strip())).decode()


def _entry(secret: SigningSecret, action: str, *, actor: str, now: datetime) -> AuditEntry:
    return AuditEntry(
        company_id=secret.company_id,
        at=now,
        actor=actor,
        action=action,
        subject=f"secret:{secret.id}",
        details={"purpose": secret.purpose},
    )
