"""Who asks, and whether they get an answer: the same three questions before every handler's own work.

Is it somebody of the company that was addressed; do they ask too often; may they chat. In this order, so
that a stranger or a loop never reaches the directory.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from slixmpp.exceptions import XMPPError

from kleanxmpp import assistant, errors
from kleanxmpp.ports import Directory

from ..addresses import BOT, Addresses
from ..commands.base import Context
from ..commands.rate import Limiter, Verdict
from ..locale import Texts, in_every_language, texts_for

Stanza = Any
"""A stanza of slixmpp, whose interfaces are looked up by name and carry no types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What is needed to answer anybody: one value, shared by all handlers of the assistant."""

    directory: Directory
    addresses: Addresses

    def company_asked(self, stanza: Stanza) -> str:
        """Return the domain of the asking person's company. Raises XMPPError if this is no business of theirs."""
        sender, to = stanza["from"], stanza["to"]
        domain = self.addresses.asked_as(to.domain, sender_host=sender.domain)
        if domain is None or not sender.local:
            raise XMPPError("service-unavailable", text=in_every_language(lambda texts: texts.refused))
        if to.local not in ("", BOT):
            raise XMPPError("item-not-found", text=in_every_language(lambda texts: texts.unknown_address))
        return domain

    async def context_of(self, username: str, *, domain: str) -> Context | None:
        """Return who is behind this address, None if nobody who may chat. Raises DirectoryUnavailable."""
        person = await assistant.person_who_may_chat(self.directory, domain=domain, username=username)
        if person is None:
            return None
        return Context(
            person=person,
            directory=self.directory,
            texts=texts_for(person.user.locale, person.company.locale),
            rooms_domain=self.addresses.rooms(domain),
        )

    async def context(self, stanza: Stanza, *, domain: str) -> Context:
        """Return who asks. Raises XMPPError if they may not chat, and DirectoryUnavailable."""
        context = await self.context_of(stanza["from"].local, domain=domain)
        if context is None:
            raise XMPPError("forbidden", text=in_every_language(lambda texts: texts.refused))
        return context

    async def iq_context(self, iq: Stanza, *, limiter: Limiter) -> Context:
        """Return who asks with this IQ. Raises XMPPError for strangers, for too many requests, or out of order."""
        domain = self.company_asked(iq)
        if limiter.ask(iq["from"].bare) is not Verdict.ANSWER:
            text = in_every_language(lambda texts: texts.too_fast)
            raise XMPPError("resource-constraint", etype="wait", text=text)
        with unavailable_in_words():
            return await self.context(iq, domain=domain)


@contextmanager
def unavailable_in_words(texts: Texts | None = None) -> Iterator[None]:
    """Turn DirectoryUnavailable into the stanza error that says so in the person's words."""
    try:
        yield
    except errors.DirectoryUnavailable as error:
        text = texts.unavailable if texts else in_every_language(lambda texts: texts.unavailable)
        raise XMPPError("resource-constraint", etype="wait", text=text) from error
