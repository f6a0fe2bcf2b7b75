"""What people expect of a chat in real browsers: it says what is new and what was read, and needs no mouse."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import FileChooser, Locator, Page, expect

from tests.e2e.website.site import Site, Window
from tests.e2e.website.test_chat_live import (
    PICTURE,
    chat,
    enter,
    give_photo,
    group_of,
    is_over,
    newcomer,
    say,
    shows,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

_LOOKS_AWAY = """
const Real = window.Notification;
let given = false;
window.told = { asked: 0, shown: [] };
window.Notification = class extends Real {
  constructor(title, options) {
    super(title, options);
    if (given) window.told.shown.push({ title, ...options });
  }
  static get permission() { return given ? Real.permission : "default"; }
  static requestPermission() { given = true; window.told.asked += 1; return Real.requestPermission(); }
};
window.looksAway = false;
Object.defineProperty(document, "hidden", { get: () => window.looksAway });
"""
_STOP = """() => {
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  const seen = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  const { textContent, title, ariaLabel, placeholder, tagName } = document.activeElement;
  return [tagName === "BODY" ? "" : [textContent, title, ariaLabel, placeholder].join(" "), seen];
}"""


async def told(window: Window) -> Any:
    return await window.page.evaluate("() => window.told")


async def look_away(window: Window, away: bool) -> None:
    await window.page.evaluate(
        "away => { window.looksAway = away; document.dispatchEvent(new Event('visibilitychange')); }", away
    )


def colleague(window: Window, name: str) -> Locator:
    return window.page.locator("a.open-chat").filter(has_text=name)


async def write(window: Window, text: str) -> None:
    await window.page.locator("converse-chat .chat-textarea").fill(text)
    await window.page.keyboard.press("Enter")


async def test_what_is_new_is_counted_and_told_without_its_text_and_the_sender_sees_what_was_read(site: Site) -> None:
    dora, emil = await newcomer(site, "Dora Klee", locale="en"), await newcomer(site, "Emil Rau")
    photo = await give_photo(site, emil)
    east = await group_of(site, "Treppenhaus Ost", dora, emil)
    async with (
        chat(site, dora, [], width=360, height=740) as one,
        chat(site, emil, [], script=_LOOKS_AWAY, asked=f"&room={east['slug']}", dark=True) as two,
    ):
        await two.context.grant_permissions(["notifications"], origin=two.origin)
        await two.page.locator("converse-muc-message-form .chat-textarea").wait_for()
        assert await told(two) == {"asked": 0, "shown": []}, "nobody is asked before they want it"
        await two.page.get_by_role("button", name="Neue Nachrichten melden").click()
        await two.page.get_by_text("Sie bekommen Bescheid").wait_for()
        await look_away(two, True)

        await shows(colleague(one, "Emil Rau"), photo)
        await colleague(one, "Emil Rau").click()
        await write(one, "Nur für dich")
        await expect(colleague(two, "Dora Klee").locator(".msgs-indicator").first).to_have_text("1")
        await expect(two.page).to_have_title(f"(1) Chat · {site.company.name}")
        assert (await told(two))["asked"] == 1
        (notice,) = (await told(two))["shown"]
        assert (notice["title"], notice["body"]) == ("Dora Klee", "Neue Nachricht")
        await one.page.locator("converse-chat .chat-msg__receipt").wait_for(state="attached")
        assert await one.page.get_by_text("Read", exact=True).count() == 0, "it arrived, and nobody looked"

        await look_away(two, False)
        await colleague(two, "Dora Klee").first.click()
        await one.page.get_by_text("Read", exact=True).wait_for()
        await expect(two.page.locator(".msgs-indicator")).to_have_count(0)
        await write(two, "Danke dir")
        await one.page.locator("converse-chat").get_by_text("Danke dir").wait_for()
        for window in (one, two):
            await window.is_accessible()

        await one.page.get_by_role("button", name="Back to the list").click()
        await enter(one, "Treppenhaus Ost")
        await look_away(two, True)
        await say(one, "Der Schlüssel ist da")
        await expect(two.page.locator("a.open-room .msgs-indicator")).to_have_text("1")
        notice = (await told(two))["shown"][-1]
        assert (notice["title"], notice["body"]) == ("Dora Klee", "Neue Nachricht in Treppenhaus Ost")
        assert "Schlüssel" not in str(await told(two)) and "Nur für dich" not in str(await told(two))
        await look_away(two, False)
        await enter(two, "Treppenhaus Ost")
        await two.page.locator("converse-muc").get_by_text("Der Schlüssel ist da").wait_for()
        await expect(two.page.locator(".msgs-indicator")).to_have_count(0)
        await say(two, "Danke, ich hole ihn")
        await shows(one.page.locator("converse-chat-message").filter(has_text="ich hole ihn"), photo)
        await one.is_accessible()


async def reach(page: Page, name: str, *, key: str = "Tab") -> None:
    """Press the key until what has this name has the focus, and shows it."""
    for _ in range(25):
        await page.keyboard.press(key)
        found, seen = await page.evaluate(_STOP)
        if name in found:
            assert seen, f"{name} does not show that it has the focus"
            return
    raise AssertionError(f"{key} does not reach {name}")


async def test_the_chat_needs_nothing_but_a_keyboard_and_signing_out_empties_other_tabs(site: Site) -> None:
    finn, gesa = await newcomer(site, "Finn Ode"), await newcomer(site, "Gesa Uhl")
    await group_of(site, "Treppenhaus Nord", finn, gesa)
    async with chat(site, finn, [], width=360, height=740) as window:
        page, press = window.page, window.page.keyboard.press
        asked: asyncio.Future[FileChooser] = asyncio.get_running_loop().create_future()
        page.once(
            "filechooser", lambda chooser: asked.set_result(chooser)
        )  # so early that the browser hears of it before it is asked
        await reach(page, "Treppenhaus Nord")
        await press("Enter")
        await page.locator("converse-muc .chat-textarea:focus").wait_for()
        await page.keyboard.type("Ohne Maus")
        await press("Enter")
        await page.locator(".chat-msg__body--received").filter(has_text="Ohne Maus").wait_for()
        await expect(page.locator("converse-muc .chat-textarea:focus")).to_have_value("")
        await reach(page, "Datei versenden", key="Shift+Tab")
        await press("Enter")
        await (await asyncio.wait_for(asked, 15)).set_files(
            {"name": "hof.png", "mimeType": "image/png", "buffer": PICTURE}
        )
        await page.get_by_role("img", name="Foto").wait_for()
        await reach(page, "Emojis einfügen", key="Shift+Tab")
        await press("Enter")
        await page.locator(".emoji-search:focus").wait_for()
        await press("Escape")
        await expect(page.locator(".dropdown-menu.show")).to_have_count(0)
        await page.locator("converse-muc .chat-textarea:focus").wait_for()

        await page.reload()
        await page.locator("converse-muc .chat-textarea").wait_for()
        await page.get_by_text("Ohne Maus").wait_for()
        await reach(page, "Zurück zur Liste")
        await press("Enter")
        await page.locator("#controlbox a.open-room:focus").wait_for()
        await reach(page, "Gesa Uhl")
        await press("Enter")
        await page.locator("converse-chat .chat-textarea:focus").wait_for()
        await page.go_back()
        await page.locator("#controlbox").get_by_text("Gesa Uhl").wait_for()
        assert await page.locator("converse-chat").count() == 0

        other = await window.context.new_page()
        await other.goto(f"{window.origin}/chat")
        await enter(Window(page=other, context=window.context, origin=window.origin), "Treppenhaus Nord")
        await other.get_by_text("Ohne Maus").wait_for()
        window.expected.append(is_over)
        await reach(page, "Abmelden")
        await press("Enter")
        await page.get_by_role("button", name="Bestätigen").wait_for()
        await window.is_accessible()
        await reach(page, "Bestätigen")
        await press("Enter")
        for tab in (page, other):
            await tab.wait_for_url("**/chat/ended", timeout=5_000)
            assert "Ohne Maus" not in await tab.content()
            assert await tab.evaluate("() => sessionStorage.length") == 0
