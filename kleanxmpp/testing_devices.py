"""What `MemoryServer` knows of the devices on it: the marks of its sessions, and when they came or went."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from kleanxmpp import ids
from kleanxmpp.device_ports import MARK_LENGTH, DeviceSeen, DeviceSession


def mark_of(secret: str) -> str:
    """Return the mark that a secret leaves."""
    return ids.sha256_hex(secret)[:MARK_LENGTH]


@dataclass(slots=True)
class MemoryDevices:
    """The devices of one company, by username and resource: mark and whether it is awake."""

    sessions: dict[tuple[str, str], tuple[str, bool]] = field(default_factory=dict)
    seen: dict[tuple[str, str], DeviceSeen] = field(default_factory=dict)
    stamps: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1), compare=False)

    def open(self, username: str, resource: str, *, mark: str) -> None:
        """Begin a session, or resume one."""
        self.sessions[username, resource] = mark, True
        self._note(username, mark)

    def doze(self, username: str, resource: str) -> None:
        """Lose a connection; the session waits to be resumed."""
        mark, awake = self.sessions[username, resource]
        if awake:
            self._note(username, mark)
        self.sessions[username, resource] = mark, False

    def close(self, username: str) -> None:
        """End everything of somebody."""
        for key in [key for key in self.sessions if key[0] == username]:
            mark, awake = self.sessions.pop(key)
            if awake:
                self._note(username, mark)

    def session(self, username: str, resource: str) -> DeviceSession:
        """Return a session as the server tells it."""
        mark, awake = self.sessions.get((username, resource), (None, True))
        return DeviceSession(resource=resource, mark=mark, awake=awake)

    def take(self, taken: Sequence[str]) -> Sequence[DeviceSeen]:
        """Forget what is taken, and return the rest."""
        self.seen = {key: one for key, one in self.seen.items() if one.stamp not in set(taken)}
        return list(self.seen.values())

    def _note(self, username: str, mark: str) -> None:
        stamp = str(next(self.stamps))
        self.seen[username, mark] = DeviceSeen(username=username, mark=mark, at=datetime.now(UTC), stamp=stamp)
