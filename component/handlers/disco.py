"""Who we are: service discovery (XEP-0030), ping (XEP-0199) and version (XEP-0092), for every company.

slixmpp's plugins describe only the address that opened the stream, so the others are described here.
Other handlers add their own features per address.
"""

from typing import Any

from kleanxmpp import __version__

from ..connection import Connection

FEATURES = (
    "http://jabber.org/protocol/disco#info",
    "http://jabber.org/protocol/disco#items",
    "urn:xmpp:ping",
    "jabber:iq:version",
)
_NAME = "KleanXMPP"


class DiscoHandler:
    """Answers for the component and the bot in each company."""

    def register(self, connection: Connection) -> None:
        """Load the plugins and describe all our addresses."""
        xmpp = connection.xmpp
        xmpp.register_plugin("xep_0030", {"use_cache": False})
        xmpp.register_plugin("xep_0199")
        xmpp.register_plugin("xep_0092", {"software_name": _NAME, "version": __version__, "os": ""})
        disco: Any = xmpp.plugin["xep_0030"]
        for domain in connection.addresses.domains:
            host, bot = connection.addresses.component(domain), connection.addresses.bot(domain)
            disco.add_identity(category="component", itype="generic", name=_NAME, jid=host)
            disco.add_identity(category="client", itype="bot", name=_NAME, jid=bot)
            disco.add_item(jid=bot, name=_NAME, ijid=host)
            for address in (host, bot):
                for feature in FEATURES:
                    disco.add_feature(feature, jid=address)
