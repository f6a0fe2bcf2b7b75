"""The chat inside another site's page, in a real browser: where that site was named, and nowhere else."""

from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from kleanxmpp.testing_directory import MemoryDirectory
from tests.e2e.service import WEBSITE
from tests.e2e.waiting import eventually
from tests.e2e.website.site import Site
from tests.integration.admin_api.desk import SETTINGS, opened

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("named", [True, False], ids=["named", "not named"])
async def test_only_a_site_that_was_named_shows_the_chat_in_a_frame(site: Site, named: bool) -> None:
    said: list[str] = []
    framed = ""

    async def chat_server(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("xmpp",))
        await socket.prepare(request)
        async for frame in socket:
            said.append(frame.data)
        return socket

    async def app_of_others(_request: web.Request) -> web.Response:
        return web.Response(text=f'<iframe src="{framed}" width="800" height="600"></iframe>', content_type="text/html")

    others = web.Application()
    others.router.add_get("/ws", chat_server)
    others.router.add_get("/", app_of_others)
    async with TestServer(others) as server:
        elsewhere = f"http://localhost:{server.port}"  # another site than 127.0.0.1
        settings = replace(
            SETTINGS,
            chat_socket=f"ws://127.0.0.1:{server.port}/ws",
            website_folder=WEBSITE,
            embed_origins=(elsewhere,) if named else (),
        )
        async with opened(MemoryDirectory(), settings=settings) as desk:
            person = await desk.person()
            framed = (await desk.call("POST", f"/users/{person['id']}/chat-sessions")).body["url"]
            page = await site.browser.new_page()
            try:
                await page.goto(elsewhere)
                if not named:
                    assert not [frame for frame in page.frames if frame.url.startswith(framed.partition("#")[0])]
                    assert await page.context.cookies() == []
                    return

                async def opening() -> list[str]:
                    return said

                await eventually(opening, lambda found: bool(found), what="the chat speaks to the server")
                assert "xmpp-framing" in said[0]
                (cookie,) = await page.context.cookies()
                assert (cookie["sameSite"], cookie["partitionKey"]) == ("None", "http://localhost")
            finally:
                await page.close()
