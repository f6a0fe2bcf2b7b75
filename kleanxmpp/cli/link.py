"""`kleanxmpp user link`: a link, and its QR code, with which a person sets up their devices."""

import sys
from datetime import timedelta
from typing import Annotated

import segno
from cyclopts import Parameter

from kleanxmpp import one_time_links
from kleanxmpp.cli import output
from kleanxmpp.cli.shell import DEFAULTS, Options, find_user, open_company

_HOUR = timedelta(hours=1)


async def link(
    user: Annotated[str, Parameter(help="Username, JID, id or external id.")],
    /,
    *,
    hours: Annotated[int, Parameter(help="How long it is good.")] = one_time_links.JOIN_LASTS // _HOUR,
    uses: Annotated[int, Parameter(help="How many devices it sets up.")] = one_time_links.JOIN_USES,
    options: Options = DEFAULTS,
) -> None:
    """Make a link with which a person sets up devices. It is shown now, on a terminal as a QR code, too, and not kept.

    Hand it to nobody but the person: on paper, by SMS or e-mail.
    """
    async with open_company(options) as (shell, company):
        found = await find_user(shell, company, user)
        made, code = await one_time_links.make_join(
            shell.directory,
            company,
            found.id,
            lasts=timedelta(hours=hours),
            uses=uses,
            actor=shell.actor,
            now=shell.now,
        )
    url = f"{shell.base_url}/join/{code}"
    facts = {"id": made.id, "link": url, "uses_left": made.uses_left, "expires_at": made.expires_at}
    if options.json:
        output.write_json(facts)
        return
    output.write_facts(facts)
    if sys.stdout.isatty():
        segno.make_qr(url).terminal(compact=True)
    print(f"For {found.display_name} alone. It cannot be shown again.")
