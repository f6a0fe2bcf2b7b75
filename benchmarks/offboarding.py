"""Off-boarding of a person in 50 rooms with 3 devices: one HTTP request against a bare script with the same calls.

Both work on equal people of one company, in turns: the script's people are thrown out behind the directory's back.
The time ends when the last stream is closed as the client sees it and everything was looked up again.
"""

import asyncio
import time
from collections.abc import Sequence

from benchmarks import people
from benchmarks.devices import Devices, open_devices
from benchmarks.figures import Figure, compared, single
from benchmarks.script import Script, each, open_script
from benchmarks.world import DOMAIN, ROOMS, Bench, World, eventually, open_world
from kleanxmpp.desired import GATE, contact_group
from kleanxmpp.model import Group, User

_DEVICES = 3
_COLLEAGUES = 20
_LOOK_EVERY = 0.02
_BOOKMARKS = "storage:bookmarks"


async def measure(bench: Bench) -> list[Figure]:
    """Run both ways in turns."""
    rounds, rooms = bench.pick(9, 3), bench.pick(50, 10)
    async with open_world(bench, "offboarding") as world:
        bench.say(f"off-boarding: setting up {rooms} rooms")
        company = people.company(DOMAIN)
        await world.add_company(company)
        users = await people.add_users(world.directory, company, 2 * rounds + _COLLEAGUES, devices=True)
        groups = await people.add_groups(world.directory, company, [users] * rooms)
        await world.start_service()
        await world.settled(within=300)
        ours, plain, closed, proven = [], [], [], []
        server = world.ejabberd
        async with (
            open_script(server) as script,
            open_devices(ca_file=str(server.ca_file), port=server.c2s_port, domain=DOMAIN) as devices,
        ):
            for number in range(rounds):
                bench.say(f"off-boarding: round {number + 1} of {rounds}")
                whole, streams, recorded = await _ours(world, devices, users[2 * number], groups)
                ours.append(whole)
                closed.append(streams)
                proven.append(recorded)
                plain.append(await _plain(script, devices, users[2 * number + 1], groups))
        name = f"off-boarding, {rooms} rooms, {_DEVICES} devices"
        return [
            compared(f"{name}: request to proof", ours, plain, unit="ms", at_most=1.5),
            single(f"{name}: the same, absolute", ours, unit="ms", below=300),
            single(f"{name}: request to last stream closed", closed, unit="ms"),
            single(f"{name}: request to evidence written", proven, unit="ms"),
        ]


async def _ours(world: World, devices: Devices, user: User, groups: Sequence[Group]) -> tuple[float, float, float]:
    """Return milliseconds: until all is over, until the streams are closed, until the evidence was written."""
    await _log_in(devices, user, groups)
    began = time.monotonic()
    evidence = await world.api("POST", f"/users/{user.id}/deactivate", {"reason": "left"}, wait=30)
    answered = time.monotonic()
    streams = await devices.closed()
    items = {line["item"]: (line["found"], line["left"]) for line in evidence["evidence"]}
    if not evidence["complete"] or items["rooms"] != (len(groups), 0):
        raise RuntimeError(f"the off-boarding is not complete: {items}")
    return (max(answered, streams) - began) * 1000, (streams - began) * 1000, float(evidence["milliseconds"])


async def _plain(script: Script, devices: Devices, user: User, groups: Sequence[Group]) -> float:
    await _log_in(devices, user, groups)
    began = time.monotonic()
    await script_offboarding(script, user.username, groups)
    done = time.monotonic()
    return (max(done, await devices.closed()) - began) * 1000


async def script_offboarding(script: Script, username: str, groups: Sequence[Group]) -> None:
    """Do what an off-boarding does, knowing beforehand what there is: no look before, one look after."""
    jid, account = f"{username}@{DOMAIN}", {"user": username, "host": DOMAIN}
    await script.call("srg_user_del", **account, group=GATE, grouphost=DOMAIN)
    await script.call("kick_user", **account)

    async def leave_room(group: Group) -> None:
        await script.set_affiliations(f"{group.slug}@{ROOMS}", {jid: "none"})

    async def leave_contacts(group: Group) -> None:
        await script.call("srg_user_del", **account, group=contact_group(group), grouphost=DOMAIN)

    await asyncio.gather(
        asyncio.gather(*(leave_room(group) for group in groups)),
        asyncio.gather(*(leave_contacts(group) for group in groups)),
        script.call("private_set", **account, element=f"<storage xmlns='{_BOOKMARKS}'/>"),
    )

    async def nothing_is_left() -> bool:
        return not await _something_is_left(script, username, groups)

    await eventually(nothing_is_left, what="nothing is left", every=_LOOK_EVERY)


async def _something_is_left(script: Script, username: str, groups: Sequence[Group]) -> bool:
    jid, account = f"{username}@{DOMAIN}", {"user": username, "host": DOMAIN}
    found: list[str] = []

    async def look(group: Group) -> None:
        answer = await script.call("get_room_affiliation", name=group.slug, service=ROOMS, jid=jid)
        found.append(answer["affiliation"])

    sessions, (shared,), bookmarks, _ = await asyncio.gather(
        script.call("user_sessions_info", **account),
        script.call("klean_shared_groups", host=DOMAIN, users=[username]),
        script.call("private_get", **account, element="storage", ns=_BOOKMARKS),
        each(groups, look),
    )
    return bool(sessions or shared["groups"] or "conference" in bookmarks["res"] or set(found) != {"none"})


async def _log_in(devices: Devices, user: User, groups: Sequence[Group]) -> None:
    await devices.log_in(
        username=user.username,
        secret=people.secret(user),
        nick=user.nickname,
        devices=_DEVICES,
        rooms=[f"{group.slug}@{ROOMS}" for group in groups],
    )
