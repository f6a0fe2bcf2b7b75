"""`kleanxmpp demo` as a process of its own, in a terminal of its own, and nothing of it left at the end."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from tests.e2e import processes
from tests.e2e.service import WEBSITE
from tests.e2e.waiting import eventually

START_SECONDS = 90.0


def _hear_ctrl_c() -> None:
    """Listen to SIGINT as in a terminal: tests that run in a shell's background have inherited that it is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@asynccontextmanager
async def demo(folder: Path, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start the demo in a terminal of its own; what is left at the end is killed."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder.parent), "LANG": "C.UTF-8"}
    website = folder.parent / "website"
    if not website.exists():
        website.symlink_to(WEBSITE)
    with (folder.parent / "demo.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "kleanxmpp.cli", "demo", str(folder), *options, cwd=folder.parent, env=environment,
            stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            preexec_fn=_hear_ctrl_c,
        )  # fmt: skip
    try:
        yield process
    finally:
        for left in (process.pid, *processes.belonging_to(folder)):
            with suppress(ProcessLookupError):
                os.kill(left, signal.SIGKILL)
        await process.wait()


async def facts_of(folder: Path, process: asyncio.subprocess.Process) -> dict[str, Any]:
    """Wait for demo.json and return what stands in it."""

    async def written() -> dict[str, Any] | None:
        assert process.returncode is None, (folder.parent / "demo.log").read_text()[-3000:]
        with suppress(FileNotFoundError, json.JSONDecodeError):
            return dict(json.loads((folder / "demo.json").read_text()))
        return None

    facts = await eventually(written, what="demo.json is written", within=START_SECONDS)
    assert facts is not None
    return facts


async def end(process: asyncio.subprocess.Process, folder: Path) -> int:
    """Press Ctrl-C, and return the exit code once nothing of the demo runs any more."""
    process.send_signal(signal.SIGINT)
    code = await asyncio.wait_for(process.wait(), 90)

    async def left() -> dict[int, str]:
        return processes.belonging_to(folder)

    await eventually(left, lambda found: not found, what="no process is left")
    return code
