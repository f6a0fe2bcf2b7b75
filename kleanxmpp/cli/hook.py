"""`kleanxmpp hook …`: what other systems report by themselves, and the secrets they sign with."""

import sys
from typing import Annotated, Any

from cyclopts import App, Parameter

from kleanxmpp import errors, hr, signing
from kleanxmpp.cli import output
from kleanxmpp.cli.shell import DEFAULTS, Options, open_company
from kleanxmpp.hook_ports import SigningSecret

app = App(name="hook", help="Events that other systems report, signed.")
secret = App(name="secret", help="The secrets that the HR system signs its events with.")
app.command(secret)

Given = Annotated[
    bool, Parameter(negative=(), help="Read the secret from standard input: the HR system made it itself.")
]


@secret.command(name="list")
async def list_(*, options: Options = DEFAULTS) -> None:
    """List the secrets that hold, without themselves."""
    async with open_company(options) as (shell, company):
        found = [_facts(one) for one in await signing.listed(shell.directory, company, purpose=hr.PURPOSE)]
    if options.json:
        output.write_json(found)
    elif found:
        output.write_table(found, ("id", "created_at"))
    else:
        print("There is no secret, so nothing is taken. Add one: kleanxmpp hook secret add")


@secret.command
async def add(*, given: Given = False, options: Options = DEFAULTS) -> None:
    """Add a secret, which holds at once beside the others. It is shown once."""
    text = sys.stdin.readline().strip() if given else None
    if text == "":
        raise errors.Invalid("No secret came in.", field="secret")
    async with open_company(options) as (shell, company):
        added = await signing.add(
            shell.directory, company, purpose=hr.PURPOSE, secret=text, actor=shell.actor, now=shell.now
        )
    if options.json:
        output.write_json(_facts(added) | {"secret": added.secret})
    else:
        output.write_facts({"id": added.id, "secret": added.secret})
        print("The secret is not shown again.")


@secret.command
async def remove(
    secret_id: Annotated[str, Parameter(name="secret", help="Id of the secret.")], /, *, options: Options = DEFAULTS
) -> None:
    """Remove a secret: what is signed with it is refused from now on."""
    async with open_company(options) as (shell, company):
        await signing.remove(shell.directory, company, secret_id, purpose=hr.PURPOSE, actor=shell.actor, now=shell.now)
    if options.json:
        output.write_json({"id": secret_id, "removed": True})
    else:
        print("Removed.")


def _facts(one: SigningSecret) -> dict[str, Any]:
    return {"id": one.id, "created_at": one.created_at}
