"""How much memory and processor time another process uses, read from /proc."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_EVERY = 0.25


def resident(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the process has ended")


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process has used, its threads' included and its children's not."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def watched(pid: int) -> AsyncIterator[list[float]]:
    """Yield a list that grows by the resident memory four times a second, and once more at the end."""
    series = [resident(pid)]

    async def watch() -> None:
        while True:
            await asyncio.sleep(_EVERY)
            series.append(resident(pid))

    task = asyncio.create_task(watch())
    try:
        yield series
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        series.append(resident(pid))
