"""The assistant's commands for clients that show them as menus and forms (XEP-0050, found by XEP-0030).

Answered from the stanzas themselves, without slixmpp's xep_0050 plugin: that one forgets the commands on
every new stream, gives them one name for everybody, and keeps sessions for ever.
"""

import time
from collections.abc import Callable
from typing import Any

from slixmpp import JID
from slixmpp.exceptions import XMPPError
from slixmpp.plugins.xep_0030 import DiscoInfo, DiscoItems
from slixmpp.xmlstream.handler import CoroutineCallback
from slixmpp.xmlstream.matcher import MatchXPath

from ..commands import adhoc_steps, discovery
from ..commands.base import Command, Context
from ..commands.offered import COMMANDS
from ..commands.rate import Limiter, Rate
from ..connection import Connection
from ..errors import answering
from .askers import Questions, Stanza, unavailable_in_words

IQ_RATE = Rate(burst=60, seconds_each=0.5)
"""Clients ask for several things at once when they open a window."""


class AdHoc:
    """Lists and runs the commands, on the component's address and on the assistant's."""

    def __init__(
        self, questions: Questions, *, rate: Rate = IQ_RATE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._questions = questions
        self._limiter = Limiter(rate, clock=clock)

    def register(self, connection: Connection) -> None:
        """Take over commands, and describe them on all our addresses. Comes after `DiscoHandler`."""
        xmpp = connection.xmpp
        matcher = MatchXPath(f"{{{xmpp.default_ns}}}iq/{adhoc_steps.COMMAND}")
        xmpp.register_handler(CoroutineCallback("Assistant Command", matcher, answering(self.on_command)))
        disco: Any = xmpp.plugin["xep_0030"]
        addresses = connection.addresses
        for domain in addresses.domains:
            for address in (JID(addresses.component(domain)), JID(addresses.bot(domain))):
                disco.add_feature(adhoc_steps.NAMESPACE, jid=address)
                disco.set_node_handler("get_items", address, adhoc_steps.NAMESPACE, self.on_items)
                for node in (adhoc_steps.NAMESPACE, *(command.node for command in COMMANDS)):
                    disco.set_node_handler("get_info", address, node, self.on_info)

    async def on_command(self, iq: Stanza) -> None:
        """Take one step of a command."""
        if iq["type"] not in ("get", "set"):
            return
        if iq["type"] == "get":
            raise XMPPError("bad-request")
        context = await self._questions.iq_context(iq, limiter=self._limiter)
        step = adhoc_steps.read_step(iq.xml.find(adhoc_steps.COMMAND))
        command = _command(step.node, context)
        try:
            with unavailable_in_words(context.texts):
                answer = await adhoc_steps.take(step, command=command, context=context)
        except adhoc_steps.BadStep as error:
            raise XMPPError(
                "bad-request",
                text=context.texts.wrong_step,
                extension=error.condition,
                extension_ns=adhoc_steps.NAMESPACE,
            ) from error
        reply = iq.reply()
        reply.append(answer)
        reply.send()

    async def on_items(self, to: JID, _node: str, _sender: JID, iq: Stanza) -> DiscoItems:
        """List the commands that this person may use, in their language."""
        context = await self._questions.iq_context(iq, limiter=self._limiter)
        offered = (command for command in COMMANDS if command.allows(context.person))
        return DiscoItems(xml=discovery.make_command_items(offered, jid=to.bare, texts=context.texts))

    async def on_info(self, _to: JID, node: str, _sender: JID, iq: Stanza) -> DiscoInfo:
        """Say what the list of commands or one command is, in the person's language."""
        context = await self._questions.iq_context(iq, limiter=self._limiter)
        if node == adhoc_steps.NAMESPACE:
            return DiscoInfo(xml=discovery.make_list_info(context.texts))
        return DiscoInfo(xml=discovery.make_command_info(_command(node, context), texts=context.texts))


def _command(node: str, context: Context) -> Command:
    found = next((command for command in COMMANDS if command.node == node), None)
    if found is None:
        raise XMPPError("item-not-found", text=context.texts.unknown_command)
    if not found.allows(context.person):
        raise XMPPError("forbidden", text=context.texts.refused)
    return found
