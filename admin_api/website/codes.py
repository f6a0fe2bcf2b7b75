"""Codes in addresses: looked up for whoever sent few wrong ones lately, and nobody is told why one leads nowhere."""

from kleanxmpp import errors, one_time_links
from kleanxmpp.one_time_links import Held
from kleanxmpp.website_ports import LinkPurpose

from .visits import Visit


async def admitted(visit: Visit, *, purpose: LinkPurpose) -> tuple[str, Held]:
    """Return the code in the address and what it leads to, using nothing. Raises NotFound, and Problem (429)."""
    code, rates, address = visit.request.match_info["code"], visit.services.rates, visit.request.remote
    rates.admit_code(address=address)
    try:
        return code, await one_time_links.look(visit.directory, code, purpose=purpose, now=visit.now)
    except errors.NotFound:
        rates.was_wrong_code(address=address)
        raise
