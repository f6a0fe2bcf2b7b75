"""Logins: questions that one login program answers in a second, and logins over TLS against ejabberd's internal store.

The second server asks its internal store first and the login program only for the account of the HTTP API, so the
people's logins never leave ejabberd there.
"""

import asyncio
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks import people
from benchmarks.figures import Figure, spread
from benchmarks.script import Script, each, open_script
from benchmarks.world import DOMAIN, Bench, World, open_world
from kleanxmpp.desired import GATE
from kleanxmpp.model import User
from tests.e2e.raw_client import connect

_INTERNAL = {"- external": ("- internal", "- external"), "- status": ("- status", "- register")}
_AT_ONCE = 8


async def measure(bench: Bench) -> list[Figure]:
    """Ask the program alone, then log people in at both servers in turns."""
    count, rounds, logins = bench.pick(10_000, 1_000), bench.pick(7, 3), bench.pick(150, 40)
    async with open_world(bench, "logins") as ours, open_world(bench, "logins-internal", edits=_INTERNAL) as internal:
        bench.say(f"logins: setting up {count} people")
        company = people.company(DOMAIN)
        await ours.add_company(company)
        users = await people.add_users(ours.directory, company, count, devices=True)
        some = users[:logins]
        for world in (ours, internal):
            async with open_script(world.ejabberd) as script:
                await _let_in(script, some, register=world is internal)
        bench.say("logins: asking the login program")
        config, seconds = ours.folder / "extauth.toml", bench.pick(3, 1)
        questions = [await asyncio.to_thread(_questions_a_second, config, users, seconds=seconds) for _ in range(3)]
        external, stored = [], []
        for number in range(rounds):
            bench.say(f"logins: round {number + 1} of {rounds}")
            external.append(await _logins_a_second(ours, some))
            stored.append(await _logins_a_second(internal, some))
    return [_questions(questions, count=count), _logins(external, stored)]


async def _let_in(script: Script, users: Sequence[User], *, register: bool) -> None:
    """Open the gate for these people, and put them into the internal store."""
    await script.call("srg_create", group=GATE, host=DOMAIN, label="", description="", display="")

    async def let_in(user: User) -> None:
        account = {"user": user.username, "host": DOMAIN}
        await script.call("srg_user_add", **account, group=GATE, grouphost=DOMAIN)
        if register:
            await script.call("register", **account, password=people.secret(user))

    await each(users, let_in)


def _questions_a_second(config: Path, users: Sequence[User], *, seconds: float) -> float:
    """Ask one program one question after the other, as ejabberd does: every second one has a wrong secret."""
    command = (sys.executable, "-m", "ejabberd.extauth", str(config))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        try:
            _ask(process, users[0], right=True)  # it has started when it answers
            began, asked = time.monotonic(), 0
            while (passed := time.monotonic() - began) < seconds:
                _ask(process, users[asked % len(users)], right=asked % 2 == 0)
                asked += 1
            return asked / passed
        finally:
            process.kill()


def _ask(process: subprocess.Popen[bytes], user: User, *, right: bool) -> None:
    assert process.stdin is not None and process.stdout is not None
    question = f"auth:{user.username}:{DOMAIN}:{people.secret(user) if right else 'wrong'}".encode()
    process.stdin.write(struct.pack(">H", len(question)) + question)
    answer = process.stdout.read(4)
    if answer != struct.pack(">HH", 2, right):
        raise RuntimeError(f"the login program answered {answer!r} for a {'right' if right else 'wrong'} secret")


async def _logins_a_second(world: World, users: Sequence[User]) -> float:
    """Log people in over TLS, some at a time, each on a connection of its own."""
    tls = world.tls

    async def log_in(user: User) -> None:
        client = await connect(world.ejabberd.c2s_port)
        await client.log_in(user.username, people.secret(user), domain=DOMAIN, resource="phone", tls=tls)
        await client.close()

    began = time.monotonic()
    await each(users, log_in, at_once=_AT_ONCE)
    return len(users) / (time.monotonic() - began)


def _questions(found: Sequence[float], *, count: int) -> Figure:
    note = f"one process, SQLite with {count} people, every second question a wrong secret"
    return Figure(name="login questions answered", ours=median(found), unit="/s", note=note)


def _logins(external: Sequence[float], stored: Sequence[float]) -> Figure:
    return Figure(
        name="logins over TLS, against the internal store",
        ours=median(external),
        plain=median(stored),
        unit="/s",
        ratio=median(a / b for a, b in zip(external, stored, strict=True)),
        note=f"large is good; {len(stored)} rounds: {spread(external)} and {spread(stored)}",
    )
