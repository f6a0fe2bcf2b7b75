"""The in-memory twins of the two borders, for tests of everything above them. They pass the same contract suites."""

from kleanxmpp.testing_directory import MemoryDirectory
from kleanxmpp.testing_server import MemoryServer

__all__ = ["MemoryDirectory", "MemoryServer"]
