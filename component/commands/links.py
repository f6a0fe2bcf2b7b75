"""`xmpp:` links that chat clients make tappable (RFC 5122, actions of XEP-0147). Pure."""

from urllib.parse import quote

from .base import Tap

_ALLOWED_IN_NODE = "!$()*+,;="
"""RFC 5122 `nodeallow`, besides what `quote` never touches."""


def link(jid: str, tap: Tap) -> str:
    """Return the link to a bare address that does `tap`."""
    localpart, at, domain = jid.rpartition("@")
    return f"xmpp:{quote(localpart, safe=_ALLOWED_IN_NODE)}{at}{quote(domain, safe='')}?{tap}"
