"""The clients of the end-to-end tests: one process of their own that hosts any number of slixmpp clients.

slixmpp shares state between a component and a client of one interpreter (namespaces of stanza errors), so clients never
run where the tests or the service run. Commands come as JSON lines on stdin, answers and everything that a client
receives go as JSON lines to stdout. What a test asserts is read from the stanzas, in `staff`.
"""

import asyncio
import io
import json
import ssl
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any
from xml.etree import ElementTree

from slixmpp import JID, ClientXMPP
from slixmpp.exceptions import IqError, IqTimeout, PresenceError
from slixmpp.xmlstream import tostring

SECONDS = 20.0
_BIND = "{urn:ietf:params:xml:ns:xmpp-bind}bind"
_STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"
_STANZA_TAGS = tuple(f"{{jabber:client}}{name}" for name in ("message", "presence", "iq"))


class Refused(Exception):
    """The server said no. `step` is where: connection, tls, login, bind, join."""

    def __init__(self, step: str, condition: str) -> None:
        super().__init__(f"{step}: {condition}")
        self.step, self.condition = step, condition


def tell(**facts: object) -> None:
    """Write one line to the test."""
    print(json.dumps({"at": time.time(), **facts}), flush=True)


def error_condition(xml: ElementTree.Element) -> str:
    """Return the error condition of a stanza, empty if it is none."""
    found = (e.tag.removeprefix(_STANZAS) for e in xml.iter() if e.tag.startswith(_STANZAS))
    return next((name for name in found if name != "text"), "")


def new_client(jid: str, credential: str, *, ca_file: str) -> ClientXMPP:
    """Return a client that trusts our certificate authority only."""
    xmpp = ClientXMPP(jid, credential, ssl_context=ssl.create_default_context(cafile=ca_file))
    xmpp.enable_direct_tls, xmpp.enable_plaintext = False, False
    xmpp.add_filter("in", remember_refused_bind(xmpp))
    return xmpp


def remember_refused_bind(xmpp: ClientXMPP) -> Callable[[Any], Any]:
    """Return a filter that turns the answer to a refused bind into an event: slixmpp only logs it."""

    def look(stanza: Any) -> Any:
        if stanza.xml.tag.endswith("}iq") and stanza.xml.get("type") == "error" and not xmpp.bound:
            xmpp.event("bind_refused", error_condition(stanza.xml))
        return stanza

    return look


async def log_in(xmpp: ClientXMPP, host: str, port: int, *, resuming: bool = False) -> str:
    """Connect until a session is there; return `session_start` or `session_resumed`. Raises Refused."""
    outcome: asyncio.Future[tuple[str, str]] = asyncio.get_running_loop().create_future()

    def settle(step: str, read: Callable[[Any], str] = lambda data: str(data)) -> Callable[[Any], None]:
        return lambda data: None if outcome.done() else outcome.set_result((step, read(data)))

    handlers = {
        "session_start": settle("session_start"),
        "session_resumed": settle("session_resumed"),
        "failed_auth": settle("login", lambda stanza: stanza["condition"]),
        "bind_refused": settle("bind"),
        "connection_failed": settle("connection"),
        "stream_error": settle("stream", lambda stanza: stanza["condition"]),
        "ssl_invalid_chain": settle("tls"),
        "disconnected": settle("connection"),
    }
    for name, handler in handlers.items():
        xmpp.add_event_handler(name, handler)
    try:
        xmpp.connect(host, port)
        step, text = await asyncio.wait_for(outcome, SECONDS)
    except TimeoutError:
        step, text = "connection", "no answer in time"
    finally:
        for name, handler in handlers.items():
            xmpp.del_event_handler(name, handler)
    if step in ("session_start", "session_resumed"):
        return step
    if xmpp.transport is not None and not xmpp.transport.is_closing():
        xmpp.abort()
    xmpp.cancel_connection_attempt()
    raise Refused(step, text)


class Device:
    """One client of one person."""

    def __init__(self, name: str, command: dict[str, Any]) -> None:
        self.name = name
        self.host, self.port = command["host"], command["port"]
        self.xmpp = new_client(command["jid"], command["credential"], ca_file=command["ca_file"])
        for plugin in ("xep_0030", "xep_0045", "xep_0163", "xep_0199"):
            self.xmpp.register_plugin(plugin)
        self.xmpp.register_plugin("xep_0115", {"caps_node": "urn:kleanxmpp:test-client"})
        if command["stream_management"]:
            self.xmpp.register_plugin("xep_0198")
        for node in command["interests"]:
            self.xmpp.plugin["xep_0163"].add_interest(node)
        self.xmpp.add_filter("in", self._on_stanza)
        self.xmpp.add_event_handler("stream_error", self._on_stream_error)
        self.xmpp.add_event_handler("disconnected", self._on_disconnected)

    def _on_stanza(self, stanza: Any) -> Any:
        if stanza.xml.tag in _STANZA_TAGS:
            tell(event="stanza", client=self.name, xml=tostring(stanza.xml))
        return stanza

    def _on_stream_error(self, error: Any) -> None:
        tell(event="stream_error", client=self.name, condition=error["condition"])

    def _on_disconnected(self, _reason: object) -> None:
        tell(event="closed", client=self.name)

    async def login(self) -> dict[str, Any]:
        """Start a session the way clients do: contact list first, then presence."""
        how = await log_in(self.xmpp, self.host, self.port)
        if how == "session_start":
            await self.xmpp.get_roster(timeout=SECONDS)
            self.xmpp.send_presence()
        return {"how": how, "jid": self.xmpp.boundjid.full}

    async def iq(self, kind: str, to: str | None, payload: str) -> dict[str, Any]:
        """Send an IQ and return the whole answer, be it a result or an error."""
        iq = self.xmpp.make_iq(ito=to)
        iq["type"] = kind
        iq.append(ElementTree.fromstring(payload))
        try:
            answer = await iq.send(timeout=SECONDS)
        except IqError as error:
            answer = error.iq
        except IqTimeout:
            raise Refused("iq", "no answer in time") from None
        return {"xml": tostring(answer.xml)}

    async def upload(self, name: str, content: str, media_type: str) -> dict[str, Any]:
        """Send a file the way clients do: find the service, ask for a place, put it there; return the link."""
        self.xmpp.register_plugin("xep_0363")
        sending = self.xmpp.plugin["xep_0363"].upload_file
        data = bytes.fromhex(content)
        try:
            link = await sending(name, len(data), media_type, input_file=io.BytesIO(data), timeout=SECONDS)
        except IqError as error:
            raise Refused("upload", error.condition) from None
        return {"link": link}

    async def join(self, room: str, nick: str) -> dict[str, Any]:
        """Join a room; return the occupants, the history and the subject seen on the way in."""
        try:
            joining = self.xmpp.plugin["xep_0045"].join_muc_wait(JID(room), nick, maxstanzas=50, timeout=SECONDS)
            own, subject, occupants, history = await joining
        except PresenceError as error:
            raise Refused("join", error.condition) from None
        except TimeoutError:
            raise Refused("join", "no answer in time") from None
        return {
            "own": tostring(own.xml),
            "occupants": [tostring(presence.xml) for presence in occupants],
            "history": [message["body"] for message in history],
            "subject": subject["subject"],
        }


class Hammer:
    """A client that comes back at once, whatever happens, and keeps count."""

    def __init__(self, command: dict[str, Any]) -> None:
        self.command = command
        self.attempts: list[dict[str, Any]] = []
        self._stop = asyncio.Event()
        self._first = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def started(self) -> None:
        """Return after the first attempt that got in."""
        await asyncio.wait_for(self._first.wait(), SECONDS)

    async def stop(self) -> list[dict[str, Any]]:
        """Finish the attempt that is on its way and return all of them."""
        self._stop.set()
        await asyncio.wait_for(self._task, SECONDS * 2)
        return self.attempts

    async def _run(self) -> None:
        command = self.command
        while not self._stop.is_set():
            began = time.time()
            xmpp = new_client(command["jid"], command["credential"], ca_file=command["ca_file"])
            try:
                await log_in(xmpp, command["host"], command["port"])
            except Refused as refused:
                outcome = str(refused)
            else:
                outcome = "in"
                self._first.set()
            self.attempts.append({"began": began, "ended": time.time(), "outcome": outcome})
            if xmpp.transport is not None and not xmpp.transport.is_closing():
                xmpp.abort()
            await asyncio.sleep(0)


class Host:
    """All clients of this process, by name."""

    def __init__(self) -> None:
        self.devices: dict[str, Device] = {}
        self.hammers: dict[str, Hammer] = {}

    async def run(self, command: dict[str, Any]) -> dict[str, Any]:
        """Do what a line says and return the answer. Raises Refused."""
        does: dict[str, Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]] = {
            "login": self.login,
            "come_back": self.come_back,
            "iq": lambda c: self.devices[c["client"]].iq(c["kind"], c["to"], c["payload"]),
            "upload": lambda c: self.devices[c["client"]].upload(c["name"], c["content"], c["media_type"]),
            "join": lambda c: self.devices[c["client"]].join(c["room"], c["nick"]),
            "send": self.send,
            "logout": self.logout,
            "cut": self.cut,
            "hammer": self.hammer,
            "stop_hammer": self.stop_hammer,
        }
        return await does[command["do"]](command)

    async def login(self, command: dict[str, Any]) -> dict[str, Any]:
        """Make a new device and log in."""
        device = self.devices[command["client"]] = Device(command["client"], command)
        return await device.login()

    async def come_back(self, command: dict[str, Any]) -> dict[str, Any]:
        """Log in again with a device that lost its connection; it resumes its stream if it can (XEP-0198)."""
        return await self.devices[command["client"]].login()

    async def send(self, command: dict[str, Any]) -> dict[str, Any]:
        """Send a stanza as it stands."""
        self.devices[command["client"]].xmpp.send_raw(command["xml"])
        return {}

    async def logout(self, command: dict[str, Any]) -> dict[str, Any]:
        """Say goodbye and disconnect."""
        device = self.devices.pop(command["client"], None)
        if device is not None and device.xmpp.transport is not None:
            await device.xmpp.disconnect(wait=2.0)
        return {}

    async def cut(self, command: dict[str, Any]) -> dict[str, Any]:
        """Lose the connection without a word, as in a tunnel."""
        xmpp = self.devices[command["client"]].xmpp
        if xmpp.socket is not None and xmpp.transport is not None:
            xmpp.transport.abort()
        return {}

    async def hammer(self, command: dict[str, Any]) -> dict[str, Any]:
        """Begin to log in again and again."""
        hammer = self.hammers[command["client"]] = Hammer(command)
        await hammer.started()
        return {}

    async def stop_hammer(self, command: dict[str, Any]) -> dict[str, Any]:
        """End that and return every attempt."""
        return {"attempts": await self.hammers.pop(command["client"]).stop()}


async def answer(host: Host, command: dict[str, Any]) -> None:
    """Run one command and answer it, also when it fails."""
    try:
        tell(answer=command["id"], result=await host.run(command))
    except Refused as refused:
        tell(answer=command["id"], refused={"step": refused.step, "condition": refused.condition})
    except Exception as error:  # the outermost border: the test that asked shall fail with the reason
        tell(answer=command["id"], failed=f"{type(error).__name__}: {error}")


async def main() -> None:
    """Serve lines until stdin ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=2**24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    host, running = Host(), set[asyncio.Task[None]]()
    while line := await reader.readline():
        task = asyncio.create_task(answer(host, json.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)


if __name__ == "__main__":
    asyncio.run(main())
