"""`kleanxmpp token …`: who may call the admin API."""

from typing import Annotated, Any

from cyclopts import App, Parameter

from kleanxmpp import tokens
from kleanxmpp.cli import output
from kleanxmpp.cli.shell import DEFAULTS, Options, open_company, open_shell
from kleanxmpp.model import ApiToken

app = App(name="token", help="API tokens.")

Operator = Annotated[
    bool, Parameter(negative=(), help="The operator's tokens, good for every company, instead of the company's.")
]


@app.command(name="list")
async def list_(*, operator: Operator = False, options: Options = DEFAULTS) -> None:
    """List tokens; their secrets are not kept."""
    async with open_shell(options) as shell:
        owner = await _owner(options, operator=operator)
        async with shell.directory.read() as tx:
            found = [_facts(token) for token in await tx.tokens(owner)]
    if options.json:
        output.write_json(found)
    else:
        output.write_table(found, ("id", "name", "scopes", "created_at"))


@app.command
async def add(
    name: Annotated[str, Parameter(help="What the token is for.")],
    /,
    *,
    scope: Annotated[list[str], Parameter(negative=(), help="What it is good for; repeat for several.")],
    operator: Operator = False,
    options: Options = DEFAULTS,
) -> None:
    """Make a token. It is shown once and not kept."""
    async with open_shell(options) as shell:
        owner = await _owner(options, operator=operator)
        token, secret = await tokens.issue(
            shell.directory, company_id=owner, name=name, scopes=scope, actor=shell.actor, now=shell.now
        )
    if options.json:
        output.write_json(_facts(token) | {"token": secret})
    else:
        output.write_facts({"id": token.id, "token": secret})
        print("The token cannot be shown again.")


@app.command
async def remove(
    token: Annotated[str, Parameter(help="Id of the token.")],
    /,
    *,
    operator: Operator = False,
    options: Options = DEFAULTS,
) -> None:
    """Revoke a token: the next request with it is refused."""
    async with open_shell(options) as shell:
        owner = await _owner(options, operator=operator)
        await tokens.revoke(shell.directory, company_id=owner, token_id=token, actor=shell.actor, now=shell.now)
    if options.json:
        output.write_json({"id": token, "revoked": True})
    else:
        print("Revoked.")


async def _owner(options: Options, *, operator: bool) -> str | None:
    if operator:
        return None
    async with open_company(options) as (_, company):
        return company.id


def _facts(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "scopes": sorted(token.scopes),
        "operator": token.company_id is None,
        "created_at": token.created_at,
    }
