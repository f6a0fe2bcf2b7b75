"""Chat with the assistant: a person writes a line and always gets one back.

Nothing is answered that could answer in turn: errors, rooms, services, copies of messages (carbons,
archive), and what carries no words of a person. What people write is never logged.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from slixmpp import JID
from slixmpp.xmlstream.handler import CoroutineCallback
from slixmpp.xmlstream.matcher import MatchXPath

from kleanxmpp import errors

from ..commands.base import Context
from ..commands.chat_text import chat_text
from ..commands.conversation import greeting_once, introduction, reply_to
from ..commands.rate import Limiter, Rate, Verdict
from ..connection import Connection
from ..errors import answering
from ..locale import in_every_language
from .askers import Questions, Stanza

log = logging.getLogger(__name__)

_COPIES = (
    "{urn:xmpp:carbons:2}sent",
    "{urn:xmpp:carbons:2}received",
    "{urn:xmpp:mam:2}result",
    "{urn:xmpp:forward:0}forwarded",
)
_NO_WORDS = (
    "{urn:xmpp:reactions:0}reactions",
    "{urn:xmpp:message-retract:1}retract",
    "{http://jabber.org/protocol/muc#user}x",
    "{jabber:x:conference}x",
)
_ENCRYPTED = (
    "{urn:xmpp:eme:0}encryption",
    "{eu.siacs.conversations.axolotl}encrypted",
    "{urn:xmpp:omemo:2}encrypted",
)
RECEIPTS = "urn:xmpp:receipts"
_RECEIPT_ASKED = f"{{{RECEIPTS}}}request"
_RECEIPT = f"{{{RECEIPTS}}}received"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """What a person sent: their words, and the id under which they want to know that it arrived."""

    body: str
    encrypted: bool = False
    receipt_for: str | None = None


def read_message(xml: Element) -> Incoming | None:
    """Return what a person sent; None if this is nothing that wants an answer."""
    if xml.get("type", "normal") not in ("chat", "normal"):
        return None
    present = {child.tag for child in xml}
    if not present.isdisjoint((*_COPIES, *_NO_WORDS, _RECEIPT)):
        return None
    wanted = xml.get("id") if _RECEIPT_ASKED in present else None
    bodies = (child.text or "" for child in xml if child.tag.endswith("}body"))
    body = next((text.strip() for text in bodies if text.strip()), "")
    encrypted = not present.isdisjoint(_ENCRYPTED)
    if not (body or encrypted or wanted):
        return None
    return Incoming(body=body, encrypted=encrypted, receipt_for=wanted)


class Messages:
    """Answers chat messages to the assistant, in every company of the stream."""

    def __init__(
        self, questions: Questions, *, rate: Rate | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._questions = questions
        self._limiter = Limiter(rate or Rate(), clock=clock)
        self._connection: Connection | None = None

    def register(self, connection: Connection) -> None:
        """Take over all messages that reach the component. Comes after `DiscoHandler`."""
        self._connection = connection
        disco: Any = connection.xmpp.plugin["xep_0030"]
        for bot in map(connection.addresses.bot, connection.addresses.domains):
            disco.add_feature(RECEIPTS, jid=bot)
        matcher = MatchXPath(f"{{{connection.xmpp.default_ns}}}message")
        connection.xmpp.register_handler(CoroutineCallback("Assistant Chat", matcher, answering(self.on_message)))

    async def on_message(self, message: Stanza) -> None:
        """Answer one message, or let it pass."""
        incoming = read_message(message.xml)
        if incoming is None or message["from"].domain not in self._questions.addresses.domains:
            return
        domain = self._questions.company_asked(message)
        verdict = self._limiter.ask(message["from"].bare)
        if verdict is Verdict.DROP:
            return
        try:
            context = await self._questions.context(message, domain=domain)
        except errors.DirectoryUnavailable:
            _reply(message, in_every_language(lambda texts: texts.unavailable))
            return
        if incoming.receipt_for:
            _acknowledge(message, incoming.receipt_for)
        if verdict is Verdict.NOTICE:
            _reply(message, context.texts.too_fast, language=context.texts.language)
        elif incoming.encrypted:
            _reply(message, context.texts.encrypted, language=context.texts.language)
        elif incoming.body:
            _reply(message, await reply_to(incoming.body, context), language=context.texts.language)

    async def greet(self, domain: str, username: str, resource: str = "") -> None:
        """Greet a person who has not written yet; fits `PresenceHandler(on_contact=…)`. Once per person, for ever.

        Without stream or directory nothing is said and nothing used up: the next contact greets.
        """
        to = JID(f"{username}@{domain}" + (f"/{resource}" if resource else ""))
        try:
            context = await self._questions.context_of(username, domain=domain)
            if context is not None and self._connection is not None and self._connection.ready:
                await self._introduce(context, to=to, connection=self._connection)
        except (errors.DirectoryUnavailable, errors.Temporary) as error:
            log.warning("A greeting has to wait.", extra={"reason": type(error).__name__})

    async def _introduce(self, context: Context, *, to: JID, connection: Connection) -> None:
        if not (greeting := await greeting_once(context)):
            return
        body = chat_text(greeting, await introduction(context))
        bot = JID(connection.addresses.bot(to.domain))
        message = connection.xmpp.make_message(to, body, mtype="chat", mfrom=bot)
        message.xml.set(_LANGUAGE, context.texts.language)
        connection.send(message)


def _reply(message: Stanza, text: str, *, language: str | None = None) -> None:
    reply = message.reply(text)
    reply["from"] = message["to"].bare
    if not message["thread"]:
        del reply["thread"]
    reply.xml.attrib.pop(_LANGUAGE, None)
    if language:
        reply.xml.set(_LANGUAGE, language)
    reply.send()


def _acknowledge(message: Stanza, message_id: str) -> None:
    receipt = message.reply()
    receipt["from"] = message["to"].bare
    del receipt["thread"]
    receipt.append(Element(_RECEIPT, {"id": message_id}))
    receipt.send()
