"""A company of 10,000 people in 1,000 groups: imported, made true on the server, swept. Time, and the service's memory.

There is no plain way to compare with; the figures say whether memory stays flat and what a sweep costs that finds
nothing to do. The people come through `kleanxmpp import`, as an operator's would.
"""

import csv
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import people
from benchmarks.figures import Figure, single
from benchmarks.processes import resident, watched
from benchmarks.world import DOMAIN, Bench, World, open_world

_CIRCLE = 40
_IDLE_MB = 150
_GROWTH_MB = 50


async def measure(bench: Bench) -> list[Figure]:
    """Import, let the service work, sweep."""
    count, groups = bench.pick(10_000, 1_000), bench.pick(1_000, 100)
    async with open_world(bench, "company") as world:
        await world.add_company(people.company(DOMAIN))
        file = world.folder / "people.csv"
        _write_people(file, count=count, groups=groups)
        pid = await world.start_service()
        await world.settled()
        idle = resident(pid)
        size = f"{count} people in {groups} groups"
        bench.say(f"{size}: importing")
        imported, importing = await _import(world, file, pid)
        bench.say(f"{size}: the server follows")
        began = time.monotonic()
        async with watched(pid) as following:
            await world.settled(within=3600, every=1)
        followed = time.monotonic() - began
        sweeps, sweeping = await _sweep(world, bench, pid)
    return [
        single("memory of the service, idle, nobody there", [idle], unit="MB", below=_IDLE_MB),
        single(f"importing {size}", [imported], unit="s", note="`kleanxmpp import`, a process of its own"),
        single("the server follows", [followed], unit="s", note="gate, names, bookmarks, rooms and contacts of all"),
        _memory("memory while importing and following", [*importing, *following], idle=idle),
        single(f"sweep over {size} with nothing to do", sweeps, unit="s"),
        _memory("memory while sweeping", sweeping, idle=idle),
    ]


def _memory(name: str, series: Sequence[float], *, idle: float) -> Figure:
    """Return the line about memory. Flat means: not much more than when there was nothing."""
    parts = [series[len(series) * n // 8] for n in range(8)] + [series[-1]]
    return Figure(
        name=name,
        ours=max(series),
        unit="MB",
        target=f"< idle + {_GROWTH_MB} MB",
        meets=max(series) < idle + _GROWTH_MB,
        note="largest; over the time: " + " ".join(f"{value:.0f}" for value in parts),
    )


def _write_people(file: Path, *, count: int, groups: int) -> None:
    """Write a file in which everybody is in as many groups as make circles of 40."""
    each = _CIRCLE * groups // count
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(("username", "display_name", "external_id", "groups"))
        for number in range(count):
            names = ";".join(f"Gruppe {(number * each + extra) % groups}" for extra in range(each))
            writer.writerow((f"p{number}", f"Person {number}", f"e{number}", names))


async def _import(world: World, file: Path, pid: int) -> tuple[float, list[float]]:
    """Import the file; return the seconds, and the service's memory meanwhile."""
    log = world.folder / "import.log"
    began = time.monotonic()
    async with watched(pid) as series:
        with log.open("wb") as output:
            process = await world.command("import", str(file), output=output)
        if await process.wait() != 0:
            raise RuntimeError(f"the import failed: {log.read_text()[-2000:]}")
    return time.monotonic() - began, series


async def _sweep(world: World, bench: Bench, pid: int) -> tuple[list[float], list[float]]:
    """Sweep some times; return the seconds of each, and the memory meanwhile."""
    sweeps = []
    async with watched(pid) as series:
        for number in range(rounds := bench.pick(5, 2)):
            bench.say(f"sweep {number + 1} of {rounds}")
            report = await world.api("POST", "/reconcile", {})
            if report["differing"]:
                raise RuntimeError(f"the sweep found {report['differing']} differences where none should be")
            sweeps.append(report["seconds"])
    return sweeps, series
