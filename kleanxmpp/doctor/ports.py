"""The doctor's border to the server: what is seen from outside, and what a client of the synthetic user can do.

The twin is `kleanxmpp.testing_doctor`. Everything raises `errors.Temporary` or `errors.Permanent` where it could not
look; nothing here answers "fine" for want of an answer.
"""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from kleanxmpp.doctor.facts import Certificate, Entry, Inside, NoModule, Stream
from kleanxmpp.model import Company


class Device(Protocol):
    """A client of the synthetic user. Rooms are bare JIDs. Unless `entry` is inside, nothing else may be asked."""

    @property
    def entry(self) -> Entry:
        """What came of the attempt to log in."""

    async def create_room(self, room: str) -> bool:
        """Try to make a room, and remove it again; return whether that worked."""

    async def enter_room(self, room: str) -> bool:
        """Try to enter a room, and leave it again; return whether that worked."""

    async def listed_rooms(self, service: str) -> frozenset[str]:
        """Return the rooms that the service lists for everybody."""

    async def write_outside(self, to: str) -> str | None:
        """Write to an address elsewhere; return the condition of the refusal, None if there is none in time."""

    async def ended(self, *, timeout: float) -> bool:
        """Return True as soon as the server has ended the session, False if it has not in time (seconds)."""


class Checkup(Protocol):
    """What can be seen of the server from outside, and the little that has to be asked inside."""

    async def release(self) -> tuple[int, int]:
        """Return year and month of the server's release."""

    async def inside(self, company: Company) -> Inside | NoModule:
        """Ask our module what runs."""

    async def stream(self, company: Company) -> Stream:
        """Open a client's stream, look at what is offered, and leave."""

    async def certificates(self, company: Company) -> tuple[Certificate, ...]:
        """Return the certificates that clients meet."""

    async def open_commands(self, company: Company) -> frozenset[str]:
        """Return which commands of the server's API run without a credential; those tried change nothing."""

    async def gate_exists(self, company: Company) -> bool:
        """Whether the gate's group is there."""

    async def in_gate(self, company: Company, username: str) -> bool:
        """Whether the gate is open for somebody."""

    async def close_gate(self, company: Company, username: str) -> None:
        """Close the gate for the synthetic user, past the directory."""

    async def remove_rooms(self, company: Company, *, prefix: str) -> None:
        """Remove rooms that an interrupted trial made."""

    def log_in(self, company: Company, username: str, credential: str) -> AbstractAsyncContextManager[Device]:
        """Try to log in, and leave at the end."""
