"""The chat in real browsers on a real ejabberd: two people and a photo, a third without it, and a leaver's tab."""

import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Locator, Response

from tests.e2e.website.site import Site, Window
from tests.photos import a_picture

pytestmark = pytest.mark.asyncio(loop_scope="session")

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNkYPhfz0AEYBxVSF+FAAhKDveksOjmAAAAAElFTkSuQmCC"
)
GREETING = "Guten Morgen zusammen"
_STORED = "async () => JSON.stringify([{...localStorage}, {...sessionStorage}, await indexedDB.databases()])"
_NOTHING = [{}, {}, []]


async def call(site: Site, path: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
    """Send a request to the API as the company's administrator."""
    sent = {"Authorization": f"Bearer {site.facts['admin_token']}", **headers}
    url = f"{site.origin}/api/v1{path}"
    async with aiohttp.ClientSession() as http, http.post(url, json=body, headers=sent) as answer:
        assert answer.status in {200, 201}, await answer.text()
        return await answer.json()


async def newcomer(site: Site, name: str) -> dict[str, Any]:
    return dict(await call(site, "/users", {"display_name": name, "locale": "de"}))


@asynccontextmanager
async def chat(site: Site, user: dict[str, Any], secrets: list[str], **look: Any) -> AsyncIterator[Window]:
    """Open the chat for a person, as another system does, and note each credential that the page gets."""
    async with site.window(**look) as window:

        async def note(answer: Response) -> None:
            if answer.url.endswith("/chat/credential") and answer.ok:
                secrets.append((await answer.json())["password"])

        window.page.on("response", note)
        made = await call(site, f"/users/{user['id']}/chat-sessions")
        code = made["url"].partition("#")[2]
        assert code
        await window.open(f"/chat#{code}")
        await window.page.get_by_role("heading", name=user["display_name"]).wait_for(state="attached")
        assert window.page.url == f"{site.origin}/chat", "the code is gone from the address"
        yield window


async def enter(window: Window, group: str) -> None:
    await window.page.locator("a.open-room").filter(has_text=group).click()
    await window.page.locator("converse-muc-message-form textarea").wait_for()


async def say(window: Window, text: str) -> None:
    await window.page.locator("converse-muc-message-form textarea").fill(text)
    await window.page.keyboard.press("Enter")


async def stored(window: Window) -> str:
    return str(await window.page.evaluate(_STORED))


async def test_two_people_chat_with_a_photo_and_a_leaver_sees_nothing_more(site: Site) -> None:
    anna, bert, carl = [await newcomer(site, name) for name in ("Anna Berg", "Bert Alt", "Carl Neu")]
    group = await call(site, "/groups", {"name": "Treppenhaus West"})
    members = [{"user_id": anna["id"]}, {"user_id": bert["id"]}]
    await put(site, f"/groups/{group['id']}/members", {"members": members})
    secrets: list[str] = []
    async with (
        chat(site, anna, secrets) as one,
        chat(site, bert, secrets, width=360, height=740, dark=True) as two,
        chat(site, carl, secrets) as third,
    ):
        await enter(one, "Treppenhaus West")
        await say(one, GREETING)
        form = one.page.locator("converse-muc-message-form input.fileupload")
        await form.set_input_files({"name": "treppe.png", "mimeType": "image/png", "buffer": PICTURE})
        await two.page.get_by_text(GREETING).wait_for()
        picture = two.page.locator("converse-chat-message img[src*='/files/']")
        await picture.wait_for()
        assert await picture.evaluate("async image => { await image.decode(); return image.naturalWidth; }") == 10
        await one.picture("chat")
        await two.picture("chat-phone")
        assert await third.page.get_by_text("Treppenhaus West").count() == 0
        assert GREETING not in await stored(third)
        assert len(secrets) >= 3
        for window in (one, two, third):
            kept = await stored(window)
            assert not [secret for secret in secrets if secret in kept]
            assert json.loads(kept)[0] == {} and json.loads(kept)[2] == [], "what there is goes with the tab"

        two.expected.append(is_over)
        found = await call(site, f"/users/{bert['id']}/deactivate", {"reason": "Ende"}, Prefer="wait=10")
        assert found["complete"] is True
        await two.page.get_by_role("heading", name="Ihr Zugang zum Chat ist beendet").wait_for()
        await two.page.wait_for_url("**/chat/ended")
        assert GREETING not in await two.page.content()
        assert json.loads(await stored(two)) == _NOTHING
        await two.is_accessible()
        await two.picture("chat-ended")

        one.expected.append(is_over)
        await sign_out(one)
        await one.page.wait_for_url("**/chat/ended")
        assert json.loads(await stored(one)) == _NOTHING
        await one.open("/chat")
        await one.page.get_by_text("Sie sind hier nicht angemeldet").wait_for()


def is_over(text: str) -> bool:
    """Whether Converse says what it says when its stream is taken away."""
    return bool(re.search("policy-violation|401|Websocket closed unexpectedly", text))


async def sign_out(window: Window) -> None:
    """Sign out as people do: with the button below the list."""
    await window.page.get_by_role("button", name="Abmelden").click()
    await window.page.get_by_role("button", name="Bestätigen").click()


async def put(site: Site, path: str, body: dict[str, Any]) -> None:
    sent = {"Authorization": f"Bearer {site.facts['admin_token']}"}
    url = f"{site.origin}/api/v1{path}"
    async with aiohttp.ClientSession() as http, http.put(url, json=body, headers=sent) as answer:
        assert answer.status == 200, await answer.text()


async def give_photo(site: Site, user: dict[str, Any]) -> str:
    """Give somebody a photo, and return the address under which Converse shows it: the picture itself."""
    sent = {"Authorization": f"Bearer {site.facts['admin_token']}", "Content-Type": "image/jpeg"}
    url = f"{site.origin}/api/v1/users/{user['id']}/photo"
    async with aiohttp.ClientSession(headers=sent) as http:
        async with http.put(url, data=a_picture()) as answer:
            assert answer.status == 200, await answer.text()
        async with http.get(url) as answer:
            return f"data:image/jpeg;base64,{base64.b64encode(await answer.read()).decode()}"


async def shows(part: Locator, photo: str) -> None:
    """Wait until the person is shown with exactly this photo."""
    image = part.locator("svg.avatar image").first
    await image.wait_for()
    assert await image.get_attribute("href") == photo


async def test_two_people_talk_one_to_one_and_see_their_photos_and_what_arrived(site: Site) -> None:
    dora, emil = [await newcomer(site, name) for name in ("Dora Klee", "Emil Rau")]
    photo = await give_photo(site, emil)
    group = await call(site, "/groups", {"name": "Treppenhaus Ost"})
    await put(site, f"/groups/{group['id']}/members", {"members": [{"user_id": dora["id"]}, {"user_id": emil["id"]}]})
    async with chat(site, dora, []) as one, chat(site, emil, []) as two:
        await shows(one.page.locator("a.open-chat").filter(has_text="Emil Rau"), photo)
        for window in (one, two):
            await enter(window, "Treppenhaus Ost")
        await say(two, GREETING)
        await shows(one.page.locator("converse-chat-message").filter(has_text=GREETING), photo)
        for window, colleague in ((one, emil), (two, dora)):
            await window.page.locator("a.open-chat").filter(has_text=colleague["display_name"]).click()
            await window.page.locator("converse-chat converse-message-form textarea").wait_for()
        await one.page.locator("converse-chat converse-message-form textarea").fill("Nur für dich")
        await one.page.keyboard.press("Enter")
        await two.page.locator("converse-chat").get_by_text("Nur für dich").wait_for()
        await one.page.locator("converse-chat .chat-msg__receipt").wait_for(state="attached")
