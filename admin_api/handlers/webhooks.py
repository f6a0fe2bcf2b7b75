"""Webhooks over HTTP: whom to tell, how that went, and telling again."""

from kleanxmpp import delivery_policy, webhooks
from kleanxmpp.event_ports import Webhook

from .. import etags
from .. import problem_kinds as kinds
from ..answers import Answer
from ..problems import Problem
from ..schemas.types import Id, ListQuery, cursor_after
from ..schemas.webhooks import (
    DeliveryPage,
    DeliveryView,
    NewWebhookBody,
    ReplayBody,
    ReplayedView,
    SecretWebhookView,
    TestedView,
    WebhookPage,
    WebhookPatchBody,
    WebhookView,
)
from ..services import Call


async def list_webhooks(call: Call) -> Answer:
    """List the company's webhooks.

    The oldest first, without their secrets.
    """
    async with call.directory.read() as tx:
        found = await tx.webhooks(call.company.id)
    return Answer(body=WebhookPage(items=[WebhookView.of(one) for one in found]))


async def add_webhook(call: Call, *, body: NewWebhookBody) -> Answer:
    """Add a webhook.

    From now on it is told of what happens, at least once each, in messages that are signed after the Standard Webhooks
    specification. Answers the secret, only this once. Messages go to public addresses over https, unless the operator's
    settings name others.
    """
    added = await webhooks.add(
        call.directory,
        call.company,
        url=body.url,
        types=body.types,
        allowed=call.services.settings.webhooks_may_go_to,
        actor=call.actor,
        now=call.now,
    )
    return _with_secret(added, status=201)


async def get_webhook(call: Call, *, webhook_id: Id) -> Answer:
    """Show a webhook.

    Where to, what of, whether it is enabled, and since when it fails. The secret is not shown again.
    """
    async with call.directory.read() as tx:
        found = await webhooks.existing(tx, call.company, webhook_id)
    return Answer(body=WebhookView.of(found), headers={"ETag": etags.tag(found.version)})


async def change_webhook(call: Call, *, webhook_id: Id, body: WebhookPatchBody) -> Answer:
    """Change a webhook.

    What is left out stays as it is. Enabled again, it is told of everything that waited.
    """
    changed = await webhooks.change(
        call.directory,
        call.company,
        webhook_id,
        body.patch(),
        allowed=call.services.settings.webhooks_may_go_to,
        actor=call.actor,
        now=call.now,
        if_version=etags.expected_version(call.headers),
    )
    return Answer(body=WebhookView.of(changed), headers={"ETag": etags.tag(changed.version)})


async def remove_webhook(call: Call, *, webhook_id: Id) -> Answer:
    """Remove a webhook.

    It is told nothing more; what waited for it is forgotten, and so is the log of its deliveries.
    """
    await webhooks.remove(
        call.directory,
        call.company,
        webhook_id,
        actor=call.actor,
        now=call.now,
        if_version=etags.expected_version(call.headers),
    )
    return Answer(status=204)


async def rotate_webhook_secret(call: Call, *, webhook_id: Id) -> Answer:
    """Give a webhook a new secret.

    Answers it, only this once. For 24 hours messages carry a signature by the old and by the new one.
    """
    rotated = await webhooks.rotate_secret(call.directory, call.company, webhook_id, actor=call.actor, now=call.now)
    return _with_secret(rotated, status=200)


async def test_webhook(call: Call, *, webhook_id: Id) -> Answer:
    """Try a webhook.

    Sends a signed message of the type `webhook.test`, once, also to a webhook that is disabled, and answers how that
    went.
    """
    sender = call.services.sender
    if sender is None:
        raise Problem(kind=kinds.NO_SENDER)
    event_id, sent = await webhooks.try_out(call.directory, call.company, webhook_id, sender=sender, now=call.now)
    error = None if sent.well else sent.error or delivery_policy.in_words(sent.status)
    return Answer(body=TestedView.of(event_id, sent, error=error))


async def list_deliveries(call: Call, *, webhook_id: Id, query: ListQuery) -> Answer:
    """List what a webhook was told.

    The newest event first, with the number of attempts, how the last one went, and when the next one is. What receivers
    answered besides a status is not kept.
    """
    async with call.directory.read() as tx:
        webhook = await webhooks.existing(tx, call.company, webhook_id)
        found = await tx.page_deliveries(webhook.id, before=query.after(), limit=query.limit + 1)
    page = found[: query.limit]
    more = cursor_after(page[-1].event.id) if len(found) > query.limit else None
    return Answer(body=DeliveryPage(items=[DeliveryView.of(one) for one in page], next_cursor=more))


async def replay_events(call: Call, *, webhook_id: Id, body: ReplayBody) -> Answer:
    """Tell a webhook again.

    Everything since a moment, one event, or all that was given up. The messages have the ids that they had. Events are
    kept for 30 days, those about a person until the person is erased.
    """
    count = await webhooks.replay(call.directory, call.company, webhook_id, body.what(), actor=call.actor, now=call.now)
    return Answer(status=202, body=ReplayedView(events=count))


def _with_secret(webhook: Webhook, *, status: int) -> Answer:
    headers = {"ETag": etags.tag(webhook.version)}
    if status == 201:
        headers["Location"] = f"/api/v1/webhooks/{webhook.id}"
    body = SecretWebhookView.of(webhook, secret=webhook.secret)
    return Answer(status=status, body=body, headers=headers, secret_of=webhook.id)
