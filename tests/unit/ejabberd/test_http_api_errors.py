"""Every way the HTTP API can fail becomes Temporary or Permanent, and says nothing about the arguments."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from ejabberd.api import EjabberdApi, Refused
from kleanxmpp.errors import Permanent, Temporary

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FakeServer:
    """Answers every command with what the test sets."""

    def __init__(self) -> None:
        self.status, self.body = 200, "0"
        self.requests: list[tuple[str, object]] = []
        self.handler: Handler | None = None
        self.at_once = self.most_at_once = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.path, await request.json()))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.handler is not None:
                return await self.handler(request)
            return web.Response(status=self.status, text=self.body, content_type="application/json")
        finally:
            self.at_once -= 1


@pytest.fixture
def fake() -> FakeServer:
    return FakeServer()


@pytest_asyncio.fixture
async def api(fake: FakeServer) -> AsyncIterator[EjabberdApi]:
    app = web.Application()
    app.router.add_post("/api/v0/{command}", fake.handle)
    async with TestServer(app) as server:
        url = str(server.make_url("/api/v0"))
        async with EjabberdApi(url, user="klean-api@firma.example", password="a:b", timeout=0.5, concurrency=4) as api:
            yield api


async def test_a_command_carries_its_arguments_and_the_credential(fake: FakeServer, api: EjabberdApi) -> None:
    seen: list[str | None] = []

    async def look(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.json_response([{"user": "anna", "sessions": 2}])

    fake.handler = look
    assert await api.sessions.kick_users(["anna"], host="firma.example") == {"anna": 2}
    assert fake.requests == [("/api/v0/klean_kick_users", {"host": "firma.example", "users": ["anna"]})]
    assert seen == ["Basic a2xlYW4tYXBpQGZpcm1hLmV4YW1wbGU6YTpi"]


@pytest.mark.parametrize("body", ["1", '"1"', "2", "null", '"error"', "[]", "true", "false"])
async def test_a_200_that_is_not_zero_is_a_failure(fake: FakeServer, api: EjabberdApi, body: str) -> None:
    fake.body = body
    with pytest.raises(Permanent):
        await api.groups.join([("anna", "g")], host="firma.example")


@pytest.mark.parametrize("body", ["0", '"0"'])
async def test_zero_is_success(fake: FakeServer, api: EjabberdApi, body: str) -> None:
    fake.body = body
    await api.groups.join([("anna", "g")], host="firma.example")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
async def test_a_refusal_is_permanent(fake: FakeServer, api: EjabberdApi, status: int) -> None:
    fake.status, fake.body = status, '{"status": "error", "message": "No way, anna-the-argument"}'
    with pytest.raises(Refused) as caught:
        await api.call("kick_user", user="anna-the-argument")
    assert str(caught.value) == f"ejabberd refused kick_user ({status})"
    assert caught.value.reason == "No way, anna-the-argument"


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_trouble_of_the_server_is_temporary(fake: FakeServer, api: EjabberdApi, status: int) -> None:
    fake.status, fake.body = status, '"internal_error"'
    with pytest.raises(Temporary):
        await api.call("kick_user", user="anna")


@pytest.mark.parametrize(
    "body", ["", "<html>", '[{"user"', '{"other": 1}', '["anna"]', '"text"', '[{"user": "anna", "sessions": "x"}]']
)
async def test_an_answer_that_cannot_be_read_is_temporary(fake: FakeServer, api: EjabberdApi, body: str) -> None:
    fake.body = body
    with pytest.raises(Temporary):
        await api.sessions.kick_users(["anna"], host="firma.example")


async def test_silence_is_temporary(fake: FakeServer, api: EjabberdApi) -> None:
    never = asyncio.Event()

    async def hang(request: web.Request) -> web.Response:
        await never.wait()
        return web.Response()

    fake.handler = hang
    with pytest.raises(Temporary):
        await api.call("status")
    never.set()


async def test_nobody_at_home_is_temporary() -> None:
    async with EjabberdApi("http://127.0.0.1:1/api/v0", user="u@h", password="p") as api:
        with pytest.raises(Temporary):
            await api.status()


async def test_commands_at_one_time_are_limited(fake: FakeServer, api: EjabberdApi) -> None:
    arrived = asyncio.Semaphore(0)
    go = asyncio.Event()

    async def wait(request: web.Request) -> web.Response:
        arrived.release()
        await go.wait()
        return web.json_response(0)

    fake.handler = wait
    tasks = [asyncio.create_task(api.call("status")) for _ in range(10)]
    for _ in range(4):
        await arrived.acquire()
    go.set()
    await asyncio.gather(*tasks)
    assert fake.most_at_once == 4


async def test_outside_of_its_context_it_is_a_mistake_of_ours() -> None:
    with pytest.raises(RuntimeError):
        await EjabberdApi("http://127.0.0.1:1", user="u@h", password="p").status()


async def test_rooms_asleep_are_listed_too(fake: FakeServer, api: EjabberdApi) -> None:
    async def both(request: web.Request) -> web.Response:
        awake = request.path.endswith("muc_online_rooms")
        return web.json_response(["a@rooms"] if awake else ["a@rooms", "b@rooms"])

    fake.handler = both
    assert await api.rooms.all(service="rooms") == {"a@rooms", "b@rooms"}


async def test_a_room_that_is_not_there_is_told_apart_from_a_refusal(fake: FakeServer, api: EjabberdApi) -> None:
    fake.status, fake.body = 400, '"The room does not exist."'
    assert await api.rooms.affiliations("r", service="rooms") is None
    fake.status, fake.body = 403, '{"message": "AccessRules"}'
    with pytest.raises(Permanent):
        await api.rooms.affiliations("r", service="rooms")


async def test_displayed_groups_are_read_as_every_version_writes_them(fake: FakeServer, api: EjabberdApi) -> None:
    for joined in ("a\\nb", "a\\n, \\nb", "a, b"):
        fake.body = f'[{{"key": "label", "value": "x, y"}}, {{"key": "displayed_groups", "value": "{joined}"}}]'
        info = await api.groups.info("g", host="h")
        assert info is not None
        assert (info.label, info.display) == ("x, y", {"a", "b"})


async def test_a_version_is_read_as_every_version_writes_it(fake: FakeServer, api: EjabberdApi) -> None:
    fake.body = '"The node x is started. Status: startedejabberd 23.01-1 is running in that node"'
    assert (await api.status()).release == (23, 1)
    fake.body = '"The node x is started. Status: started  ejabberd 24.12-3~bpo12+1 is running in that node"'
    assert (await api.status()).version == "24.12-3~bpo12+1"
