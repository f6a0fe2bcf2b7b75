"""A company of 10,000 people in 500 groups of 40 comes from outside: by SCIM one by one, by SCIM Bulk, and as a file.

Each way begins with an empty directory and a server of its own. Two moments count: when the source has been told that
everything was taken, and when ejabberd has it all. SCIM is sent as identity providers do it: people first, then groups
with their members, a few requests at a time.
"""

import asyncio
import csv
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp

from benchmarks import people
from benchmarks.figures import Figure, single
from benchmarks.world import DOMAIN, Bench, World, open_world
from kleanxmpp import tokens

_CIRCLE = 40
_AT_ONCE = 4
_OPERATIONS = 100
_USER, _GROUP = "urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:core:2.0:Group"
_BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"

Way = Callable[[World, int, int], Awaitable[None]]


async def measure(bench: Bench) -> list[Figure]:
    """Load the same company in three ways."""
    count, groups = bench.pick(10_000, 200), bench.pick(500, 10)
    ways: dict[str, Way] = {"SCIM, one by one": _one_by_one, "SCIM Bulk": _in_bulk, "a CSV file": _by_file}
    figures = []
    for number, (name, way) in enumerate(ways.items()):
        async with open_world(bench, f"sources-{number}") as world:
            await world.add_company(people.company(DOMAIN))
            await world.start_service()
            await world.settled()
            bench.say(f"{count} people in {groups} groups by {name}")
            began = time.monotonic()
            await way(world, count, groups)
            taken = time.monotonic() - began
            bench.say(f"{count} people in {groups} groups by {name}: the server follows")
            await world.settled(within=3600, every=1)
            followed = time.monotonic() - began
        size = f"{count} people and {groups} groups of {_CIRCLE} by {name}"
        note = f"{taken:.0f} s until all was taken"
        figures.append(single(f"{size}: taken", [count / taken], unit="people/s", note=note))
        figures.append(single(f"{size}: until ejabberd has it all", [followed], unit="s"))
    return figures


def _members(group: int, people_count: int) -> list[int]:
    return [(group * _CIRCLE + place) % people_count for place in range(_CIRCLE)]


def _user(number: int) -> dict[str, object]:
    return {
        "schemas": [_USER],
        "userName": f"p{number}@example.org",
        "externalId": f"e{number}",
        "displayName": f"Person {number}",
        "name": {"givenName": "Person", "familyName": str(number)},
        "active": True,
    }


def _group(number: int, members: Sequence[str]) -> dict[str, object]:
    return {"schemas": [_GROUP], "displayName": f"Gruppe {number}", "members": [{"value": one} for one in members]}


async def _one_by_one(world: World, count: int, groups: int) -> None:
    async with _scim(world) as scim:
        answers = await scim.post_all("/Users", [_user(number) for number in range(count)])
        users = [answer["id"] for answer in answers]
        await scim.post_all("/Groups", [_group(n, [users[m] for m in _members(n, count)]) for n in range(groups)])


async def _in_bulk(world: World, count: int, groups: int) -> None:
    async with _scim(world) as scim:
        users: list[str] = []
        for begin in range(0, count, _OPERATIONS):
            numbers = range(begin, min(begin + _OPERATIONS, count))
            users += await scim.bulk("/Users", [_user(number) for number in numbers])
        for begin in range(0, groups, _OPERATIONS):
            some = range(begin, min(begin + _OPERATIONS, groups))
            await scim.bulk("/Groups", [_group(n, [users[m] for m in _members(n, count)]) for n in some])


async def _by_file(world: World, count: int, groups: int) -> None:
    file, log = world.folder / "people.csv", world.folder / "import.log"
    named: list[list[str]] = [[] for _ in range(count)]
    for number in range(groups):
        for member in _members(number, count):
            named[member].append(f"Gruppe {number}")
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(("display_name", "external_id", "groups"))
        writer.writerows((f"Person {n}", f"e{n}", ";".join(named[n])) for n in range(count))
    with log.open("wb") as output:
        process = await world.command("import", str(file), output=output)
    if await process.wait() != 0:
        raise RuntimeError(f"the import failed: {log.read_text()[-2000:]}")


class _Scim:
    """What an identity provider does: JSON over a kept connection, with one token."""

    def __init__(self, http: aiohttp.ClientSession, base: str) -> None:
        self._http = http
        self._base = base

    async def post(self, path: str, body: dict[str, object]) -> Any:  # noqa: ANN401
        """Send one request and return what it answers. Raises RuntimeError unless it was taken."""
        async with self._http.post(self._base + path, json=body) as answer:
            text = await answer.text()
            if answer.status not in {200, 201}:
                raise RuntimeError(f"POST {path} answered {answer.status}: {text[:500]}")
            return await answer.json(content_type=None)

    async def post_all(self, path: str, bodies: Sequence[dict[str, object]]) -> list[Any]:
        """Send many requests, a few at a time; return the answers in order."""
        turn = asyncio.Semaphore(_AT_ONCE)

        async def one(body: dict[str, object]) -> Any:  # noqa: ANN401
            async with turn:
                return await self.post(path, body)

        return await asyncio.gather(*(one(body) for body in bodies))

    async def bulk(self, path: str, bodies: Sequence[dict[str, object]]) -> list[str]:
        """Add several of one kind in one request; return their ids in order."""
        operations = [
            {"method": "POST", "path": path, "bulkId": f"n{number}", "data": body} for number, body in enumerate(bodies)
        ]
        answer = await self.post("/Bulk", {"schemas": [_BULK], "failOnErrors": 1, "Operations": operations})
        places = {one["bulkId"]: one["location"] for one in answer["Operations"]}
        return [str(places[f"n{number}"]).rpartition("/")[2] for number in range(len(bodies))]


@asynccontextmanager
async def _scim(world: World) -> AsyncIterator[_Scim]:
    _, token = await tokens.issue(
        world.directory, company_id=world.company_id, name="idp", scopes=["scim"], actor="bench", now=datetime.now(UTC)
    )
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
    async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=600)) as http:
        yield _Scim(http, f"http://127.0.0.1:{world.api_port}/scim/v2")
