"""A circle of 1,000: one `PUT members` against an admin's script and against the bulk recipe without a directory.

Usable means: every affiliation and every contact is there, the contact group is displayed, and all of it was
looked up again. The admin's script runs on a server of its own, configured as servers mostly are (`versioning: true`).
"""

import asyncio
import time
from collections.abc import Sequence

from benchmarks import people
from benchmarks.figures import Figure, compared, single
from benchmarks.script import Script, each, open_script
from benchmarks.world import DOMAIN, ROOMS, Bench, World, eventually, open_world
from kleanxmpp import circle_marks
from kleanxmpp.model import Company, Group, User

_ENOUGH = 500
"""Members after which the admin's script has told enough: its cost per member grows with the square of the group."""
_VERSIONING = {"versioning: false": ("versioning: true",)}


async def measure(bench: Bench) -> list[Figure]:
    """Run service and bulk recipe in turns on one server, then the admin's script on another."""
    size, rounds = bench.pick(1000, 200), bench.pick(5, 2)
    ours, recipe, calm = [], [], []
    async with open_world(bench, "circle") as world:
        bench.say(f"circle of {size}: setting up")
        company = people.company(DOMAIN, contacts_max=10 * size)
        await world.add_company(company)
        users = await people.add_users(world.directory, company, size)
        await world.start_service()
        await world.settled(within=300)
        async with open_script(world.ejabberd) as script:
            for number in range(rounds):
                bench.say(f"circle of {size}: round {number + 1} of {rounds}")
                usable, settled = await _ours(world, company, users, name=f"Kreis {number}")
                ours.append(usable)
                calm.append(settled)
                recipe.append(await _recipe(script, users, name=f"skript-{number}"))
    first = users[: bench.pick(_ENOUGH, size)]
    admin = await _admins_script(bench, [user.username for user in first])
    return [
        compared(f"circle of {size} against the bulk recipe", ours, recipe, unit="ms", at_most=1.5),
        _against_admin(f"circle of {size} against one call a member", ours, admin, members=len(first)),
        single(f"circle of {size}: until everybody's bookmarks are there, too", calm, unit="ms"),
    ]


def _against_admin(name: str, ours: Sequence[float], admin: float, *, members: int) -> Figure:
    figure = compared(name, ours, [admin] * len(ours), unit="ms")
    times = 1 / (figure.ratio or 1)
    return Figure(
        name=name,
        ours=figure.ours,
        plain=admin,
        unit="ms",
        ratio=figure.ratio,
        target="ratio ≤ 0.05",
        meets=times >= 20,
        note=f"at least {times:.0f} times faster: the script was stopped after its first {members} members; "
        "it ran once, on its own server with mod_roster versioning",
    )


async def _ours(world: World, company: Company, users: Sequence[User], *, name: str) -> tuple[float, float]:
    """Return milliseconds until the circle is usable, and until everybody's bookmarks are right as well."""
    answer = await world.api("POST", "/groups", {"name": name})
    async with world.directory.read() as tx:
        group = await tx.group(company.id, answer["id"])
    assert group is not None
    await _right(world, group)
    began = time.monotonic()
    await world.api("PUT", f"/groups/{group.id}/members", {"members": [{"user_id": user.id} for user in users]})
    await _right(world, group)
    usable = time.monotonic()
    await world.settled(within=300)
    settled = time.monotonic()
    await world.api("DELETE", f"/groups/{group.id}")
    await world.settled(within=300)
    return (usable - began) * 1000, (settled - began) * 1000


async def _right(world: World, group: Group) -> None:
    """Wait until the service has proven the group right: its scope is not due any more."""

    async def proven() -> bool:
        async with world.directory.read() as tx:
            return await tx.due(circle_marks.scope_of(group)) is None

    await eventually(proven, what="the group is right", within=120, every=0.005)


async def _recipe(script: Script, users: Sequence[User], *, name: str) -> float:
    """Fill a room and a contact group that exist and are empty, in bulk, and look again; return milliseconds."""
    await _new_room(script, name)
    contacts = f"contacts-{name}"
    await _set_group(script, contacts, shown=True)
    usernames = [user.username for user in users]
    began = time.monotonic()
    await asyncio.gather(
        script.set_affiliations(f"{name}@{ROOMS}", {f"{username}@{DOMAIN}": "member" for username in usernames}),
        _fill(script, contacts, usernames),
    )
    _, info, members, affiliations = await asyncio.gather(
        script.call("get_room_options", name=name, service=ROOMS),
        script.call("srg_get_info", group=contacts, host=DOMAIN),
        script.call("srg_get_members", group=contacts, host=DOMAIN),
        script.call("get_room_affiliations", name=name, service=ROOMS),
    )
    done = time.monotonic()
    inside = sum(entry["domain"] == DOMAIN for entry in affiliations)
    if len(members) != len(users) or inside != len(users) or contacts not in str(info):
        raise RuntimeError(f"the recipe did not work: {len(members)} contacts, {inside} affiliations")
    await script.call("srg_delete", group=contacts, host=DOMAIN)
    await script.call("destroy_room", name=name, service=ROOMS)
    return (done - began) * 1000


async def _fill(script: Script, contacts: str, usernames: Sequence[str]) -> None:
    async def add(username: str) -> None:
        await script.call("srg_user_add", user=username, host=DOMAIN, group=contacts, grouphost=DOMAIN)

    await _set_group(script, contacts, shown=False)
    await each(usernames, add)
    await _set_group(script, contacts, shown=True)


async def _admins_script(bench: Bench, usernames: Sequence[str]) -> float:
    """Add one member after the other on a server with roster versioning; return milliseconds."""
    async with (
        open_world(bench, "admins-script", edits=_VERSIONING) as world,
        open_script(world.ejabberd) as script,
    ):
        company = people.company(DOMAIN)
        await world.add_company(company)
        await people.add_users(world.directory, company, len(usernames))
        await _new_room(script, "kreis")
        await _set_group(script, "kreis", shown=True)
        began = time.monotonic()
        for number, username in enumerate(usernames):
            if number % 10 == 0:
                seconds = time.monotonic() - began
                bench.say(f"one call a member: {number} of {len(usernames)} after {seconds:.0f} s")
            jid, account = f"{username}@{DOMAIN}", {"user": username, "host": DOMAIN}
            await script.call("set_room_affiliation", name="kreis", service=ROOMS, jid=jid, affiliation="member")
            await script.call("srg_user_add", **account, group="kreis", grouphost=DOMAIN)
        return (time.monotonic() - began) * 1000


async def _new_room(script: Script, name: str) -> None:
    await script.call("create_room_with_opts", name=name, service=ROOMS, host=DOMAIN, options=[])


async def _set_group(script: Script, name: str, *, shown: bool) -> None:
    display = name if shown else ""
    await script.call("srg_create", group=name, host=DOMAIN, label=name, description="", display=display)
