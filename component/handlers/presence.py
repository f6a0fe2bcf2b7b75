"""The bot's presence: it is always there, and it remembers nobody's.

Whoever subscribes is accepted, whoever asks is told that the bot is available. The first sign of a person
(a subscription, or presence sent to the bot) goes to `on_contact`, which may be called again for the same
person at any time.
"""

from collections.abc import Awaitable, Callable
from typing import Literal

from slixmpp import JID
from slixmpp.stanza import Presence

from ..connection import Connection
from ..errors import answering

OnContact = Callable[[str, str, str], Awaitable[None]]
"""Called with the company's domain, the username and the resource (which may be empty)."""


class PresenceHandler:
    """Answers presence sent to the bot by people of the bot's own company; anybody else hears nothing."""

    def __init__(self, *, on_contact: OnContact) -> None:
        self._on_contact = on_contact

    def register(self, connection: Connection) -> None:
        """Listen to presence."""
        self._connection = connection
        connection.xmpp.add_event_handler("presence", answering(self.on_presence))

    async def on_presence(self, presence: Presence) -> None:
        """Answer a subscription or probe; note a contact."""
        asked, person = presence["to"], presence["from"]
        domain = self._connection.addresses.asked_as(asked.host, sender_host=person.host)
        if domain is None or asked.bare != self._connection.addresses.bot(domain) or not person.user:
            return
        match presence["type"]:
            case "subscribe":
                self._answer("subscribed", asked=asked, person=JID(person.bare))
                self._answer(None, asked=asked, person=JID(person.bare))
            case "unsubscribe":
                self._answer("unsubscribed", asked=asked, person=JID(person.bare))
                return
            case "probe":
                self._answer(None, asked=asked, person=person)
                return
            case "unavailable" | "error" | "subscribed" | "unsubscribed":
                return
        await self._on_contact(domain, person.user, person.resource)

    def _answer(self, kind: Literal["subscribed", "unsubscribed"] | None, *, asked: JID, person: JID) -> None:
        """Send presence from the bot; None is: available."""
        self._connection.send(self._connection.xmpp.make_presence(pto=person, pfrom=asked.bare, ptype=kind))
