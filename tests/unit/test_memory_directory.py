"""The in-memory twin keeps the directory's promises."""

import pytest

from kleanxmpp import errors
from kleanxmpp.testing_directory import MemoryDirectory
from tests.contracts.directory import DirectoryContract


class TestMemoryDirectory(DirectoryContract):
    @pytest.fixture
    def directory(self) -> MemoryDirectory:
        return MemoryDirectory()


async def test_it_can_be_away() -> None:
    directory = MemoryDirectory()
    directory.available = False
    with pytest.raises(errors.DirectoryUnavailable):
        async with directory.read():
            pass
    with pytest.raises(errors.DirectoryUnavailable):
        async with directory.write():
            pass
