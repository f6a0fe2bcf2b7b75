"""A private ejabberd on loopback for demo and tests: own ports, own folder, own certificates.

`erl` is started directly, not `ejabberdctl`: that one insists on root or the user `ejabberd`. The node takes
no part in Erlang's distribution, so there is no node name to collide, no epmd to leave behind and
no cookie. A system ejabberd on the same machine is never touched.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ejabberd.certificate import ServerCertificate, make_certificate
from ejabberd.config import Listeners, ServerConfig, whole
from ejabberd.home import EjabberdHome, find_ejabberd
from ejabberd.modules import compile_module

_END_WITH_US = ("setpriv", "--pdeathsig", "TERM")
"""The server ends with the thread that started it, also when that is killed and cannot clean up."""

_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_LOOK_EVERY = 0.05


def free_ports(count: int, *, within: Iterable[int] | None = None) -> tuple[int, ...]:
    """Find different free TCP ports on loopback, anywhere or among the given ones."""
    found: list[socket.socket] = []
    try:
        for port in within or [0] * count:
            candidate = socket.socket()
            with suppress(OSError):
                candidate.bind(("127.0.0.1", port))
                found.append(candidate)
                if len(found) == count:
                    return tuple(taken.getsockname()[1] for taken in found)
                continue
            candidate.close()
    finally:
        for taken in found:
            taken.close()
    raise OSError(f"fewer than {count} free ports")


def extauth_command(config_file: Path) -> str:
    """Return the command line that starts the login program from this checkout or installation."""
    root = Path(__file__).resolve().parent.parent
    return f"env PYTHONPATH='{root}' '{sys.executable}' -P -m ejabberd.extauth '{config_file}'"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFiles:
    """Where a private server keeps its things. All of it lies below `folder`."""

    folder: Path

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "ejabberd.yml"

    @property
    def spool(self) -> Path:
        """The database."""
        return self.folder / "spool"

    @property
    def log(self) -> Path:
        """Log of the server."""
        return self.folder / "log" / "ejabberd.log"

    @property
    def console(self) -> Path:
        """What the Erlang machine and the login programs write to stdout and stderr."""
        return self.folder / "log" / "console.log"

    @property
    def code(self) -> Path:
        """Our compiled module."""
        return self.folder / "ebin"


class PrivateServer:
    """One private ejabberd. Made by `prepare`; start, stop, kill and restart keep its data."""

    def __init__(
        self, *, files: ServerFiles, home: EjabberdHome, config: ServerConfig, listeners: Listeners,
        certificate: ServerCertificate,
    ) -> None:  # fmt: skip
        self.files = files
        self.home = home
        self.config = config
        self.listeners = listeners
        self.ca_file = certificate.ca_file
        self._process: asyncio.subprocess.Process | None = None

    @property
    def host(self) -> str:
        """Address that all ports are on."""
        return "127.0.0.1"

    @property
    def c2s_port(self) -> int:
        """Port for clients (STARTTLS)."""
        return self.listeners.c2s_port

    @property
    def component_port(self) -> int:
        """Port for the component (XEP-0114)."""
        return self.config.component_port

    @property
    def api_url(self) -> str:
        """Address for `EjabberdApi`."""
        return f"http://127.0.0.1:{self.config.api_port}/api/v0"

    @property
    def websocket_url(self) -> str:
        """Address for browsers; the certificate fits it."""
        return f"wss://localhost:{self.listeners.https_port}{self.listeners.websocket_path}"

    @property
    def pid(self) -> int | None:
        """The process, None if it was not started."""
        return self._process.pid if self._process is not None else None

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start and return when clients, component and API can connect."""
        if self.running:
            return
        with self.files.console.open("ab") as console:
            self._process = await asyncio.create_subprocess_exec(
                *_END_WITH_US, "erl", *self._arguments(), cwd=self.files.folder, env=self._environment(),
                stdin=asyncio.subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True,
            )  # fmt: skip
        try:
            async with asyncio.timeout(_START_SECONDS):
                await self._wait_until_ready(self._process)
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        """Shut down in order (data is written, streams are closed); kill what does not obey."""
        if not self.running or self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_SECONDS)
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """Take the power away: the machine and its login programs end at once."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    async def restart(self) -> None:
        """Stop in order and start again with the same data."""
        await self.stop()
        await self.start()

    def _arguments(self) -> list[str]:
        paths = (self.files.code, *self.home.extra_paths)
        return [
            "-noinput", "+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none",
            *(part for path in paths for part in ("-pa", str(path))),
            "-mnesia", "dir", f'"{self.files.spool}"', "-s", "ejabberd",
        ]  # fmt: skip

    def _environment(self) -> dict[str, str]:
        folder = str(self.files.folder)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": folder,
            "LANG": "C.UTF-8",
            "EJABBERD_CONFIG_PATH": str(self.files.config),
            "EJABBERD_LOG_PATH": str(self.files.log),
            "ERL_LIBS": str(self.home.libraries),
            "ERL_CRASH_DUMP_BYTES": "0",
            "CONTRIB_MODULES_PATH": folder,
            "CONTRIB_MODULES_CONF_DIR": folder + "/modules.d",
        }

    async def _wait_until_ready(self, process: asyncio.subprocess.Process) -> None:
        while not await self._answers():
            if process.returncode is not None:
                raise RuntimeError(f"ejabberd ended while starting:\n{self._last_words()}")
            await asyncio.sleep(_LOOK_EVERY)

    async def _answers(self) -> bool:
        with suppress(OSError, asyncio.IncompleteReadError):
            for port in (self.c2s_port, self.listeners.https_port, self.component_port):
                await _connect(port, b"", until=b"")
            await _connect(self.config.api_port, _REQUEST, until=b"HTTP/1.1 ")
            return True
        return False

    def _last_words(self) -> str:
        with suppress(OSError):
            return self.files.console.read_text(errors="replace")[-3000:]
        return ""


_REQUEST = b"POST /api/v0/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"


async def _connect(port: int, request: bytes, *, until: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        if until and await reader.readexactly(len(until)) != until:
            raise OSError("not ready")
    finally:
        writer.close()


def _make_folders(folder: Path) -> ServerFiles:
    files = ServerFiles(folder=folder.resolve())
    for needed in (files.spool, files.log.parent, files.code, files.folder / "modules.d"):
        needed.mkdir(parents=True, exist_ok=True)
    return files


async def prepare(
    folder: Path, config: ServerConfig, *, root: Path | None = None, https_port: int = 0, c2s_port: int = 0
) -> PrivateServer:
    """Write certificates, configuration and the compiled module; do not start yet.

    `root` is a folder with an unpacked ejabberd (see `ejabberd.versions`), None means Debian's. Ports of
    `config` that are 0 and the two public ones are chosen freely.
    """
    home = find_ejabberd(root)
    files = _make_folders(folder)
    names = (*config.domains, *config.rooms_hosts, *config.component_hosts, "localhost", "127.0.0.1")
    certificate = await make_certificate(files.folder / "tls", names=names)
    if config.klean_module:
        await compile_module(home, files.code)
    chosen = free_ports(4)
    config = replace(config, component_port=config.component_port or chosen[0], api_port=config.api_port or chosen[1])
    listeners = Listeners(
        certfiles=(str(certificate.pem_file),), c2s_port=c2s_port or chosen[2],
        https_port=https_port or chosen[3], ip="127.0.0.1",
    )  # fmt: skip
    files.config.touch(mode=0o600)
    files.config.write_text(whole(config, listeners))
    return PrivateServer(files=files, home=home, config=config, listeners=listeners, certificate=certificate)
