"""Codes of one-time links in addresses, of which nobody may try many.

A code is found by its hash, so that how long a look takes tells nothing about how much of it was right.
"""

from kleanxmpp import errors, one_time_links
from kleanxmpp.one_time_links import Held
from kleanxmpp.website_ports import LinkPurpose

from .visits import Visit


async def looked_up(visit: Visit, *, purpose: LinkPurpose) -> tuple[str, Held]:
    """Return the code in the address, and what it leads to; nothing is used up.

    Raises NotFound, whatever the reason, and Problem (429) after too many wrong ones from the same address.
    """
    code, rates = visit.request.match_info["code"], visit.services.rates
    rates.admit_code(address=visit.address)
    try:
        return code, await one_time_links.look(visit.directory, code, purpose=purpose, now=visit.now)
    except errors.NotFound:
        rates.was_wrong_code(address=visit.address)
        raise
