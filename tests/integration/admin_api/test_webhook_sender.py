"""What is sent to webhooks, on real sockets: only to allowed addresses, whatever a name resolves to, not for long."""

import asyncio
import ipaddress
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer

from admin_api.webhook_sender import HttpSender
from ejabberd.certificate import make_certificate
from kleanxmpp import errors
from kleanxmpp.destinations import NOBODY, Allowed, allowed_of
from kleanxmpp.event_ports import Sent
from tests.receiver import receiving

LOOPBACK = allowed_of(["127.0.0.0/8"])


class NamesOf(AbstractResolver):
    """Answers with the next of these lists of addresses, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        self.asked.append(host)
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(hostname=host, host=one, port=port, family=_family(one), proto=0, flags=socket.AI_NUMERICHOST)
            for one in addresses
        ]

    async def close(self) -> None:
        return


def _family(address: str) -> int:
    return socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET


def sender(*, allowed: Allowed = NOBODY, names: NamesOf | None = None, **how: Any) -> HttpSender:
    return HttpSender(allowed=allowed, timeout=how.pop("timeout", 5.0), resolver=names, **how)


async def sent(by: HttpSender, url: str) -> Sent:
    return await by.send(url, headers={"Content-Type": "application/json", "webhook-id": "e1"}, body=b"{}")


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[int, list[object]]]:
    """Listen on loopback, and note who connects."""
    seen: list[object] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer.get_extra_info("peername"))
        writer.close()

    server = await asyncio.start_server(note, host="127.0.0.1", port=0)
    async with server:
        yield server.sockets[0].getsockname()[1], seen


@pytest.mark.parametrize(
    "resolved",
    [
        ["127.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["127.0.0.1", "::1"],
        ["0.0.0.0"],
    ],
)
async def test_a_name_that_leads_to_an_address_that_is_not_public_is_not_connected_to(resolved: list[str]) -> None:
    async with listening() as (port, seen):
        outcome = await sent(sender(names=NamesOf(resolved)), f"https://hooks.example.org:{port}/")
        assert outcome.status is None
        assert outcome.error is not None and "not a public one" in outcome.error
    assert seen == []


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1", "localhost", "127.0.0.1.", "%31"])
async def test_odd_spellings_of_loopback_lead_nowhere(host: str) -> None:
    async with listening() as (port, seen):
        assert (await sent(sender(), f"https://{host}:{port}/")).status is None
    assert seen == []


async def test_a_name_that_changes_its_mind_is_looked_at_each_time() -> None:
    names = NamesOf(["127.0.0.1"], ["10.0.0.1"])
    async with receiving() as receiver:
        by = sender(allowed=allowed_of(["127.0.0.0/8", "other.example"]), names=names)
        url = f"https://127.0.0.1:{receiver.port}/"
        assert (await sent(by, url)).error == "No encrypted connection could be made."
        first = await sent(by, f"https://hooks.example.org:{receiver.port}/")
        assert first.error == "No encrypted connection could be made.", "it was connected to"
        second = await sent(by, f"https://hooks.example.org:{receiver.port}/")
        assert second.error is not None and "not a public one" in second.error
    assert names.asked == ["hooks.example.org"] * 2


async def test_among_several_addresses_only_allowed_ones_are_used() -> None:
    async with receiving() as receiver:
        names = NamesOf(["10.255.255.1", "127.0.0.1", "::1"])
        by = sender(allowed=allowed_of(["127.0.0.0/8", "hooks.intern.example"]), names=names)
        outcome = await sent(by, f"https://hooks.example.org:{receiver.port}/")
        assert outcome.error == "No encrypted connection could be made.", "127.0.0.1 was connected to"


async def test_a_host_that_the_settings_name_is_reached_wherever_it_is() -> None:
    async with receiving() as receiver:
        by = sender(allowed=allowed_of(["hooks.intern"]), names=NamesOf(["127.0.0.1"]))
        assert (await sent(by, f"http://hooks.intern:{receiver.port}/x")).status == 204
        refused = await sent(by, f"http://127.0.0.1:{receiver.port}/x")
        assert refused.status is None and len(receiver.messages) == 1


async def test_settings_that_became_stricter_hold_for_webhooks_that_are_there() -> None:
    async with receiving() as receiver:
        assert (await sent(sender(allowed=LOOPBACK), receiver.url)).status == 204
        assert (await sent(sender(), receiver.url)).error == "Only https:// is allowed."
        assert len(receiver.messages) == 1


async def test_a_proxy_in_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as proxy, receiving() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert (await sent(sender(allowed=LOOPBACK), receiver.url)).status == 204
        assert (len(proxy.messages), len(receiver.messages)) == (0, 1)


async def test_headers_and_body_arrive_as_they_were_signed() -> None:
    async with receiving() as receiver:
        outcome = await sent(sender(allowed=LOOPBACK), receiver.url)
        (message,) = receiver.messages
    assert outcome.well and outcome.milliseconds >= 0
    assert (message.body, message.id) == (b"{}", "e1")
    assert message.headers["user-agent"].startswith("KleanXMPP/")
    assert "cookie" not in message.headers


async def test_who_does_not_answer_in_time_failed() -> None:
    async with receiving(hold=asyncio.Event()) as receiver:
        outcome = await sent(sender(allowed=LOOPBACK, timeout=0.1), receiver.url)
    assert (outcome.status, outcome.error) == (None, "No answer within 0.1 seconds.")


async def test_nothing_but_the_status_is_kept_of_an_endless_answer() -> None:
    written = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal written
        answer = web.StreamResponse(status=200, headers={"Retry-After": "7" * 500})
        await answer.prepare(request)
        with pytest.raises(ConnectionError):
            while True:
                await answer.write(b"x" * 65_536)
                written += 65_536
                await asyncio.sleep(0)
        raise ConnectionResetError

    app = web.Application()
    app.router.add_post("/", endless)
    async with TestServer(app) as server:
        outcome = await sent(sender(allowed=LOOPBACK), f"http://127.0.0.1:{server.port}/")
    assert outcome.status == 200 and outcome.retry_after == "7" * 100
    assert written < 64 * 1024 * 1024


async def test_an_answer_whose_body_never_comes_is_an_answer() -> None:
    async def headers_only(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(status=202)
        answer.content_length = 10
        await answer.prepare(request)
        await asyncio.sleep(30)
        return answer

    app = web.Application()
    app.router.add_post("/", headers_only)
    async with TestServer(app) as server:
        outcome = await sent(sender(allowed=LOOPBACK), f"http://127.0.0.1:{server.port}/")
    assert outcome.well


async def test_nobody_there_and_no_such_name_are_told_in_words() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    away = await sent(sender(allowed=LOOPBACK), f"http://127.0.0.1:{port}/")
    assert away.error == "The host cannot be connected to."
    unknown = await sent(sender(), "https://no-such-host.invalid/")
    assert unknown.error == "The host's name cannot be found."


async def test_what_is_not_http_is_told_in_words() -> None:
    async with listening() as (port, seen):
        outcome = await sent(sender(allowed=LOOPBACK), f"http://127.0.0.1:{port}/")
    assert outcome.error == "The connection ended without an answer." and len(seen) == 1


async def test_certificates_are_verified_against_the_authority_of_the_settings(tmp_path: Path) -> None:
    made = await make_certificate(tmp_path, names=("hooks.test",))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(made.pem_file)
    async with receiving(tls=tls) as receiver:
        names = NamesOf(["127.0.0.1"])
        good, other = f"https://hooks.test:{receiver.port}/", f"https://other.test:{receiver.port}/"
        trusting = sender(allowed=LOOPBACK, names=names, ca_file=made.ca_file)
        assert (await sent(trusting, good)).status == 204
        for by, url in ((sender(allowed=LOOPBACK, names=names), good), (trusting, other)):
            assert (await sent(by, url)).error == "The receiver's certificate is not valid."
    assert len(receiver.messages) == 1


def test_an_authority_that_is_not_there_is_told_at_start(tmp_path: Path) -> None:
    with pytest.raises(errors.Invalid, match="cannot be read"):
        sender(ca_file=tmp_path / "missing.pem")


async def test_a_name_that_is_looked_up_for_ever_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    silent, looked_up, real = threading.Event(), [], socket.getaddrinfo

    def getaddrinfo(host: str, *arguments: Any, **options: Any) -> Any:
        looked_up.append(host)
        if host == "silent.example":
            silent.wait(20)
        return real("127.0.0.1", *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    async with receiving() as receiver:
        by = sender(allowed=allowed_of(["silent.example", "hooks.example"]), timeout=1.0)
        stuck = [asyncio.create_task(sent(by, f"http://silent.example:{receiver.port}/")) for _ in range(40)]
        while not looked_up:
            await asyncio.sleep(0.005)
        assert (await sent(by, f"http://hooks.example:{receiver.port}/")).status == 204
        assert await asyncio.to_thread(lambda: "other work of the program") is not None
        outcomes = await asyncio.gather(*stuck)
        silent.set()
    assert {one.error for one in outcomes} == {"No answer within 1 seconds."}
    assert looked_up == ["silent.example", "hooks.example"]
