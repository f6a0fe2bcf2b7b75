"""What the doctor's synthetic user tries by a client of its own."""

import asyncio
from xml.etree.ElementTree import Element

from ejabberd.api import EjabberdApi
from kleanxmpp import errors
from kleanxmpp.doctor.facts import Entry

from .xml_stream import XmlStream, condition_of, local

_MUC = "http://jabber.org/protocol/muc"
_ITEMS = "http://jabber.org/protocol/disco#items"
_OUTSIDE_SECONDS = 4.0
"""How long to wait for the refusal of a message to the outside; a server that delivers it says nothing."""


class ClientDevice:
    """A client that has tried to log in; see `kleanxmpp.doctor.ports.Device`."""

    def __init__(self, stream: XmlStream, entry: Entry, *, api: EjabberdApi) -> None:
        self._stream, self._entry, self._api = stream, entry, api

    @property
    def entry(self) -> Entry:
        """What came of the attempt to log in."""
        return self._entry

    async def create_room(self, room: str) -> bool:
        """Try to make a room, and remove it again; return whether that worked."""
        made = await self.enter_room(room)
        if made:
            name, _, service = room.partition("@")
            await self._api.rooms.destroy(name, service=service)
        return made

    async def enter_room(self, room: str) -> bool:
        """Try to enter a room, and leave it again; return whether that worked."""
        await self._stream.send(f"<presence to='{room}/doctor'><x xmlns='{_MUC}'/></presence>")
        answer = await self._stream.wait(lambda element: _is_presence_of(element, room))
        if condition_of(answer) is not None:
            return False
        await self._stream.send(f"<presence type='unavailable' to='{answer.get('from')}'/>")
        return True

    async def listed_rooms(self, service: str) -> frozenset[str]:
        """Return the rooms that the service lists for everybody."""
        answer = await self._stream.iq("get", f"<query xmlns='{_ITEMS}'/>", to=service)
        condition = condition_of(answer)
        if condition is not None:
            raise errors.Temporary(f"The room service gives no list: {condition}.")
        return frozenset(item.get("jid", "") for item in answer.iter() if local(item) == "item")

    async def write_outside(self, to: str) -> str | None:
        """Write to an address elsewhere; return the condition of the refusal, None if there is none in time."""
        await self._stream.send(f"<message type='chat' id='outside' to='{to}'><body>KleanXMPP doctor</body></message>")
        try:
            async with asyncio.timeout(_OUTSIDE_SECONDS):
                answer = await self._stream.wait(lambda element: element.get("id") == "outside")
        except TimeoutError:
            return None
        return condition_of(answer)

    async def ended(self, *, timeout: float) -> bool:
        """Return True as soon as the server has ended the session, False if it has not in time."""
        try:
            async with asyncio.timeout(timeout):
                await self._stream.wait_ended()
        except TimeoutError:
            return False
        return True


def _is_presence_of(element: Element, room: str) -> bool:
    return local(element) == "presence" and element.get("from", "").partition("/")[0] == room
