"""Where messages may go: to public addresses over https, and elsewhere only where the operator's settings say so.

A receiver's address comes from a customer, our machine stands in somebody's network: without this, a webhook would be
a way to reach what only that network reaches. The decision about an address is made on what is really connected to
(see `admin_api.webhook_sender`), so a name that resolves otherwise the second time gains nothing.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import urlsplit

from kleanxmpp import errors

Address = IPv4Address | IPv6Address
LONGEST_URL = 2000
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20",
        "5f00::/16", "fec0::/10",
    )
)  # fmt: skip
"""Said besides what Python says, whose answers differ between versions."""
_CARRYING_IPV4 = ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48")


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """Destinations that need neither be public nor speak https: networks, and hosts by name."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    hosts: frozenset[str] = frozenset()

    def has_host(self, host: str) -> bool:
        """Whether everything behind this host (a name or an address, as in a URL) is allowed."""
        address = _address(host)
        return host.lower().rstrip(".") in self.hosts if address is None else self.has_address(address)

    def has_address(self, address: Address) -> bool:
        """Whether the address is in one of the networks."""
        return any(address in network for network in self.networks if network.version == address.version)


NOBODY = Allowed()


def allowed_of(entries: Iterable[str]) -> Allowed:
    """Read networks (`10.0.0.0/8`), addresses and names of hosts. Raises Invalid."""
    networks: list[IPv4Network | IPv6Network] = []
    hosts: set[str] = set()
    for entry in entries:
        text = entry.strip().lower()
        try:
            networks.append(ipaddress.ip_network(text))
        except ValueError:
            if not text or "/" in text or ":" in text or text[-1].isdigit() or not text.isprintable() or " " in text:
                raise errors.Invalid(f"“{entry}” is no network, address or host.", field="allow_private") from None
            hosts.add(text.rstrip("."))
    return Allowed(networks=tuple(networks), hosts=frozenset(hosts))


def checked_url(text: str, *, allowed: Allowed) -> str:
    """Return the URL of a receiver. Raises Invalid; where a name leads is seen only when it is connected to."""
    if len(text) > LONGEST_URL or not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        raise _wrong(f"An address has up to {LONGEST_URL} visible ASCII characters.")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise _wrong("This is no address.") from None
    if not host or parts.scheme not in {"http", "https"}:
        raise _wrong("An address begins with https:// and a host.")
    if "@" in parts.netloc:
        raise _wrong("An address must not hold a username or a password; messages are signed instead.")
    if parts.fragment:
        raise _wrong("An address has no fragment (#…).")
    if parts.scheme == "http" and not allowed.has_host(host):
        raise _wrong("Only https:// is allowed.")
    address = _address(host)
    if address is not None and not may_connect(address, allowed=allowed):
        raise _wrong("The address is not a public one.")
    return text


def may_connect(address: Address, *, allowed: Allowed) -> bool:
    """Whether an address may be connected to: it is public, or in one of the allowed networks."""
    return allowed.has_address(address) or is_public(address)


def is_public(address: Address) -> bool:
    """Whether an address is one of the open internet, and does not carry another one inside that is not."""
    if isinstance(address, IPv6Address):
        inner = _carried(address)
        if inner is not None:
            return is_public(inner)
    if address.is_multicast or address.is_reserved or address.is_unspecified or not address.is_global:
        return False
    return not any(address in network for network in _NOT_PUBLIC if network.version == address.version)


def _carried(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 one stands for: mapped, 6to4, NAT64, or the obsolete compatible form."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if any(address in network for network in _CARRYING_IPV4) or int(address) >> 32 == 0:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _wrong(message: str) -> errors.Invalid:
    return errors.Invalid(message, field="url")
