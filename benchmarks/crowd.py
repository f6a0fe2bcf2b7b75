"""Many off-boardings at once, 200 people in 5 rooms each: when is the last one proven.

All requests are sent in one moment, each waits for its own proof, and the time of each counts from that moment; so the
slowest tells how long a whole branch office that is closed stays half open. The bare script does the same work for
as many equal people at once, behind the directory's back. All of ours are proven in the same moment, because they
share calls: their percentiles are equal, and what differs is the rounds. On a busy machine processor time says more.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

import aiohttp

from benchmarks import people
from benchmarks.devices import Devices, open_devices
from benchmarks.figures import Figure, compared, in_order, single
from benchmarks.offboarding import script_offboarding
from benchmarks.processes import processor_seconds
from benchmarks.script import Script, open_script
from benchmarks.world import DOMAIN, ROOMS, Bench, World, open_world
from kleanxmpp.model import Group, User

_ROOMS_EACH = 5
_CIRCLE = 40
_P99_MS = 2000
_PERCENTILES = (("p50", 50), ("p90", 90), ("p99", 99))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """Milliseconds for each person, and seconds of processor time until all were done."""

    times: Sequence[float]
    ejabberd: float
    service: float


async def measure(bench: Bench) -> list[Figure]:
    """Run both ways in turns."""
    count, rounds = bench.pick(200, 40), bench.pick(5, 2)
    async with open_world(bench, "crowd") as world:
        bench.say(f"{count} off-boardings at once: setting up")
        company = people.company(DOMAIN)
        await world.add_company(company)
        users = await people.add_users(world.directory, company, 2 * count * rounds, devices=True)
        groups = await people.add_groups(world.directory, company, _circles(users))
        await world.start_service()
        await world.settled(within=600)
        ours, plain = [], []
        server = world.ejabberd
        async with (
            open_script(server) as script,
            open_devices(ca_file=str(server.ca_file), port=server.c2s_port, domain=DOMAIN) as devices,
        ):
            for number in range(rounds):
                bench.say(f"{count} off-boardings at once: round {number + 1} of {rounds}")
                some = users[2 * count * number : 2 * count * (number + 1)]
                ours.append(await _ours(world, devices, some[:count], groups))
                plain.append(await _plain(world, script, devices, some[count:], groups))
    return _figures(f"{count} off-boardings at once, {_ROOMS_EACH} rooms, 1 device", ours, plain)


def _circles(users: Sequence[User]) -> list[list[User]]:
    """Put everybody into five circles of forty."""
    circles: list[list[User]] = [[] for _ in range(len(users) * _ROOMS_EACH // _CIRCLE)]
    for number, user in enumerate(users):
        for place in range(_ROOMS_EACH):
            circles[(number * _ROOMS_EACH + place) % len(circles)].append(user)
    return circles


def _rooms(user: User, groups: Sequence[Group]) -> list[Group]:
    number = int(user.username.removeprefix("p"))
    return [groups[(number * _ROOMS_EACH + place) % len(groups)] for place in range(_ROOMS_EACH)]


async def _ours(world: World, devices: Devices, users: Sequence[User], groups: Sequence[Group]) -> _Round:
    """Off-board them; each one's time ends when the proof is in the caller's hands."""
    url, headers = f"http://127.0.0.1:{world.api_port}/api/v1/users", {"Prefer": "wait=60"}
    headers["Authorization"] = f"Bearer {world.token}"
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as http:

        async def deactivate(user: User) -> None:
            async with http.post(f"{url}/{user.id}/deactivate", json={"reason": "left"}) as answer:
                evidence = await answer.json()
            items = {line["item"]: (line["found"], line["left"]) for line in evidence["evidence"]}
            if not evidence["complete"] or (items["rooms"], items["sessions"]) != ((_ROOMS_EACH, 0), (1, 0)):
                raise RuntimeError(f"an off-boarding is not complete: {items}")

        return await _at_once(world, devices, users, groups, deactivate)


async def _plain(
    world: World, script: Script, devices: Devices, users: Sequence[User], groups: Sequence[Group]
) -> _Round:
    async def off_board(user: User) -> None:
        await script_offboarding(script, user.username, _rooms(user, groups))

    return await _at_once(world, devices, users, groups, off_board)


async def _at_once(
    world: World,
    devices: Devices,
    users: Sequence[User],
    groups: Sequence[Group],
    do: Callable[[User], Awaitable[None]],
) -> _Round:
    await devices.log_in_all(
        [
            {
                "username": user.username,
                "secret": people.secret(user),
                "nick": user.nickname,
                "devices": 1,
                "rooms": [f"{group.slug}@{ROOMS}" for group in _rooms(user, groups)],
            }
            for user in users
        ]
    )
    assert world.ejabberd.pid is not None and world.service is not None
    pids = world.ejabberd.pid, world.service.pid
    before = [processor_seconds(pid) for pid in pids]
    began = time.monotonic()

    async def timed(user: User) -> float:
        await do(user)
        return (time.monotonic() - began) * 1000

    took = await asyncio.gather(*(timed(user) for user in users))
    await devices.closed()
    ejabberd, service = (processor_seconds(pid) - spent for pid, spent in zip(pids, before, strict=True))
    return _Round(times=took, ejabberd=ejabberd, service=service)


def _figures(name: str, ours: Sequence[_Round], plain: Sequence[_Round]) -> list[Figure]:
    """Return a line for each percentile: the median of the rounds' own percentiles."""
    lines = []
    for label, percent in _PERCENTILES:
        here, there = ([_percentile(one.times, percent) for one in way] for way in (ours, plain))
        lines.append(compared(f"{name}: {label}", here, there, unit="ms"))
        if percent == _PERCENTILES[-1][1]:
            lines.append(_target(f"{name}: {label}, absolute", here))
    slowest = [[max(one.times) for one in way] for way in (ours, plain)]
    processor = [[one.ejabberd for one in way] for way in (ours, plain)]
    return [
        *lines,
        compared(f"{name}: the slowest", *slowest, unit="ms"),
        compared(f"{name}: processor time of ejabberd", *processor, unit="s"),
        single(f"{name}: processor time of the service", [one.service for one in ours], unit="s"),
    ]


def _target(name: str, values: Sequence[float]) -> Figure:
    value = median(values)
    return Figure(
        name=name, ours=value, unit="ms", target=f"< {_P99_MS} ms", meets=value < _P99_MS,
        note=f"{len(values)} rounds, in order: {in_order(values)}",
    )  # fmt: skip


def _percentile(times: Sequence[float], percent: int) -> float:
    return quantiles(times, n=100, method="inclusive")[percent - 1]
