"""`kleanxmpp user credential …`: the logins of a person's devices."""

from typing import Annotated, Any

from cyclopts import App, Parameter

from kleanxmpp import credentials
from kleanxmpp.cli import output
from kleanxmpp.cli.shell import DEFAULTS, Options, find_user, open_company
from kleanxmpp.model import Credential

app = App(name="credential", help="Logins of a person's devices.")

Who = Annotated[str, Parameter(help="Username, JID, id or external id.")]


@app.command(name="list")
async def list_(user: Who, /, *, options: Options = DEFAULTS) -> None:
    """List a person's devices."""
    async with open_company(options) as (shell, company):
        found = await find_user(shell, company, user)
        async with shell.directory.read() as tx:
            devices = [facts(device) for device in await tx.credentials(found.id)]
    if options.json:
        output.write_json(devices)
    else:
        output.write_table(devices, ("id", "label", "created_at", "last_seen_at"))


@app.command
async def add(
    user: Who,
    label: Annotated[str, Parameter(help="What the device is called.")] = "",
    /,
    *,
    options: Options = DEFAULTS,
) -> None:
    """Make a login for a device. The secret is shown once and not kept."""
    async with open_company(options) as (shell, company):
        found = await find_user(shell, company, user)
        credential, secret = await credentials.issue(
            shell.directory, company, found.id, label=label, actor=shell.actor, now=shell.now
        )
        client, server = shell.settings.client, shell.settings.server
    connection = {
        "jid": f"{found.username}@{company.domain}",
        "credential": secret,
        "xmpp_host": client.xmpp_host or company.domain,
        "xmpp_port": client.xmpp_port,
        "websocket_url": client.websocket_url,
        "rooms_domain": f"{server.rooms_prefix}.{company.domain}",
        "component": f"{server.component_prefix}.{company.domain}",
    }
    if options.json:
        output.write_json(facts(credential) | connection)
    else:
        output.write_facts(connection)
        print("The credential is the password of this one device. It is not kept and cannot be shown again.")


@app.command
async def remove(
    user: Who, credential: Annotated[str, Parameter(help="Id of the credential.")], /, *, options: Options = DEFAULTS
) -> None:
    """Revoke a device's login. All sessions of the person end; their other devices come back by themselves."""
    async with open_company(options) as (shell, company):
        found = await find_user(shell, company, user)
        await credentials.revoke(shell.directory, company, found.id, credential, actor=shell.actor, now=shell.now)
    if options.json:
        output.write_json({"id": credential, "revoked": True})
    else:
        print(f"Revoked. The sessions of {found.username} end.")


def facts(credential: Credential) -> dict[str, Any]:
    """Return what the command line tells about a device's login."""
    return {
        "id": credential.id,
        "label": credential.label,
        "created_at": credential.created_at,
        "last_seen_at": credential.last_seen_at,
    }
