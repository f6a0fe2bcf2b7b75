"""What one member more or less costs in a small and in a large company: calls, stanzas and SQL statements.

The service runs in this process, so that its statements can be counted; calls and stanzas are counted on the wire.
Most of the large company exists in the directory only: what counts is that nothing of it is read or sent. What the
loops do by the clock (looking for due scopes and deliveries, for absences that end, for what is overdue, for other
processes' changes) is not part of a change's cost.
"""

import asyncio
import logging
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from benchmarks import people
from benchmarks.figures import Figure, compared
from benchmarks.relay import Relay, relay
from benchmarks.world import DOMAIN, Bench, World, eventually, open_world
from kleanxmpp.cli.wiring import Service, open_service
from kleanxmpp.db.directory import SqlDirectory
from kleanxmpp.db.statements import count_statements
from kleanxmpp.model import Company, Group, GroupKind, User
from kleanxmpp.settings import Settings

_CIRCLE = 20
_BY_THE_CLOCK = re.compile(
    r"^(BEGIN|PRAGMA|COMMIT)"
    r"|^SELECT (users\.absent_until|scheduled_changes\.effective_at)\b"
    r"|^SELECT (webhooks\.id, webhooks\.company_id\b|alarms\.|count\(.*\bFROM webhooks\b)"
    r"|^SELECT offboardings\..*requested_at < "
    r"|^DELETE FROM events WHERE events\.at\b"
    r"|^SELECT\b(?!.*\bWHERE .*scope_id = ).*\bFROM due_scopes\b",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one change cost: API calls by command, stanzas by payload, bytes, SQL statements by text, and the time."""

    wire: Counter[str]
    carried: int
    statements: Counter[str]
    milliseconds: float

    @property
    def calls(self) -> int:
        """API calls and stanzas."""
        return self.wire.total()

    def same_as(self, other: "Cost") -> bool:
        """Whether both did exactly the same, with as much to read and to send (names differ in length)."""
        alike = abs(self.carried - other.carried) <= 0.1 * other.carried
        return alike and self.wire == other.wire and self.statements == other.statements


def cheapest(costs: Sequence[Cost]) -> Cost:
    """Return the cost without repeats: a look may come a moment too early, and is repeated then."""
    return min(costs, key=lambda cost: cost.statements.total())


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A running service with a company and a group in it, its circle, and somebody who is not a member yet."""

    world: World
    service: Service
    relays: Sequence[Relay]
    company: Company
    group: Group
    circle: Sequence[User]
    newcomer: User

    async def add(self) -> Cost:
        """Put the newcomer into the circle."""
        return await self._cost(lambda: self.world.api("PUT", f"{self._circle}/{self.newcomer.id}", {}))

    async def remove(self) -> Cost:
        """Take the newcomer out of the circle."""
        return await self._cost(lambda: self.world.api("DELETE", f"{self._circle}/{self.newcomer.id}"))

    async def off_board(self, leavers: Sequence[User]) -> Cost:
        """Off-board several people by one request each, all sent in one moment, each waiting for its own proof."""
        return await self._cost(
            lambda: asyncio.gather(
                *(self.world.api("POST", f"/users/{user.id}/deactivate", {}, wait=60) for user in leavers)
            )
        )

    @property
    def _circle(self) -> str:
        return f"/groups/{self.group.id}/members"

    async def _cost(self, change: Callable[[], Awaitable[object]]) -> Cost:
        """Make the change and wait until it is proven right."""
        for one in self.relays:
            one.forget()
        assert isinstance(self.service.directory, SqlDirectory)
        with count_statements(self.service.directory) as sent:
            began = time.monotonic()
            await change()
            await eventually(self.world.nothing_due, what="the change is done", every=0.002)
            seconds = time.monotonic() - began
        return Cost(
            wire=sum((one.counts for one in self.relays), Counter()),
            carried=sum(one.carried for one in self.relays),
            statements=Counter(text for text in sent if not _BY_THE_CLOCK.match(text)),
            milliseconds=seconds * 1000,
        )


@asynccontextmanager
async def scene(bench: Bench, *, people_in_all: int, everybody: bool = False) -> AsyncIterator[Scene]:
    """Run a service with a company of so many people; the group has 20 members, or (`everybody`) all but one.

    The group of everybody is an announcement group, which has a room and no contact group in both companies.
    """
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(open_world(bench, f"costs-{people_in_all}-{everybody}"))
        company = people.company(DOMAIN)
        await world.add_company(company)
        first = await people.add_users(world.directory, company, _CIRCLE + 1)
        wires = [
            await stack.enter_async_context(relay(port))
            for port in (world.ejabberd.component_port, world.ejabberd.config.api_port)
        ]
        service = await stack.enter_async_context(open_service(_settings(world, wires)))
        await world.settled()
        rest = await people.add_users(world.directory, company, people_in_all - len(first), first=len(first))
        circle = [*first[:-1], *(rest if everybody else ())]
        kind = GroupKind.ANNOUNCEMENT if everybody else GroupKind.TEAM
        (group,) = await people.add_groups(world.directory, company, [circle], kind=kind)
        made = Scene(
            world=world, service=service, relays=wires, company=company, group=group, circle=circle, newcomer=first[-1]
        )
        await eventually(world.nothing_due, what="the group is right")
        yield made


def _settings(world: World, wires: Sequence[Relay]) -> Settings:
    values = world.settings()
    component, api = wires
    values["server"] |= {"component_port": component.port, "api_url": f"http://127.0.0.1:{api.port}/api/v0"}
    return Settings(**values)  # type: ignore[arg-type]  # pydantic checks them


async def measure(bench: Bench) -> list[Figure]:
    """Count in both companies."""
    few, many = 100, bench.pick(10_000, 1_000)
    logging.getLogger("kleanxmpp").setLevel(logging.ERROR)
    figures = []
    for everybody in (False, True):
        found = {}
        for size in (few, many):
            bench.say(f"costs: a company of {size}")
            async with scene(bench, people_in_all=size, everybody=everybody) as made:
                found[size] = await _costs(made, rounds=bench.pick(9, 3))
        circle = "a circle of everybody" if everybody else f"a circle of {_CIRCLE}"
        for what in ("adding", "removing"):
            small, large = found[few][what], found[many][what]
            figures += _figures(f"{what} one member, {circle}, company of {many}, not {few}", large, small)
    return figures


async def _costs(made: Scene, *, rounds: int) -> dict[str, list[Cost]]:
    costs: dict[str, list[Cost]] = {"adding": [], "removing": []}
    for _ in range(rounds):
        costs["adding"].append(await made.add())
        costs["removing"].append(await made.remove())
    return costs


def _figures(name: str, large: Sequence[Cost], small: Sequence[Cost]) -> list[Figure]:
    one, other = cheapest(large), cheapest(small)
    counts = Figure(
        name=f"{name}: API calls, stanzas and statements",
        ours=one.calls + one.statements.total(),
        plain=other.calls + other.statements.total(),
        unit="",
        ratio=(one.calls + one.statements.total()) / (other.calls + other.statements.total()),
        target="equal counts",
        meets=one.same_as(other),
        note=f"{one.calls} calls and stanzas ({_listed(one.wire)}), {one.carried} bytes; "
        f"{one.statements.total()} statements",
    )
    times = compared(f"{name}: time", [c.milliseconds for c in large], [c.milliseconds for c in small], unit="ms")
    return [counts, times]


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
