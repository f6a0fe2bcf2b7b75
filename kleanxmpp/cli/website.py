"""`kleanxmpp website …`: what the pages need, and the first administrator's way in."""

from datetime import timedelta
from typing import Annotated

from cyclopts import App, Parameter

from kleanxmpp import one_time_links, staff_roles
from kleanxmpp.cli import output
from kleanxmpp.cli.shell import DEFAULTS, Options, find_user, open_company
from kleanxmpp.website_ports import StaffRole

app = App(name="website", help="The website: links to sign in, roles, styles and scripts.")
app.command(
    "kleanxmpp.cli.website_fetch:fetch",
    name="fetch",
    help="Fetch the styles and scripts of others that the pages use, checked by hash. Does nothing if they are there.",
)


@app.command
async def link(
    user: Annotated[
        str | None, Parameter(help="Username or id of the person; left out: whoever holds the link.")
    ] = None,
    /,
    *,
    role: Annotated[
        list[StaffRole] | None, Parameter(negative=(), help="What a holder without a name may do; default: admin.")
    ] = None,
    minutes: Annotated[int, Parameter(help="How long the link is good.")] = 60,
    options: Options = DEFAULTS,
) -> None:
    """Make a link that signs one browser in to the dashboard, once. It is shown now and not kept.

    For the first administrator, and wherever there is no identity provider.
    """
    async with open_company(options) as (shell, company):
        found = await find_user(shell, company, user) if user is not None else None
        roles = frozenset(role or [StaffRole.ADMIN]) if found is None else frozenset()
        made, code = await one_time_links.make_sign_in(
            shell.directory,
            company,
            user_id=found.id if found else None,
            roles=roles,
            lasts=timedelta(minutes=minutes),
            actor=shell.actor,
            now=shell.now,
        )
    facts = {"id": made.id, "link": f"{shell.base_url}/sign-in/{code}", "expires_at": made.expires_at}
    if options.json:
        output.write_json(facts)
    else:
        output.write_facts(facts)
        print("Good for one sign-in. It cannot be shown again.")


@app.command
async def roles(
    user: Annotated[str, Parameter(help="Username or id of the person.")],
    /,
    *role: Annotated[StaffRole, Parameter(help="All roles that the person has from now on; none: no dashboard.")],
    reason: Annotated[str | None, Parameter(help="For the audit log.")] = None,
    options: Options = DEFAULTS,
) -> None:
    """Say what a person may do on the dashboard."""
    async with open_company(options) as (shell, company):
        found = await find_user(shell, company, user)
        await staff_roles.give(
            shell.directory,
            company,
            found.id,
            roles=frozenset(role),
            actor=shell.actor,
            reason=reason,
            now=shell.now,
        )
    output.write_json({"id": found.id, "roles": sorted(role)}) if options.json else print("Changed.")
