"""The assistant's real handlers on a real stream to a fake server; people's stanzas go in as the server writes them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from component.addresses import Addresses
from component.commands.rate import Rate
from component.connection import Connection, Patience
from component.handlers.adhoc import IQ_RATE, AdHoc
from component.handlers.askers import Questions
from component.handlers.disco import DiscoHandler
from component.handlers.messages import Messages
from component.handlers.search import UserSearch
from kleanxmpp import errors
from kleanxmpp.ports import Directory, Transaction
from tests.unit.component.fake_server import NS, SECRET, FakeServer, eventually, fake_server

ADDRESSES = Addresses(domains=("firma.test", "zwei.test"))
BOT = "klean@klean.firma.test"
ANNA = "anna@firma.test/phone"


class Interruptible:
    """A directory that can be `away` for a while."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self.away = False

    def read(self) -> AbstractAsyncContextManager[Transaction]:
        self._answer()
        return self._directory.read()

    def write(self, company_id: str | None = None) -> AbstractAsyncContextManager[Transaction]:
        self._answer()
        return self._directory.write(company_id)

    async def wait_for_change(self, *, timeout: float) -> None:
        await self._directory.wait_for_change(timeout=timeout)

    async def check(self) -> None:
        self._answer()

    def _answer(self) -> None:
        if self.away:
            raise errors.DirectoryUnavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """What a test says to the component and hears from it."""

    server: FakeServer
    connection: Connection
    messages: Messages
    directory: "Interruptible"

    async def ask(self, stanza: str, *, id: str) -> Element:
        """Send a stanza and return the first stanza with this id, or the first message, that comes back."""
        before = len(self.server.received)
        self.server.say(stanza)
        await eventually(lambda: len(self.server.received) > before)
        answer = self.server.received[before]
        assert answer.get("id") == id or answer.tag == f"{NS}message"
        return answer

    async def iq(self, payload: str, *, type: str = "get", sender: str = ANNA, to: str = "klean.firma.test") -> Element:
        return await self.ask(f"<iq type='{type}' id='q1' from='{sender}' to='{to}'>{payload}</iq>", id="q1")

    async def chat(
        self, body: str, *, sender: str = ANNA, to: str = BOT, type: str = "chat", more: str = ""
    ) -> Element:
        return await self.ask(message(body, sender=sender, to=to, type=type, more=more), id="m1")

    async def silence_after(self, stanza: str) -> None:
        """Assert that nothing comes back: questions asked afterwards, one after the other, are answered and no more."""
        before = len(self.server.received)
        self.server.say(stanza)
        rounds = ("end1", "end2", "end3")
        for id in rounds:
            self.server.say(
                f"<iq type='set' id='{id}' from='joerg@firma.test/x' to='{ADDRESSES.component('firma.test')}'>"
                "<command xmlns='http://jabber.org/protocol/commands' node='kontakt'/></iq>"
            )
            await eventually(lambda id=id: any(s.get("id") == id for s in self.server.received[before:]))
        assert [s.get("id") for s in self.server.received[before:]] == list(rounds)


def message(body: str, *, sender: str = ANNA, to: str = BOT, type: str = "chat", more: str = "") -> str:
    written = f"<body>{escape(body)}</body>" if body else ""
    return f"<message type='{type}' id='m1' from='{sender}' to='{to}'>{written}{more}</message>"


def body_of(stanza: Element) -> str:
    return stanza.findtext(f"{NS}body") or ""


def condition_of(stanza: Element) -> str:
    """Return the error condition of a stanza, empty if it is no error."""
    error = stanza.find(f"{NS}error")
    if stanza.get("type") != "error" or error is None:
        return ""
    return next(child.tag.rpartition("}")[2] for child in error if not child.tag.endswith("}text"))


@asynccontextmanager
async def talking(directory: Directory, *, rate: Rate | None = None) -> AsyncIterator[Talk]:
    async with fake_server() as server:
        patience = Patience(first_retry=0.01, longest_retry=0.05, ping_every=600, goodbye=1)
        connection = Connection(ADDRESSES, host="127.0.0.1", port=server.port, secret=SECRET, patience=patience)
        interruptible = Interruptible(directory)
        questions = Questions(directory=interruptible, addresses=ADDRESSES)
        chat = Messages(questions, rate=rate)
        for handler in (DiscoHandler(), chat, AdHoc(questions, rate=rate or IQ_RATE), UserSearch(questions, rate=rate)):
            handler.register(connection)
        task = asyncio.create_task(connection.run())
        try:
            async with asyncio.timeout(5):
                await connection.wait_ready()
            yield Talk(server=server, connection=connection, messages=chat, directory=interruptible)
        finally:
            connection.stop()
            async with asyncio.timeout(5):
                await task
