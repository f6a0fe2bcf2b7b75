"""The supervisor against a server that misbehaves. Delays are parameters, so nothing here waits for seconds."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from component.addresses import Addresses
from component.connection import Connection, Patience, retry_delay
from component.errors import StreamLost
from kleanxmpp import errors
from tests.unit.component.fake_server import SECRET, FakeServer, eventually, fake_server, result_of

ADDRESSES = Addresses(domains=("firma.test", "zwei.test"))
QUICK = Patience(connect=2, first_retry=0.01, longest_retry=0.05, steady_after=60, ping_every=60, goodbye=1)


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with fake_server() as made:
        yield made


@asynccontextmanager
async def running(server: FakeServer, *, secret: str = SECRET, patience: Patience = QUICK) -> AsyncIterator[Connection]:
    connection = Connection(ADDRESSES, host="127.0.0.1", port=server.port, secret=secret, patience=patience)
    task = asyncio.create_task(connection.run())
    try:
        yield connection
    finally:
        connection.stop()
        async with asyncio.timeout(5):
            await task


async def ready(connection: Connection) -> None:
    async with asyncio.timeout(5):
        await connection.wait_ready()


async def request(connection: Connection) -> Element | None:
    return await connection.request(Element("{urn:test}question"), to="zwei.test", sender="klean.zwei.test", kind="get")


async def test_it_connects_once_and_asks_from_the_address_it_is_told(server: FakeServer) -> None:
    server.answer = lambda stanza: result_of(stanza, "<answer xmlns='urn:test'/>")
    async with running(server) as connection:
        await ready(connection)
        answer = await request(connection)
    assert answer is not None and answer.tag == "{urn:test}answer"
    assert server.received[0].get("from") == "klean.zwei.test"
    assert (server.connections, connection.attempts, connection.requests) == (1, 1, 1)


async def test_it_comes_back_when_the_stream_drops_and_says_so_each_time(server: FakeServer) -> None:
    calls: list[int] = []
    async with running(server) as connection:
        connection.on_ready(lambda: calls.append(1))
        for _ in range(3):
            await ready(connection)
            server.drop_streams()
            await eventually(lambda: not connection.ready)
        await ready(connection)
        await request(connection)
    assert server.connections == connection.attempts == 4
    assert len(calls) == 4


async def test_it_comes_back_after_an_outage_in_which_every_attempt_was_refused(server: FakeServer) -> None:
    async with running(server) as connection:
        await ready(connection)
        await server.stop()
        await eventually(lambda: not connection.ready)
        await eventually(lambda: connection.attempts >= 6)
        await server.start()
        await ready(connection)
        await request(connection)
    assert server.connections == 2


async def test_between_two_attempts_slixmpp_makes_none_of_its_own(server: FakeServer) -> None:
    await server.stop()
    async with running(server, patience=replace(QUICK, first_retry=60, longest_retry=60)) as connection:
        failures: list[object] = []
        connection.xmpp.add_event_handler("connection_failed", failures.append)
        await eventually(lambda: bool(failures) and not connection.xmpp.is_connecting())
        assert connection.attempts == 1


async def test_a_wrong_secret_does_not_spin_and_is_said_once(
    server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    patience = replace(QUICK, first_retry=0.1, longest_retry=0.4)
    async with running(server, secret="wrong", patience=patience) as connection:
        await asyncio.sleep(1)
        assert not connection.ready
        attempts = connection.attempts
    assert 2 <= attempts <= 8
    assert server.connections == attempts
    assert [r.message for r in caplog.records if "secret is wrong" in r.message and r.levelno >= logging.WARNING] == [
        "The XMPP server refuses the component: its secret is wrong."
    ]


async def test_a_server_that_accepts_and_hangs_up_is_not_hammered(server: FakeServer) -> None:
    server.closes_at_once = True
    async with running(server, patience=replace(QUICK, first_retry=0.1, longest_retry=0.4)) as connection:
        await asyncio.sleep(1)
    assert 2 <= server.connections <= 8
    assert server.connections == connection.attempts


async def test_a_server_that_takes_the_connection_and_says_nothing_is_left_again(server: FakeServer) -> None:
    server.opens_streams = False
    async with running(server, patience=replace(QUICK, connect=0.1)) as connection:
        await eventually(lambda: server.connections >= 2)
        server.opens_streams = True
        await ready(connection)
    assert not server.writers


async def test_a_half_dead_stream_is_found_and_replaced(server: FakeServer) -> None:
    server.answer = lambda stanza: None
    async with running(server, patience=replace(QUICK, ping_every=0.05, ping_answer=0.1)) as connection:
        await eventually(lambda: server.connections >= 2)
        server.answer = result_of
        await ready(connection)
        asked = len(server.stanzas("iq"))
        await eventually(lambda: len(server.stanzas("iq")) >= asked + 3)
        assert connection.ready
    assert len(server.writers) <= 1


async def test_a_server_that_answers_pings_with_an_error_is_alive(server: FakeServer) -> None:
    server.answer = lambda stanza: (
        f"<iq type='error' id='{stanza.get('id')}' from='{stanza.get('to')}' to='{stanza.get('from')}'>"
        "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
    )
    async with running(server, patience=replace(QUICK, ping_every=0.02, ping_answer=0.5)) as connection:
        await eventually(lambda: len(server.stanzas("iq")) >= 3)
        with pytest.raises(errors.Temporary, match="service-unavailable"):
            await request(connection)
    assert server.connections == 1


async def test_a_pending_question_fails_at_once_when_the_stream_is_lost(server: FakeServer) -> None:
    server.answer = lambda stanza: None
    async with running(server) as connection:
        await ready(connection)
        question = asyncio.create_task(request(connection))
        await eventually(lambda: bool(server.stanzas("iq")))
        server.drop_streams()
        with pytest.raises(StreamLost):
            await asyncio.wait_for(question, 1)


async def test_without_a_stream_nothing_is_queued_but_refused_at_once(server: FakeServer) -> None:
    server.accepts = False
    async with running(server) as connection:
        with pytest.raises(StreamLost):
            await request(connection)
        with pytest.raises(StreamLost):
            connection.send(connection.xmpp.make_message(mto="anna@firma.test", mbody="Hallo"))
        server.accepts = True
        await ready(connection)
        await request(connection)
    assert not server.stanzas("message")


async def test_an_unanswered_question_is_temporary(server: FakeServer) -> None:
    server.answer = lambda stanza: None
    async with running(server, patience=replace(QUICK, answer=0.05)) as connection:
        await ready(connection)
        with pytest.raises(errors.Temporary, match=r"zwei\.test did not answer in time"):
            await request(connection)


async def test_stopping_says_goodbye_and_leaves_nothing_behind(server: FakeServer) -> None:
    before = asyncio.all_tasks()
    async with running(server) as connection:
        await ready(connection)
    await eventually(lambda: not server.writers)
    assert {task for task in asyncio.all_tasks() - before if "xmpp" in repr(task)} == set()


async def test_presence_of_thousands_leaves_no_trace_in_memory(server: FakeServer) -> None:
    seen: list[str] = []
    async with running(server) as connection:
        connection.xmpp.add_event_handler("presence", lambda presence: seen.append(presence["from"].bare))
        await ready(connection)
        for number in range(2000):
            server.say(f"<presence from='u{number}@firma.test/phone' to='klean@klean.firma.test'/>")
        await eventually(lambda: len(seen) == 2000)
        connection.xmpp.send_presence(pto="u1@firma.test", pfrom="klean@klean.firma.test")
        await eventually(lambda: bool(server.stanzas("presence")))
        assert len(list(connection.xmpp.roster)) <= 1


async def test_a_stanza_with_an_unreadable_address_does_not_end_the_stream(server: FakeServer) -> None:
    async with running(server) as connection:
        await ready(connection)
        server.say("<message from='@@/' to='klean@klean.firma.test' type='chat'><body>x</body></message>")
        server.say("<iq type='get' id='q' from='a b@firma.test' to='klean.firma.test'><query xmlns='x'/></iq>")
        await request(connection)
    assert server.connections == 1


async def test_nothing_passes_from_one_company_to_another(server: FakeServer) -> None:
    seen: list[str] = []
    async with running(server) as connection:
        connection.xmpp.add_event_handler("message", lambda message: seen.append(message["from"].bare))
        await ready(connection)
        for sender in ("mallory@zwei.test/x", "mallory@xfirma.test/x", "firma.test.evil.test", "anna@firma.test/x"):
            server.say(f"<message from='{sender}' to='klean@klean.firma.test'><body>Hallo</body></message>")
        server.say("<iq type='get' id='cross' from='m@zwei.test/x' to='klean.firma.test'><query xmlns='x'/></iq>")
        await request(connection)
        await eventually(lambda: bool(seen))
    assert seen == ["anna@firma.test"]
    assert "cross" not in {stanza.get("id") for stanza in server.received}


async def test_what_people_write_never_reaches_the_log(server: FakeServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with running(server) as connection:
        await ready(connection)
        server.say("<message from='a@firma.test/x' to='klean@klean.firma.test'><body>topsecret</body></message>")
        server.say("<message from='a@firma.test/x' to='klean@klean.firma.test'><body>topsecret & broken</body>")
        await eventually(lambda: server.connections == 2)
        await ready(connection)
    assert "topsecret" not in caplog.text
    assert SECRET not in caplog.text


@given(failures=st.integers(min_value=1, max_value=10_000), chance=st.floats(min_value=0, max_value=1))
def test_delays_grow_to_a_cap_and_are_never_zero(failures: int, chance: float) -> None:
    delay = retry_delay(Patience(), failures=failures, chance=chance)
    assert 0 < delay <= 15
    assert delay <= retry_delay(Patience(), failures=failures + 1, chance=1.0)
