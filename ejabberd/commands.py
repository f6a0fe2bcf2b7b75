"""The border between the nouns (`sessions`, `rooms`, …) and the client that carries their commands."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from ejabberd.records import Json
from kleanxmpp.errors import Permanent

T = TypeVar("T")


class Refused(Permanent):
    """ejabberd refused a command. `reason` is the server's own text: compare it, do not show it."""

    def __init__(self, command: str, *, status: int, reason: str) -> None:
        super().__init__(f"ejabberd refused {command} ({status})")
        self.command = command
        self.status = status
        self.reason = reason


class Commands(Protocol):
    """What `EjabberdApi` offers to the classes that know the commands."""

    async def ask(self, command: str, read: Callable[[Json], T], **arguments: Json) -> T:
        """Run a command and read its answer."""

    async def run(self, command: str, **arguments: Json) -> None:
        """Run a command that only answers whether it worked."""
