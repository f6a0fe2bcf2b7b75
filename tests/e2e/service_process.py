"""The service's process, started the way an operator starts it, so that `kill -9` means what it says."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import aiohttp

from tests.e2e.waiting import SECONDS, eventually

_COMMAND = ("-m", "kleanxmpp.cli", "serve")
_START_SECONDS = 30.0


class ServiceProcess:
    """`kleanxmpp serve` in a folder with a kleanxmpp.toml; it may live several times."""

    def __init__(self, folder: Path, url: str, *, http: aiohttp.ClientSession) -> None:
        self.folder, self.url = folder, url
        self._http = http
        self._process: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> Path:
        """Everything that the service wrote to stdout and stderr, of all its lives."""
        return self.folder / "service.log"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self, *, ready: bool = True) -> None:
        """Start the service's process; return when it is ready, or (`ready` False) when its API answers."""
        environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.folder), "LANG": "C.UTF-8"}
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *_COMMAND, cwd=self.folder, env=environment,
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        await self.wait_answering("/readyz" if ready else "/healthz")

    async def wait_answering(self, path: str, status: int = 200, *, within: float = _START_SECONDS) -> None:
        """Wait until a health address answers this status."""
        await eventually(
            lambda: self._status_of(path), lambda found: found == status, what=f"{path} answers {status}", within=within
        )

    async def _status_of(self, path: str) -> int | str:
        assert self._process is not None
        if self._process.returncode is not None:
            raise AssertionError(f"The service ended with {self._process.returncode}:\n{self.last_words()}")
        try:
            async with self._http.get(self.url + path) as answer:
                return answer.status
        except aiohttp.ClientError as error:
            return type(error).__name__

    async def kill(self) -> None:
        """Kill -9."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self._process.wait(), SECONDS)
        except TimeoutError:
            await self.kill()
            raise AssertionError(f"The service did not end when asked to:\n{self.last_words()}") from None

    def last_words(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""
