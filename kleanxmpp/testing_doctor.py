"""`MemoryCheckup`: the twin of the doctor's border, on the in-memory server and any directory.

Logins are decided as the real server does: the directory by the credential, then the gate. What is seen from outside
are plain values that tests replace.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from kleanxmpp import errors, ids
from kleanxmpp.changes import CloseGate
from kleanxmpp.desired import GATE
from kleanxmpp.doctor.facts import Certificate, Entry, Inside, Listener, NoModule, Stream
from kleanxmpp.doctor.ports import Device
from kleanxmpp.model import Company
from kleanxmpp.ports import Directory
from kleanxmpp.testing_server import MemoryServer

AS_PROMISED = Inside(
    source="abc",
    expected_source="abc",
    clock_off=timedelta(0),
    spool="/var/lib/ejabberd",
    auth_use_cache=False,
    auth_methods=frozenset({"external"}),
    s2s_rule="none",
    s2s_allowed=False,
    modules=frozenset({"mod_klean", "mod_muc", "mod_shared_roster"}),
    listeners=(Listener(port="5222", module="ejabberd_c2s", tls=True, lets_strangers_in=False, any_sender=False),),
    handlers=frozenset({"mod_http_api"}),
    strange_routes=frozenset(),
    open_rooms=frozenset(),
    push={},
)
ONLY_PLAIN = Stream(
    mechanisms_without_tls=frozenset(), mechanisms=frozenset({"PLAIN"}), tokens=False, registration=False
)


class MemoryCheckup:
    """Implements `kleanxmpp.doctor.ports.Checkup`. `logins` counts."""

    def __init__(self, directory: Directory, server: MemoryServer) -> None:
        self.directory, self.server = directory, server
        self.seen_inside: Inside | NoModule = AS_PROMISED
        self.seen_stream = ONLY_PLAIN
        self.commands: frozenset[str] = frozenset()
        self.room_creation = False
        self.logins = 0

    async def release(self) -> tuple[int, int]:
        self._be_there()
        return 26, 7

    async def inside(self, company: Company) -> Inside | NoModule:
        self._be_there()
        return self.seen_inside

    async def stream(self, company: Company) -> Stream:
        self._be_there()
        return self.seen_stream

    async def certificates(self, company: Company) -> tuple[Certificate, ...]:
        self._be_there()
        return (Certificate(address=company.domain, fault=None, valid_until=datetime.now(UTC) + timedelta(days=60)),)

    async def open_commands(self, company: Company) -> frozenset[str]:
        self._be_there()
        return self.commands

    async def gate_exists(self, company: Company) -> bool:
        self._be_there()
        return GATE in self.server.holdings(company).group_options

    async def in_gate(self, company: Company, username: str) -> bool:
        return username in await self.server.key_holders(company, GATE)

    async def close_gate(self, company: Company, username: str) -> None:
        await self.server.apply(company, CloseGate(username=username))

    async def remove_rooms(self, company: Company, *, prefix: str) -> None:
        self._be_there()
        rooms = self.server.holdings(company).rooms
        for name in [name for name in rooms if name.startswith(prefix)]:
            self.server.remove_room(company, name)

    @asynccontextmanager
    async def log_in(self, company: Company, username: str, credential: str) -> AsyncIterator[Device]:
        self._be_there()
        self.logins += 1
        async with self.directory.read() as tx:
            known = await tx.may_log_in(company.domain, username, ids.sha256_hex(credential))
        if not known:
            entry = Entry(refused_at="login", condition="not-authorized")
        elif not await self.in_gate(company, username):
            entry = Entry(refused_at="bind", condition="not-allowed")
        else:
            entry = Entry()
            held = self.server.holdings(company).sessions.setdefault(username, {})
            held[f"doctor{self.logins}"] = datetime.now(UTC)
        yield MemoryDevice(self, company, username, entry)

    def _be_there(self) -> None:
        if self.server.away:
            raise errors.Temporary("The server is away.")


class MemoryDevice:
    """Implements `kleanxmpp.doctor.ports.Device`."""

    def __init__(self, checkup: MemoryCheckup, company: Company, username: str, entry: Entry) -> None:
        self._checkup, self._company, self._username, self.entry = checkup, company, username, entry

    async def create_room(self, room: str) -> bool:
        return self._checkup.room_creation

    async def enter_room(self, room: str) -> bool:
        held = self._checkup.server.holdings(self._company)
        found = held.rooms.get(room.partition("@")[0])
        return found is not None and f"{self._username}@{self._company.domain}" in found.affiliations

    async def listed_rooms(self, service: str) -> frozenset[str]:
        return frozenset()

    async def write_outside(self, to: str) -> str | None:
        return "service-unavailable"

    async def ended(self, *, timeout: float) -> bool:
        held = self._checkup.server.holdings(self._company)
        ends = asyncio.get_running_loop().time() + timeout
        while held.sessions.get(self._username):
            if asyncio.get_running_loop().time() > ends:
                return False
            await asyncio.sleep(0.005)
        return True
