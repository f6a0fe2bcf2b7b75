"""Who gets in, by which door: logins, the gate, and every way around them."""

import asyncio
import base64
import struct

import pytest

from ejabberd.config import GATE_GROUP
from tests.e2e.ejabberd.ejabberd_world import API_PASSWORD, DOMAIN, OTHER_DOMAIN, World, mqtt_port
from tests.e2e.ejabberd.xmpp_wire import (
    BIND,
    SASL,
    SM,
    STREAM,
    Refusal,
    TcpWire,
    authenticate,
    bind,
    condition_of,
    local,
    mechanisms,
)

pytestmark = pytest.mark.e2e


async def test_only_plain_over_tls_is_offered_to_clients(world: World) -> None:
    _, features = await world.connect()
    assert mechanisms(features) == {"PLAIN"}


async def test_only_plain_is_offered_on_the_websocket(world: World) -> None:
    wire = await world.connect_websocket()
    assert mechanisms(await wire.open_stream(DOMAIN)) == {"PLAIN"}


async def test_a_login_without_tls_is_refused(world: World) -> None:
    username = await world.person()
    wire = await TcpWire.connect(world.server.c2s_port)
    await wire.open_stream(DOMAIN)
    token = base64.b64encode(f"\0{username}\0secret:of:{username}".encode()).decode()
    await wire.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{token}</auth>")
    assert local(await wire.receive()) != "success"
    wire.cut()


@pytest.mark.parametrize("mechanism", ["X-OAUTH2", "ANONYMOUS", "SCRAM-SHA-1", "DIGEST-MD5", "EXTERNAL"])
async def test_mechanisms_that_are_not_offered_do_not_work(world: World, mechanism: str) -> None:
    username = await world.person()
    wire, _ = await world.connect()
    with pytest.raises(Refusal):
        await authenticate(wire, username, f"secret:of:{username}", mechanism=mechanism)


async def test_nobody_registers_an_account(world: World) -> None:
    wire, features = await world.connect()
    assert "register" not in {local(feature) for feature in features}
    await wire.send("<iq type='get' id='r'><query xmlns='jabber:iq:register'/></iq>")
    answer = await wire.receive()
    assert condition_of(answer) is not None or answer.tag == f"{{{STREAM}}}error"


async def test_a_wrong_secret_is_refused(world: World) -> None:
    username = await world.person()
    wire, _ = await world.connect()
    with pytest.raises(Refusal, match="not-authorized"):
        await authenticate(wire, username, "wrong")


async def test_plain_with_somebody_elses_authorization_identity_is_refused(world: World) -> None:
    """Mallory proves to be Mallory and asks to be Alice."""
    mallory, alice = await world.person(), await world.person()
    for authzid in (alice, f"{alice}@{DOMAIN}"):
        wire, _ = await world.connect()
        with pytest.raises(Refusal):
            await authenticate(wire, mallory, f"secret:of:{mallory}", authzid=authzid)


async def test_a_deactivated_person_is_refused_at_once(world: World) -> None:
    """There is no cache: the login before does not help."""
    username = await world.person()
    await (await world.login(username)).close()
    world.directory.deactivate(username)
    with pytest.raises(Refusal, match="not-authorized"):
        await world.login(username)


async def test_the_gate_closes_both_doors_and_opens_at_run_time(world: World) -> None:
    username = await world.person(gate=False)
    with pytest.raises(Refusal, match="not-allowed"):
        await world.login(username)
    with pytest.raises(Refusal, match="not-allowed"):
        await world.login_websocket(username)
    await world.api.groups.join([(username, GATE_GROUP)], host=DOMAIN)
    await world.login(username)
    await world.login_websocket(username)


async def test_the_gate_of_one_company_does_not_open_another(world: World) -> None:
    username = await world.person(gate=False)
    world.directory.add(username, domain=OTHER_DOMAIN)
    await world.api.groups.join([(username, GATE_GROUP)], host=OTHER_DOMAIN)
    await world.login(username, domain=OTHER_DOMAIN)
    with pytest.raises(Refusal, match="not-allowed"):
        await world.login(username)


async def test_the_service_account_cannot_hold_a_session(world: World) -> None:
    """Its password is good for the HTTP API only, even if somebody put it into the gate group."""
    await world.api.groups.join([("klean-api", GATE_GROUP)], host=DOMAIN)
    wire, _ = await world.connect()
    await authenticate(wire, "klean-api", API_PASSWORD)
    features = await wire.open_stream(DOMAIN)
    assert features.find(f"{{{BIND}}}bind") is not None
    with pytest.raises(Refusal, match="not-allowed"):
        await bind(wire, "x")
    await world.api.groups.leave([("klean-api", GATE_GROUP)], host=DOMAIN)


async def test_a_kicked_person_is_out_on_every_device(world: World) -> None:
    username = await world.person()
    phone, browser = await world.login(username), await world.login_websocket(username)
    assert await world.api.sessions.kick_users([username], host=DOMAIN) == {username: 2}
    assert await phone.wait_closed() == "policy-violation"
    assert await browser.wait_closed() == "policy-violation"
    assert await world.api.sessions.of_user(username, host=DOMAIN) == ()


async def test_a_kicked_person_cannot_resume_a_sleeping_session(world: World) -> None:
    """The phone lost its connection (XEP-0198) and would come back without binding, so past the gate."""
    username = await world.person()
    phone = await world.login(username)
    await phone.send(f"<enable xmlns='{SM}' resume='true'/>")
    enabled = await phone.wait(lambda element: local(element) == "enabled")
    phone.wire.cut()
    (asleep,) = await world.api.sessions.of_user(username, host=DOMAIN)
    assert asleep.resource == "phone"
    assert await world.api.sessions.kick_users([username], host=DOMAIN) == {username: 1}
    async with asyncio.timeout(10):
        while await world.api.sessions.of_user(username, host=DOMAIN):
            pass
    wire, _ = await world.connect()
    await authenticate(wire, username, f"secret:of:{username}")
    await wire.open_stream(DOMAIN)
    await wire.send(f"<resume xmlns='{SM}' previd='{enabled.get('id')}' h='0'/>")
    assert local(await wire.receive()) == "failed"


async def test_mqtt_of_another_host_on_the_same_server_lets_nobody_of_a_company_in(careless_world: World) -> None:
    """MQTT keeps sessions of its own and asks neither the gate nor the session manager."""
    username = await careless_world.person()
    reader, writer = await asyncio.open_connection("127.0.0.1", mqtt_port(careless_world.server))

    def text(value: str) -> bytes:
        return struct.pack(">H", len(value)) + value.encode()

    account = text("phone") + text(f"{username}@{DOMAIN}") + text(f"secret:of:{username}")
    packet = text("MQTT") + bytes([4, 0xC2, 0, 60]) + account
    writer.write(bytes([0x10, len(packet)]) + packet)
    async with asyncio.timeout(10):
        answer = await reader.read(4)
    writer.close()
    assert answer == b"\x20\x02\x00\x03", answer  # CONNACK: no such service on this host
