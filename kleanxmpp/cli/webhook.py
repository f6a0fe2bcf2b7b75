"""`kleanxmpp webhook …`: other systems that are told of what happens."""

from datetime import datetime
from typing import Annotated, Any

from cyclopts import App, Parameter

from kleanxmpp import delivery_policy, destinations, errors, webhooks
from kleanxmpp.cli import DONE, FAILED, output
from kleanxmpp.cli.shell import DEFAULTS, Options, open_company
from kleanxmpp.event_ports import EventType, Webhook
from kleanxmpp.webhooks import EVERYTHING, Replay

app = App(name="webhook", help="Other systems that are told of what happens.")

WebhookId = Annotated[str, Parameter(help="Id of the webhook.")]


@app.command(name="list")
async def list_(*, options: Options = DEFAULTS) -> None:
    """List the webhooks: where to, what of, and whether they work."""
    async with open_company(options) as (shell, company), shell.directory.read() as tx:
        found = [_facts(one) for one in await tx.webhooks(company.id)]
    if options.json:
        output.write_json(found)
    else:
        output.write_table(found, ("id", "url", "enabled", "failing_since", "why", "types"))


@app.command
async def add(
    url: Annotated[str, Parameter(help="Where messages are sent (https).")],
    /,
    *,
    type: Annotated[
        list[str] | None, Parameter(negative=(), help="An event to tell of; repeat for several. Default: all.")
    ] = None,
    options: Options = DEFAULTS,
) -> None:
    """Add a webhook. Its secret, with which the receiver checks signatures, is shown once."""
    async with open_company(options) as (shell, company):
        added = await webhooks.add(
            shell.directory,
            company,
            url=url,
            types=_types(type),
            allowed=destinations.allowed_of(shell.settings.webhooks.allow_private),
            actor=shell.actor,
            now=shell.now,
        )
    if options.json:
        output.write_json(_facts(added) | {"secret": added.secret})
    else:
        output.write_facts({"id": added.id, "secret": added.secret})
        print("The secret cannot be shown again.")


@app.command
async def test(webhook: WebhookId, /, *, options: Options = DEFAULTS) -> int:
    """Send a test message from this machine, and say how it went."""
    from kleanxmpp.cli.wiring import make_sender

    async with open_company(options) as (shell, company):
        sender = make_sender(shell.settings)
        event_id, sent = await webhooks.try_out(shell.directory, company, webhook, sender=sender, now=shell.now)
    error = None if sent.well else sent.error or delivery_policy.in_words(sent.status)
    if options.json:
        output.write_json(
            {
                "event_id": event_id,
                "delivered": sent.well,
                "status": sent.status,
                "milliseconds": sent.milliseconds,
                "error": error,
            }
        )
    else:
        print(f"Delivered in {sent.milliseconds} ms." if sent.well else f"Not delivered: {error}")
    return DONE if sent.well else FAILED


@app.command
async def replay(
    webhook: WebhookId,
    /,
    *,
    since: Annotated[datetime | None, Parameter(help="Tell of everything since then (2026-11-22T08:00:00Z).")] = None,
    event: Annotated[str | None, Parameter(help="Tell of this one event.")] = None,
    failed: Annotated[bool, Parameter(negative=(), help="Tell of everything that was given up.")] = False,
    options: Options = DEFAULTS,
) -> None:
    """Tell a webhook again of what happened."""
    if (since is not None) + (event is not None) + failed != 1:
        raise errors.Invalid("Say what to tell again: one of --since, --event and --failed.")
    if since is not None and since.tzinfo is None:
        since = since.astimezone()
    async with open_company(options) as (shell, company):
        what = Replay(since=since, event_id=event, failed=failed)
        count = await webhooks.replay(shell.directory, company, webhook, what, actor=shell.actor, now=shell.now)
    if options.json:
        output.write_json({"id": webhook, "events": count})
    else:
        print(f"{count} events are told again.")


@app.command
async def remove(webhook: WebhookId, /, *, options: Options = DEFAULTS) -> None:
    """Remove a webhook: it is told nothing more, and what waited is forgotten."""
    async with open_company(options) as (shell, company):
        await webhooks.remove(shell.directory, company, webhook, actor=shell.actor, now=shell.now)
    if options.json:
        output.write_json({"id": webhook, "removed": True})
    else:
        print("Removed.")


def _types(names: list[str] | None) -> frozenset[EventType]:
    try:
        return EVERYTHING if names is None else frozenset(map(EventType, names))
    except ValueError:
        raise errors.Invalid(f"An event is one of: {', '.join(EventType)}", field="type") from None


def _facts(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "types": sorted(webhook.types),
        "enabled": webhook.enabled,
        "failing_since": webhook.failing_since,
        "disabled_at": webhook.disabled_at,
        "why": webhook.why,
        "created_at": webhook.created_at,
    }
