"""The component's stream to the server (XEP-0114): one for all companies, and always coming back. No business.

slixmpp does not return after an established stream is lost, opens a second stream when asked to connect
twice, and waits up to five minutes between attempts: so a supervisor of our own makes every single
attempt. Its roster remembers everybody who ever sent presence: it is disconnected from the stream.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from xml.etree.ElementTree import Element

from slixmpp import ComponentXMPP, InvalidJID, Iq
from slixmpp.exceptions import IqError, IqTimeout
from slixmpp.stanza import StreamError
from slixmpp.stanza.rootstanza import RootStanza
from slixmpp.xmlstream import StanzaBase
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from .addresses import Addresses
from .errors import StreamLost, from_iq
from .quiet import keep_content_out_of_logs

log = logging.getLogger(__name__)

_PING = "{urn:xmpp:ping}ping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for what, in seconds."""

    connect: float = 10.0
    """For the connection and the handshake together."""
    first_retry: float = 0.5
    longest_retry: float = 15.0
    steady_after: float = 30.0
    """A stream that lived this long was good: the next attempt comes soon again."""
    ping_every: float = 30.0
    ping_answer: float = 10.0
    answer: float = 30.0
    """For the answer to an IQ."""
    goodbye: float = 2.0


def retry_delay(patience: Patience, *, failures: int, chance: float) -> float:
    """Return how long to wait after so many failures in a row; `chance` in 0..1 spreads it over its upper half."""
    full = min(patience.longest_retry, patience.first_retry * 2.0 ** min(failures - 1, 30))
    return full * (0.5 + 0.5 * chance)


class Handler(Protocol):
    """One concern of what reaches us. It registers its event and stanza handlers once, before the first connect."""

    def register(self, connection: "Connection") -> None:
        """Hook into `connection.xmpp`; what must be said anew on each stream belongs on its `session_start` event."""


class Connection:
    """The stream, its supervisor (`run`) and the IQs in flight. Make it inside the running event loop."""

    def __init__(
        self, addresses: Addresses, *, host: str, port: int, secret: str, patience: Patience | None = None
    ) -> None:
        keep_content_out_of_logs()
        self.addresses = addresses
        self.attempts = 0
        self.requests = 0
        self._host, self._port = host, port
        self._patience = patience or Patience()
        self._xmpp = _quiet_component(addresses.stream, secret)
        self._xmpp.add_filter("in", self._let_in)
        self._xmpp.add_event_handler("session_start", self._on_session_start)
        self._xmpp.add_event_handler("connection_failed", self._on_connection_failed)
        self._xmpp.add_event_handler("disconnected", self._on_disconnected)
        self._xmpp.add_event_handler("stream_error", self._on_stream_error)
        self._ready = asyncio.Event()
        self._ended = asyncio.Event()
        self._stop = asyncio.Event()
        self._pending: set[asyncio.Future[Iq]] = set()
        self._on_ready: list[Callable[[], None]] = []
        self._complained = False

    @property
    def xmpp(self) -> ComponentXMPP:
        """The slixmpp object, for handlers that register with it. Do not connect or disconnect it."""
        return self._xmpp

    @property
    def ready(self) -> bool:
        """Whether stanzas can be sent now."""
        return self._ready.is_set()

    async def wait_ready(self) -> None:
        """Return as soon as stanzas can be sent."""
        await self._ready.wait()

    def on_ready(self, callback: Callable[[], None]) -> None:
        """Have `callback` called each time a stream has been opened."""
        self._on_ready.append(callback)

    def send(self, stanza: RootStanza) -> None:
        """Send a stanza that expects no answer. Raises `Temporary` instead of queueing for a later stream."""
        if not self.ready:
            raise StreamLost
        stanza.send()

    async def request(
        self, payload: Element, *, to: str, sender: str, kind: Literal["get", "set"], timeout: float | None = None
    ) -> Element | None:
        """Send an IQ from one of our addresses and return what its result carries.

        Raises `Temporary` or `Permanent`; at once if the stream is not there or is lost meanwhile.
        """
        try:
            return await self._ask(payload, to=to, sender=sender, kind=kind, timeout=timeout or self._patience.answer)
        except (IqError, IqTimeout) as error:
            raise from_iq(error, to=to) from None  # slixmpp's error prints the whole stanza in a traceback

    async def run(self) -> None:
        """Keep the stream open until `stop` is called."""
        failures = 0
        try:
            while not self._stop.is_set():
                steady = await self._one_stream()
                failures = 1 if steady else failures + 1
                delay = retry_delay(self._patience, failures=failures, chance=random.random())
                await _first_of((self._stop,), timeout=delay)
        finally:
            await self._shut_down()

    def stop(self) -> None:
        """Make `run` say goodbye and return."""
        self._stop.set()

    async def _one_stream(self) -> bool:
        """Make one attempt and live with what comes of it; return whether the stream lived long enough to be good."""
        self.attempts += 1
        self._ended.clear()
        self._xmpp.connect(self._host, self._port)
        await _first_of((self._ready, self._ended, self._stop), timeout=self._patience.connect)
        if not self._ready.is_set():
            if not self._ended.is_set() and not self._stop.is_set():
                self._complain("The XMPP server did not accept the component in time.")
            await self._abandon()
            return False
        log.info("The component is connected.")
        self._complained = False
        began = asyncio.get_running_loop().time()
        for callback in self._on_ready:
            callback()
        await self._watch()
        return asyncio.get_running_loop().time() - began >= self._patience.steady_after

    async def _watch(self) -> None:
        """Return when the stream has ended; end it when the server does not answer on it any more."""
        while not await _first_of((self._ended, self._stop), timeout=self._patience.ping_every):
            if not await self._answers():
                self._complain("The XMPP server does not answer on the component's stream. Connecting anew.")
                await self._abandon()

    async def _answers(self) -> bool:
        to, sender = self.addresses.domains[0], self.addresses.stream
        try:
            await self._ask(Element(_PING), to=to, sender=sender, kind="get", timeout=self._patience.ping_answer)
        except IqTimeout:
            return False
        except (IqError, StreamLost):
            return True  # an error is an answer too, and a lost stream has already told so
        return True

    async def _ask(self, payload: Element, *, to: str, sender: str, kind: str, timeout: float) -> Element | None:
        if not self.ready:
            raise StreamLost
        iq: Any = self._xmpp.make_iq(ito=to, ifrom=sender)
        iq["type"] = kind
        iq.append(payload)
        self.requests += 1
        future: asyncio.Future[Iq] = iq.send(timeout=timeout)
        self._pending.add(future)
        try:
            answer = await future
        finally:
            self._pending.discard(future)
        return next(iter(answer.xml), None)

    async def _abandon(self) -> None:
        """Drop the attempt or the stream; on return nothing of it is left that could disturb the next."""
        self._xmpp.cancel_connection_attempt()
        if self._xmpp.transport is not None:
            self._ended.clear()
            self._xmpp.abort()
            await self._ended.wait()

    async def _shut_down(self) -> None:
        if self.ready:
            await self._xmpp.disconnect(wait=self._patience.goodbye)
        await self._abandon()
        sending = self._xmpp._run_out_filters  # slixmpp's sender task; it has no public way to end it
        if sending is not None:
            sending.cancel()
            await asyncio.wait((sending,))

    def _let_in(self, stanza: StanzaBase) -> StanzaBase | None:
        """Drop what must not reach a handler: unreadable addresses, and whatever crosses from company to company.

        Answering an unreadable address would fail inside slixmpp, and that would end the stream for everybody.
        """
        if not isinstance(stanza, RootStanza):
            return stanza
        try:
            sender, to = stanza["from"].domain, stanza["to"].domain
        except InvalidJID:
            log.warning("A stanza with an unreadable address was dropped.")
            return None
        return stanza if self.addresses.inside_one_company(sender, to) else None

    def _on_session_start(self, _event: object) -> None:
        self._ready.set()

    def _on_connection_failed(self, reason: object) -> None:
        self._complain("The XMPP server cannot be reached: %s", reason)
        self._ended.set()

    def _on_disconnected(self, _reason: object) -> None:
        if self._ready.is_set() and not self._stop.is_set():
            self._complain("The component's stream was lost.")
        self._ready.clear()
        self._ended.set()
        for future in self._pending:
            if not future.done():
                future.set_exception(StreamLost())

    def _on_stream_error(self, error: StreamError) -> None:
        if error["condition"] == "not-authorized":
            self._complain("The XMPP server refuses the component: its secret is wrong.")
        else:
            self._complain("The XMPP server ends the component's stream: %s", error["condition"])

    def _complain(self, message: str, *arguments: object) -> None:
        """Say it aloud once per outage; repetitions of every attempt are for DEBUG."""
        log.log(logging.DEBUG if self._complained else logging.WARNING, message, *arguments)
        self._complained = True


def _quiet_component(jid: str, secret: str) -> ComponentXMPP:
    """Return a slixmpp component that keeps no state per person and whose stream no stanza can break."""
    xmpp: Any = ComponentXMPP(jid, secret, fix_error_ns=True)  # type: ignore[no-untyped-call]  # slixmpp leaves it open
    xmpp.del_filter("out", xmpp.roster._save_last_status)
    xmpp.remove_handler("Presence")
    xmpp.register_handler(
        Callback(
            "Presence", MatchXPath(f"{{{xmpp.default_ns}}}presence"), lambda stanza: xmpp.event("presence", stanza)
        )
    )
    # slixmpp's own handler follows `see-other-host` to wherever it points
    xmpp.remove_handler("Stream Error")
    xmpp.register_handler(
        Callback("Stream Error", MatchXPath(f"{{{xmpp.stream_ns}}}error"), lambda e: xmpp.event("stream_error", e))
    )
    component: ComponentXMPP = xmpp
    return component


async def _first_of(events: Sequence[asyncio.Event], *, timeout: float) -> bool:
    """Wait for any of the events; return False if none happened in time."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        done, _ = await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
    return bool(done)
