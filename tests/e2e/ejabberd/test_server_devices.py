"""Devices of one person are told apart by what they log in with, and what is kept of that opens nothing."""

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable, Iterable

import pytest

from ejabberd.launcher import PrivateServer
from ejabberd.records import DeviceRecord, SeenRecord
from kleanxmpp.device_ports import MARK_LENGTH
from tests.e2e.ejabberd.ejabberd_world import DOMAIN, OTHER_DOMAIN, Directory, World, open_world
from tests.e2e.ejabberd.xmpp_wire import SASL, SM, Client, Refusal, TcpWire, authenticate, bind, local

pytestmark = pytest.mark.e2e


def mark(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()[:MARK_LENGTH]


def secret_of(username: str, device: str) -> str:
    return f"secret:of:{username}'s {device} ü"


async def owner(world: World, *devices: str) -> str:
    """Add somebody with these devices."""
    username = await world.person()
    for device in devices:
        world.directory.add_device(username, secret_of(username, device))
    return username


async def logged_in(world: World, username: str, secret: str) -> TcpWire:
    wire, _ = await world.connect()
    await authenticate(wire, username, secret)
    await wire.open_stream(DOMAIN)
    return wire


async def connected(world: World, username: str, device: str, *, resource: str | None = None) -> Client:
    wire = await logged_in(world, username, secret_of(username, device))
    return Client(wire, await bind(wire, resource or device))


async def resumable(world: World, username: str, device: str) -> tuple[Client, str]:
    """Connect, and return also by what name the session may be resumed."""
    client = await connected(world, username, device)
    await client.send(f"<enable xmlns='{SM}' resume='true'/>")
    enabled = await client.wait(lambda element: local(element) == "enabled")
    return client, enabled.get("id", "")


async def resume(world: World, username: str, device: str, name: str) -> None:
    wire = await logged_in(world, username, secret_of(username, device))
    await wire.send(f"<resume xmlns='{SM}' previd='{name}' h='0'/>")
    assert local(await wire.receive()) == "resumed"


async def sessions(world: World, username: str) -> dict[str, DeviceRecord]:
    return {one.resource: one for one in await world.api.sessions.devices(username, host=DOMAIN)}


async def seen(world: World, username: str, *, taken: Iterable[str] = ()) -> dict[str, SeenRecord]:
    found = await world.api.sessions.devices_seen(host=DOMAIN, taken=taken)
    return {one.mark: one for one in found if one.username == username}


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await condition():
            pass


async def test_of_two_devices_one_leaves_and_both_are_known(world: World) -> None:
    anna = await owner(world, "phone", "tablet")
    phone_mark, tablet_mark = (mark(secret_of(anna, device)) for device in ("phone", "tablet"))
    phone = await connected(world, anna, "phone")
    await connected(world, anna, "tablet")
    assert await sessions(world, anna) == {
        "phone": DeviceRecord(resource="phone", mark=phone_mark, awake=True),
        "tablet": DeviceRecord(resource="tablet", mark=tablet_mark, awake=True),
    }
    came = await seen(world, anna)
    assert came.keys() == {phone_mark, tablet_mark}
    await phone.send("<presence/>")
    await phone.barrier()
    assert (await sessions(world, anna))["phone"].mark == phone_mark, "a presence leaves the mark where it is"
    await phone.close()

    async def left() -> bool:
        return (await sessions(world, anna)).keys() == {"tablet"}

    await until(left)
    went = await seen(world, anna)
    assert went[phone_mark].at > came[phone_mark].at
    assert went[tablet_mark] == came[tablet_mark], "who stays connected costs nothing"
    assert await world.api.sessions.devices(anna, host=OTHER_DOMAIN) == []


async def test_a_session_that_is_resumed_belongs_to_whoever_resumed_it(world: World) -> None:
    anna = await owner(world, "phone", "tablet")
    phone_mark, tablet_mark = (mark(secret_of(anna, device)) for device in ("phone", "tablet"))
    phone, name = await resumable(world, anna, "phone")
    phone.wire.cut()

    async def asleep() -> bool:
        return not (await sessions(world, anna))["phone"].awake

    await until(asleep)
    slept = await seen(world, anna)
    await resume(world, anna, "tablet", name)
    assert await sessions(world, anna) == {"phone": DeviceRecord(resource="phone", mark=tablet_mark, awake=True)}
    resumed = (await seen(world, anna))[tablet_mark]
    assert resumed.at > slept[phone_mark].at
    await world.api.sessions.kick_users([anna], host=DOMAIN)

    async def gone() -> bool:
        return not await sessions(world, anna)

    await until(gone)
    after = await seen(world, anna)
    assert after[phone_mark] == slept[phone_mark], "not seen since it fell asleep"
    assert after[tablet_mark].at > resumed.at


async def test_a_device_whose_session_is_taken_over_was_seen_until_then(world: World) -> None:
    anna = await owner(world, "phone", "tablet")
    _, name = await resumable(world, anna, "phone")
    (came,) = (await seen(world, anna)).values()
    await resume(world, anna, "tablet", name)

    async def noted() -> bool:
        return (await seen(world, anna))[came.mark].at > came.at

    await until(noted)


async def test_what_is_taken_is_forgotten(world: World) -> None:
    anna = await owner(world, "phone")
    await connected(world, anna, "phone")
    first = await seen(world, anna)
    stamps = [one.stamp for one in first.values()]
    assert await seen(world, anna, taken=["another"]) == first
    assert await seen(world, anna, taken=stamps) == {}
    await connected(world, anna, "phone", resource="again")
    assert (await seen(world, anna, taken=stamps)).keys() == first.keys(), "seen anew"


@pytest.mark.asyncio(loop_scope="session")
async def test_what_nobody_took_survives_a_restart(running: tuple[PrivateServer, Directory]) -> None:
    async with open_world(*running) as world:
        anna = await owner(world, "phone")
        await connected(world, anna, "phone")
        (came,) = (await seen(world, anna)).values()
        await world.server.restart()
        (stayed,) = (await seen(world, anna)).values()
    assert stayed.mark == came.mark and stayed.at > came.at, "it was connected until the server stopped"


async def test_who_is_not_let_in_leaves_no_mark_and_a_secret_is_in_no_log(world: World) -> None:
    anna = await owner(world, "phone")
    closed = await world.person(gate=False)
    secrets = [secret_of(anna, "phone"), f"secret:of:{closed}", "wrong"]
    wire, _ = await world.connect()
    with pytest.raises(Refusal, match="not-authorized"):
        await authenticate(wire, anna, "wrong")
    refused = await logged_in(world, closed, f"secret:of:{closed}")
    with pytest.raises(Refusal, match="not-allowed"):
        await bind(refused, "phone")
    refused.cut()
    assert await seen(world, anna) == {} == await seen(world, closed)
    await authenticate(wire, anna, secret_of(anna, "phone"))
    await wire.open_stream(DOMAIN)
    phone = Client(wire, await bind(wire, "phone"))
    another = base64.b64encode(f"\0{anna}\0wrong".encode()).decode()
    await phone.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{another}</auth>")
    await phone.wait(lambda element: local(element) == "failure")
    await phone.close()

    async def gone() -> bool:
        return not await sessions(world, anna)

    await until(gone)
    assert (await seen(world, anna)).keys() == {mark(secrets[0])}, "what is said after a login does not count"
    logs = "".join(file.read_text(errors="replace") for file in world.server.files.log.parent.iterdir())
    assert anna in logs
    assert not any(part in logs for secret in secrets[:2] for part in (secret, mark(secret)))
    assert mark("wrong") not in logs


async def test_a_login_by_sasl2_leaves_the_same_mark(world: World) -> None:
    """Newer clients and servers log in so, where the server offers it."""
    anna = await owner(world, "phone")
    wire, features = await world.connect(sender=f"{anna}@{DOMAIN}")
    offered = any(element.tag == "{urn:xmpp:sasl:2}authentication" for element in features.iter())
    assert offered == ((await world.api.status()).release >= (24, 12))
    if offered:
        plain = base64.b64encode(f"\0{anna}\0{secret_of(anna, 'phone')}".encode()).decode()
        await wire.send(
            "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'>"
            f"<initial-response>{plain}</initial-response><bind xmlns='urn:xmpp:bind:0'/></authenticate>"
        )
        assert local(await wire.receive()) == "success"
        (session,) = (await sessions(world, anna)).values()
        assert (session.mark, session.awake) == (mark(secret_of(anna, "phone")), True)
