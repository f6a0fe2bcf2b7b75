"""What an account leaves behind on a server that keeps more than ours: push registrations, messages, tokens."""

import asyncio
import base64
from uuid import uuid4

import pytest

from ejabberd.commands import Commands
from ejabberd.records import Remains
from tests.e2e.ejabberd.ejabberd_world import DOMAIN, OTHER_DOMAIN, World
from tests.e2e.ejabberd.xmpp_wire import Client, condition_of, local

pytestmark = pytest.mark.e2e

PUSH = "<enable xmlns='urn:xmpp:push:0' jid='push.example' node='{node}'/>"


async def keep_oauth_token(api: Commands, username: str) -> None:
    """Have the server keep a token that logs in by SASL X-OAUTH2 (`mod_tokens.erl`)."""
    await api.run("keep_oauth_token", user=username, host=DOMAIN, token=f"token of {username}")


async def register_push(client: Client, node: str) -> None:
    answer = await client.iq("set", PUSH.format(node=node))
    assert answer.get("type") == "result", condition_of(answer)


async def receive_fast_token(world: World, username: str) -> bool:
    """Ask for a FAST token (XEP-0484) as clients do at login; return whether the server gave one."""
    wire, features = await world.connect(sender=f"{username}@{DOMAIN}")
    if not any(element.tag == "{urn:xmpp:sasl:2}authentication" for element in features.iter()):
        return False
    plain = base64.b64encode(f"\0{username}\0secret:of:{username}".encode()).decode()
    await wire.send(
        f"<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><initial-response>{plain}</initial-response>"
        f"<user-agent id='{uuid4()}'/><request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/>"
        "<bind xmlns='urn:xmpp:bind:0'><tag>phone</tag></bind></authenticate>"
    )
    answer = await wire.receive()
    assert local(answer) == "success", local(answer[0])
    return any(element.tag == "{urn:xmpp:fast:0}token" for element in answer.iter())


async def write_to(world: World, username: str, *, count: int) -> None:
    colleague = await world.login(await world.person())
    for number in range(count):
        await colleague.send(f"<message type='chat' to='{username}@{DOMAIN}'><body>{number}</body></message>")
    await colleague.barrier()


async def leftovers(world: World, *usernames: str, domain: str = DOMAIN) -> list[Remains]:
    found = await world.api.accounts.leftovers(usernames, host=domain)
    return [found[username] for username in usernames]


def nothing(username: str) -> Remains:
    return Remains(username=username, push=0, offline_messages=0, tokens=0)


async def test_everything_that_is_left_is_counted_and_cleared_and_colleagues_keep_theirs(careless_world: World) -> None:
    world = careless_world
    leaver, colleague = await world.person(), await world.person()
    tokens = 1
    for username in (leaver, colleague):
        await keep_oauth_token(world.api, username)
        tokens = 1 + await receive_fast_token(world, username)
        await world.api.sessions.kick_users([username], host=DOMAIN)
        async with asyncio.timeout(10):
            while await world.api.sessions.of_user(username, host=DOMAIN):
                pass
        await write_to(world, username, count=3)
        # last: the first notification that the wall refuses ends a registration
        for node in ("phone", "tablet"):
            await register_push(await world.login(username, resource=node), node)
    there = [Remains(username=username, push=2, offline_messages=3, tokens=tokens) for username in (leaver, colleague)]
    assert await leftovers(world, leaver, colleague) == there
    for _ in range(2):
        await world.api.accounts.clear_leftovers([leaver], host=DOMAIN)
        assert await leftovers(world, leaver, colleague) == [nothing(leaver), there[1]]
    assert await leftovers(world, colleague, domain=OTHER_DOMAIN) == [nothing(colleague)]


async def test_fast_tokens_are_found_where_the_server_gives_them(careless_world: World) -> None:
    """So that the test above does not count nothing: ejabberd has them since 24.12."""
    given = await receive_fast_token(careless_world, await careless_world.person())
    version = (await careless_world.api.status()).release
    assert given == (version >= (24, 12))


async def test_a_server_without_those_modules_has_nothing_left(world: World) -> None:
    username = await world.person()
    await write_to(world, username, count=2)
    assert await leftovers(world, username) == [Remains(username=username, push=0, offline_messages=2, tokens=0)]
    await world.api.accounts.clear_leftovers([username], host=DOMAIN)
    assert await leftovers(world, username, "nobody") == [nothing(username), nothing("nobody")]
