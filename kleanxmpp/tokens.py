"""Use cases about API tokens: opaque, random, kept only as SHA-256, with scopes that say what they are good for."""

from collections.abc import Collection, Mapping
from datetime import datetime

from kleanxmpp import errors, ids
from kleanxmpp.model import ApiToken, AuditEntry
from kleanxmpp.ports import Directory

ADMIN = "admin"
SCIM = "scim"
SCOPES = {
    ADMIN: "everything in the company",
    "users:read": "people and their devices, what they can reach, their off-boardings",
    "users:write": "add, change, deactivate, reactivate and erase people",
    "credentials:write": "set up and revoke devices",
    "groups:read": "groups and their circles",
    "groups:write": "add, change and delete groups, and their circles",
    "tokens:write": "API tokens",
    "audit:read": "the audit log",
    "hooks:write": "the secrets that other systems sign their messages with",
    "status:read": "what is out of step, and whether the server keeps the promises",
    "reconcile:write": "sweep now; confirm or discard what is held",
    "webhooks:write": "whom to tell of what happens, how that went, and telling again",
    SCIM: "people and groups by SCIM 2.0, and nothing else",
}
PREFIX = "klean_"


async def issue(
    directory: Directory, *, company_id: str | None, name: str, scopes: Collection[str], actor: str, now: datetime
) -> tuple[ApiToken, str]:
    """Make a token and return it with its secret, shown only now. `company_id` None: the operator's."""
    name = " ".join(name.split())
    if not name or len(name) > 100 or not name.isprintable():
        raise errors.Invalid("A token's name has 1 to 100 printable characters.", field="name")
    if not scopes or set(scopes) - SCOPES.keys():
        known = ", ".join(SCOPES)
        raise errors.Invalid(f"A token needs at least one of these scopes, and no others: {known}", field="scopes")
    if SCIM in scopes and (set(scopes) != {SCIM} or company_id is None):
        raise errors.Invalid("A token for SCIM belongs to a company and has no other scope.", field="scopes")
    secret = PREFIX + ids.new_secret()
    token = ApiToken(id=ids.new_id(), company_id=company_id, name=name, scopes=frozenset(scopes), created_at=now)
    async with directory.write(company_id) as tx:
        await tx.add_token(token, token_sha256=ids.sha256_hex(secret))
        await tx.add_audit([_entry(token, "token.issued", actor=actor, now=now)])
    return token, secret


async def revoke(directory: Directory, *, company_id: str | None, token_id: str, actor: str, now: datetime) -> None:
    """Revoke a token: the next request with it is refused."""
    async with directory.write(company_id) as tx:
        token = next((t for t in await tx.tokens(company_id) if t.id == token_id), None)
        if token is None or not await tx.delete_token(company_id, token_id):
            raise errors.NotFound("There is no token with this id.")
        await tx.add_audit([_entry(token, "token.revoked", actor=actor, now=now)])


async def find(directory: Directory, secrets: Collection[str]) -> Mapping[str, ApiToken]:
    """Return the tokens that have these secrets; a secret of none is missing."""
    async with directory.read() as tx:
        found = {secret: await tx.token_by_hash(ids.sha256_hex(secret)) for secret in set(secrets)}
    return {secret: token for secret, token in found.items() if token is not None}


def _entry(token: ApiToken, action: str, *, actor: str, now: datetime) -> AuditEntry:
    return AuditEntry(
        company_id=token.company_id,
        at=now,
        actor=actor,
        action=action,
        subject=f"token:{token.id}",
        details={"scopes": sorted(token.scopes)},
    )
