"""Whoever sends slowly, or leaves, does not hold anything up."""

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web

from admin_api.app import create_app, make_runner
from admin_api.routes import OPERATIONS
from kleanxmpp.testing_directory import MemoryDirectory
from tests.integration.admin_api.desk import SETTINGS, Desk, logged, opened


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async with opened(MemoryDirectory(), settings=replace(SETTINGS, body_seconds=0.05)) as desk:
        head = (
            f"POST /api/v1/users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {desk.token}\r\n"
            "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        )
        answer = await _raw(desk.client.host, desk.client.port or 0, head)
    assert answer.startswith("HTTP/1.1 408 ")
    assert "/problems/timeout" in answer


async def test_a_head_that_does_not_come_is_not_waited_for() -> None:
    app = create_app(
        directory=MemoryDirectory(),
        server=None,
        settings=replace(SETTINGS, header_seconds=0.05),
        reconciler=None,
        clock=lambda: datetime.now(UTC),
    )
    runner = make_runner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        assert await _raw(host, port, "GET /healthz HTTP/1.1\r\nHost:") == ""
    finally:
        await runner.cleanup()


async def test_what_is_not_even_http_is_refused_without_being_logged(
    quick_desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for text in (
        "GET /api/v1/users?q=zimmermann" + "x" * 40_000 + " HTTP/1.1\r\nHost: x\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {quick_desk.token}\r\nbroken zimmermann\r\n\r\n",
    ):
        answer = await _raw(quick_desk.client.host, quick_desk.client.port or 0, text)
        assert " 400 Bad Request" in answer.splitlines()[0]
    assert "zimmermann" not in logged(caplog.records)
    assert quick_desk.token not in logged(caplog.records)
    assert [r.__dict__["kind"] for r in caplog.records if r.name == "admin_api.httplog"] == [
        "LineTooLong",
        "BadHttpMessage",
    ]


async def test_a_stop_ends_waiting_requests(quick_desk: Desk) -> None:
    user = await quick_desk.person()
    waiting = asyncio.create_task(
        quick_desk.call("POST", f"/users/{user['id']}/deactivate", headers={"Prefer": "wait=60"})
    )
    await quick_desk.until(f"/users/{user['id']}", lambda answer: not answer.body["active"])
    app = quick_desk.client.app
    assert app is not None
    await app.shutdown()
    answer = await asyncio.wait_for(waiting, 5)
    assert (answer.status, answer.body["state"]) == (202, "running")


async def _raw(host: str, port: int, text: str) -> str:
    """Send what a client would that stops in the middle; return all that comes back until the other side closes."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(text.encode())
        await writer.drain()
        return (await asyncio.wait_for(reader.read(), 10)).decode()
    finally:
        writer.close()
        await writer.wait_closed()


async def test_who_asks_too_fast_is_told_when_to_come_back() -> None:
    async with opened(MemoryDirectory(), settings=replace(SETTINGS, requests_per_second=0.5, requests_burst=3)) as desk:
        other = await desk.token_for("users:read")
        answers = [await desk.call("GET", "/users") for _ in range(4)]
        assert [one.status for one in answers] == [200, 200, 200, 429]
        assert answers[-1].problem == "too-fast"
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 2
        assert (await desk.call("GET", "/users", token=other)).status == 200
        assert (await desk.call("GET", "/healthz", token=None)).status == 200


async def test_wrong_tokens_are_not_looked_up_for_ever() -> None:
    async with opened(MemoryDirectory(), settings=replace(SETTINGS, requests_per_second=100)) as desk:
        assert (await desk.call("GET", "/users")).status == 200
        answers = [await desk.call("GET", "/users", token=f"klean_{number}") for number in range(25)]
        assert [one.status for one in answers] == [401] * 20 + [429] * 5
        assert (await desk.call("GET", "/users")).status == 200, "a token that was right before is let in"


async def test_no_route_takes_a_body_that_is_too_large(quick_desk: Desk) -> None:
    person, group = await quick_desk.person(), await quick_desk.group()
    taking = [one for one in OPERATIONS if one.body is not None and one.signed is None]
    for one in taking:
        path = one.path.replace("{user_id}", person["id"]).replace("{group_id}", group["id"])
        for name in one.path_names:
            path = path.replace(f"{{{name}}}", "4711")
        body = b'{"reason": "' + b"x" * SETTINGS.max_body_bytes + b'"}'
        answer = await quick_desk.call(one.method, path, data=body, headers={"Content-Type": "application/json"})
        assert (answer.status, answer.problem) == (413, "body-too-large"), one.name
    assert len(taking) >= 15
    files = [one for one in OPERATIONS if one.takes_upload]
    assert files
    for one in files:
        form = aiohttp.FormData()
        form.add_field("file", b"x" * SETTINGS.max_body_bytes + b"x", filename="people.csv")
        for sent in (
            {"data": b"x" * SETTINGS.max_body_bytes + b"x", "headers": {"Content-Type": "text/csv"}},
            {"data": form},
        ):
            answer = await quick_desk.call(one.method, one.path, **sent)
            assert (answer.status, answer.problem) == (413, "body-too-large"), one.name
