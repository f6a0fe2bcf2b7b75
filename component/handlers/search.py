"""Searching for colleagues from a client's own search window (XEP-0055), with the assistant's own search."""

import time
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

from slixmpp.exceptions import XMPPError
from slixmpp.xmlstream.handler import CoroutineCallback
from slixmpp.xmlstream.matcher import MatchXPath

from kleanxmpp import assistant

from ..commands import user_search
from ..commands.base import Context
from ..commands.rate import Limiter, Rate
from ..connection import Connection
from ..errors import answering
from .askers import Questions, Stanza, unavailable_in_words

_NAME = "KleanXMPP"


class UserSearch:
    """Answers searches on the component's address (not the assistant's: clients look for a service)."""

    def __init__(
        self, questions: Questions, *, rate: Rate | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._questions = questions
        self._limiter = Limiter(rate or Rate(), clock=clock)

    def register(self, connection: Connection) -> None:
        """Take over searches, and announce them on the component's addresses. Comes after `DiscoHandler`."""
        xmpp = connection.xmpp
        matcher = MatchXPath(f"{{{xmpp.default_ns}}}iq/{user_search.QUERY}")
        xmpp.register_handler(CoroutineCallback("Assistant Search", matcher, answering(self.on_search)))
        disco: Any = xmpp.plugin["xep_0030"]
        for host in map(connection.addresses.component, connection.addresses.domains):
            disco.add_feature(user_search.NAMESPACE, jid=host)
            disco.add_identity(category="directory", itype="user", name=_NAME, jid=host)

    async def on_search(self, iq: Stanza) -> None:
        """Say which fields there are (`get`), or search (`set`)."""
        if iq["type"] not in ("get", "set"):
            return
        if iq["to"].local:
            raise XMPPError("service-unavailable")
        context = await self._questions.iq_context(iq, limiter=self._limiter)
        query = iq.xml.find(user_search.QUERY)
        if iq["type"] == "get" or query is None:
            answer = user_search.make_search_fields(context.texts)
        else:
            answer = await _found(user_search.read_search(query), context=context)
        reply = iq.reply()
        reply.append(answer)
        reply.send()


async def _found(search: user_search.Search, *, context: Context) -> Element:
    if not search.text:
        raise XMPPError("bad-request", text=context.texts.search_instructions)
    company = context.person.company
    with unavailable_in_words(context.texts):
        found = await assistant.find_people(context.directory, company, search.text, limit=user_search.MOST)
    return user_search.make_search_result(
        found.people, domain=company.domain, by_form=search.by_form, texts=context.texts
    )
