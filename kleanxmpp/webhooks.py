"""Use cases about webhooks: whom a company wants to be told of what happens, and telling again what got lost."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kleanxmpp import destinations, errors, ids, signatures
from kleanxmpp.delivery_policy import message, secrets_of
from kleanxmpp.destinations import Allowed
from kleanxmpp.event_ports import DeliveryState, EventType, Sender, Sent, Webhook
from kleanxmpp.model import AuditEntry, Company
from kleanxmpp.ports import Directory, Transaction

MOST = 10
"""Webhooks that one company may have."""
GRACE = timedelta(hours=24)
"""For how long messages are signed with the previous secret, too."""
TEST = "webhook.test"
"""The type of the message with which somebody tries a webhook."""
EVERYTHING = frozenset(EventType)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookPatch:
    """What shall be different about a webhook; None: stays."""

    url: str | None = None
    types: Collection[EventType] | None = None
    enabled: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What is to be told again: all since then, one event, or what failed for good."""

    since: datetime | None = None
    event_id: str | None = None
    failed: bool = False


async def add(
    directory: Directory,
    company: Company,
    *,
    url: str,
    types: Collection[EventType] = EVERYTHING,
    allowed: Allowed,
    actor: str,
    now: datetime,
) -> Webhook:
    """Add a webhook with a fresh secret. Raises Invalid for an address that messages may not go to."""
    webhook = Webhook(
        id=ids.new_id(),
        company_id=company.id,
        url=destinations.checked_url(url, allowed=allowed),
        types=_checked_types(types),
        secret=signatures.new_secret(),
        created_at=now,
    )
    async with directory.write(company.id) as tx:
        if len(await tx.webhooks(company.id)) >= MOST:
            raise errors.Conflict(f"A company has up to {MOST} webhooks. Remove one first.")
        await tx.save_webhook(webhook)
        await tx.add_audit([entry(webhook, "webhook.added", {"types": sorted(webhook.types)}, actor=actor, now=now)])
    return webhook


async def change(
    directory: Directory,
    company: Company,
    webhook_id: str,
    patch: WebhookPatch,
    *,
    allowed: Allowed,
    actor: str,
    now: datetime,
    if_version: int | None = None,
) -> Webhook:
    """Change a webhook. Enabled again, it is told what waited. Raises Stale if `if_version` is not the version."""
    async with directory.write(company.id) as tx:
        before = await existing(tx, company, webhook_id)
        if if_version is not None and before.version != if_version:
            raise errors.Stale
        after = replace(
            before,
            url=before.url if patch.url is None else destinations.checked_url(patch.url, allowed=allowed),
            types=before.types if patch.types is None else _checked_types(patch.types),
            enabled=before.enabled if patch.enabled is None else patch.enabled,
        )
        changed = [name for name in ("url", "types", "enabled") if getattr(before, name) != getattr(after, name)]
        if not changed:
            return before
        if "enabled" in changed:
            after = replace(after, disabled_at=None, why=None)
        if {"enabled", "url"} & set(changed):
            after = replace(after, failing_since=None)
        after = replace(after, version=before.version + 1)
        await tx.save_webhook(after)
        details = {"fields": changed, "enabled": after.enabled}
        await tx.add_audit([entry(after, "webhook.changed", details, actor=actor, now=now)])
        return after


async def remove(
    directory: Directory,
    company: Company,
    webhook_id: str,
    *,
    actor: str,
    now: datetime,
    if_version: int | None = None,
) -> None:
    """Remove a webhook: it is told nothing more, and what waited is forgotten."""
    async with directory.write(company.id) as tx:
        webhook = await existing(tx, company, webhook_id)
        if if_version is not None and webhook.version != if_version:
            raise errors.Stale
        await tx.delete_webhook(company.id, webhook.id)
        await tx.add_audit([entry(webhook, "webhook.removed", {}, actor=actor, now=now)])


async def rotate_secret(
    directory: Directory, company: Company, webhook_id: str, *, actor: str, now: datetime
) -> Webhook:
    """Give a webhook a new secret. For `GRACE` messages are signed with the one before, too."""
    async with directory.write(company.id) as tx:
        before = await existing(tx, company, webhook_id)
        after = replace(
            before,
            secret=signatures.new_secret(),
            previous_secret=before.secret,
            previous_until=now + GRACE,
            version=before.version + 1,
        )
        await tx.save_webhook(after)
        await tx.add_audit([entry(after, "webhook.secret_rotated", {}, actor=actor, now=now)])
        return after


async def replay(
    directory: Directory, company: Company, webhook_id: str, what: Replay, *, actor: str, now: datetime
) -> int:
    """Tell a webhook again; return of how many events. Raises NotFound for an event it was never told of."""
    async with directory.write(company.id) as tx:
        webhook = await existing(tx, company, webhook_id)
        if what.since is not None:
            count = await tx.redeliver_since(webhook, since=what.since, at=now)
        elif what.event_id is not None:
            count = await tx.redeliver(webhook.id, at=now, event_id=what.event_id)
            if not count:
                raise errors.NotFound("The webhook has no delivery of this event. Events are kept for some weeks only.")
        else:
            count = await tx.redeliver(webhook.id, at=now, state=DeliveryState.FAILED)
        await tx.add_audit([entry(webhook, "webhook.replayed", {"events": count}, actor=actor, now=now)])
        return count


async def try_out(
    directory: Directory, company: Company, webhook_id: str, *, sender: Sender, now: datetime
) -> tuple[str, Sent]:
    """Send a message that says nothing, once, also to a webhook that is not enabled; return its id and how it went."""
    async with directory.read() as tx:
        webhook = await existing(tx, company, webhook_id)
    event_id = ids.new_id()
    return event_id, await send(
        sender, webhook, event_id, message(TEST, now, {"webhook_id": webhook.id, "company": company.domain}), now=now
    )


async def send(sender: Sender, webhook: Webhook, event_id: str, body: bytes, *, now: datetime) -> Sent:
    """Sign a message and send it once."""
    headers = signatures.headers_for(event_id, body, secrets=secrets_of(webhook, now=now), at=now)
    return await sender.send(webhook.url, headers={"Content-Type": "application/json", **headers}, body=body)


async def existing(tx: Transaction, company: Company, webhook_id: str) -> Webhook:
    """Return the webhook, or raise NotFound."""
    found = await tx.webhook(company.id, webhook_id)
    if found is None:
        raise errors.NotFound("There is no webhook with this id in the company.")
    return found


def entry(webhook: Webhook, action: str, details: dict[str, object], *, actor: str, now: datetime) -> AuditEntry:
    """Return the audit log's entry. Never the address: it may hold a secret of the receiver's."""
    return AuditEntry(
        company_id=webhook.company_id,
        at=now,
        actor=actor,
        action=action,
        subject=f"webhook:{webhook.id}",
        details=details,
    )


def _checked_types(types: Collection[EventType]) -> frozenset[EventType]:
    if not types:
        raise errors.Invalid("A webhook wants at least one type of event.", field="types")
    return frozenset(types)
