"""Where a request came from, as far as that can be believed: behind our own proxies, who say it in X-Forwarded-For.

Each proxy adds whom it heard at the end, and a caller may write anything at the beginning. So the list is read from the
end, and only as long as the one who wrote is one of ours.
"""

import ipaddress

from aiohttp import web

from kleanxmpp.destinations import Allowed

from .services import SERVICES

_NAMED = "X-Forwarded-For"


def address_of(request: web.Request) -> str | None:
    """Return the address of whoever asks; of a proxy, if it is not to be believed or says nothing."""
    trusted = request.app[SERVICES].settings.trusted_proxies
    found = request.remote
    for named in reversed(",".join(request.headers.getall(_NAMED, [])).split(",")):
        if not (_is_ours(found, trusted) and _is_address(named.strip())):
            break
        found = named.strip()
    return found


def _is_ours(address: str | None, trusted: Allowed) -> bool:
    return address is not None and _is_address(address) and trusted.has_address(ipaddress.ip_address(address))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
