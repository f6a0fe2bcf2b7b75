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

PICTURE = a_picture(kind="PNG", size=(360, 240), colours=((176, 190, 197), (84, 110, 122)))
GREETING = "Guten Morgen zusammen"
_STORED = "async () => JSON.stringify([{...localStorage}, {...sessionStorage}, await indexedDB.databases()])"
_NOTHING = [{}, {}, []]
_SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => { for (const { value } of list.getEntries()) window.shifted += value; })
  .observe({ type: "layout-shift", buffered: true });
"""


async def call(site: Site, path: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
    """Send a request to the API as the company's administrator."""
    sent = {"Authorization": f"Bearer {site.facts['admin_token']}", **headers}
    url = f"{site.origin}/api/v1{path}"
    async with aiohttp.ClientSession() as http, http.post(url, json=body, headers=sent) as answer:
        assert answer.status in {200, 201}, await answer.text()
        return await answer.json()


async def newcomer(site: Site, name: str, *, locale: str = "de") -> dict[str, Any]:
    return dict(await call(site, "/users", {"display_name": name, "locale": locale}))


async def group_of(site: Site, name: str, *people: dict[str, Any]) -> dict[str, Any]:
    """Make a group of these people."""
    made = dict(await call(site, "/groups", {"name": name}))
    await put(site, f"/groups/{made['id']}/members", {"members": [{"user_id": one["id"]} for one in people]})
    return made


@asynccontextmanager
async def chat(
    site: Site, user: dict[str, Any], secrets: list[str], *, script: str = "", asked: str = "", **look: Any
) -> AsyncIterator[Window]:
    """Open the chat for a person, as another system does, and note each credential that the page gets.

    `script` runs in the page before all else; `asked` is what stands behind the code in the address.
    """
    async with site.window(**look) as window:
        await window.context.add_init_script(_SHIFTS + script)

        async def note(answer: Response) -> None:
            if answer.url.endswith("/chat/credential") and answer.ok:
                secrets.append((await answer.json())["password"])

        window.page.on("response", note)
        made = await call(site, f"/users/{user['id']}/chat-sessions")
        code = made["url"].partition("#")[2]
        assert code
        await window.open(f"/chat#{code}{asked}")
        await window.page.locator("body.is-whole").wait_for(state="attached")
        await window.page.get_by_role("heading", name=user["display_name"]).wait_for(state="attached")
        assert await window.page.evaluate("() => window.shifted") < 0.1, "nothing jumps while it opens"
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
    await group_of(site, "Treppenhaus West", anna, bert)
    secrets: list[str] = []
    async with (
        chat(site, anna, secrets) as one,
        chat(site, bert, secrets, width=360, height=740, dark=True) as two,
        chat(site, carl, secrets) as third,
    ):
        await two.page.locator("a.open-room").filter(has_text="Treppenhaus West").wait_for()
        assert await two.page.locator("converse-muc").count() == 0, "a phone opens with the list"
        await two.is_accessible()
        await two.picture("chat-phone-list")
        await one.page.get_by_text("Wählen Sie links eine Gruppe").wait_for()
        await enter(one, "Treppenhaus West")
        await enter(two, "Treppenhaus West")
        await say(one, GREETING)
        form = one.page.locator("converse-muc-message-form input.fileupload")
        await form.set_input_files({"name": "treppe.png", "mimeType": "image/png", "buffer": PICTURE})
        await two.page.get_by_text(GREETING).wait_for()
        picture = two.page.locator("converse-chat-message img[src*='/files/']")
        await picture.wait_for()
        assert await picture.evaluate("async image => { await image.decode(); return image.naturalWidth; }") == 360
        await one.picture("chat")
        await two.picture("chat-phone")
        await two.is_accessible()
        for window in (one, two):
            await window.page.get_by_role("button", name="Wer ist hier?").click()
            await window.page.locator(".occupant").first.wait_for()
            await window.is_accessible()
            await window.page.get_by_role("button", name="Wer ist hier?").click()
            await window.page.get_by_role("button", name="Emojis einfügen").click()
            await window.page.locator(".insert-emoji").first.wait_for()
            await window.page.get_by_placeholder("Suchen").press_sequentially("heart_eyes")  # axe needs long for all
            await window.page.locator(".emojis-lists__container--search .insert-emoji").first.wait_for()
            await window.is_accessible()
            await window.page.keyboard.press("Escape")
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
