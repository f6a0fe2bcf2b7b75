"""A day of an administrator and three people, in real browsers, from an empty group to a leaver's tab."""

import re

import pytest
from playwright.async_api import expect

from tests.e2e.website.site import Site, Window
from tests.e2e.website.test_chat_live import PICTURE, enter, is_over, say

pytestmark = pytest.mark.asyncio(loop_scope="session")

GROUP, GREETING = "Winterdienst Süd", "Um fünf wird gestreut"


async def make_group(window: Window, *names: str) -> None:
    """Make a group as people do: name it, paste who is in it, look, save, and wait until the page says it is there."""
    page = window.page
    await window.open("/groups/new")
    await page.get_by_label("Name").fill(GROUP)
    await page.get_by_role("button", name="Gruppe anlegen und Personen hinzufügen").click()
    await page.wait_for_url("**/circle")
    await page.locator("summary", has_text="Liste").click()
    await page.locator("textarea[name=pasted]").fill("\n".join(names))
    await page.locator("button[value=paste]").click()
    await expect(page.get_by_text(f"Noch nicht gespeichert: dazu {len(names)}, heraus 0")).to_be_visible()
    await page.get_by_role("button", name="Ansehen, was sich ändert").click()
    await page.get_by_role("button", name="Speichern").click()
    await expect(page.get_by_text("Der Raum ist benutzbar")).to_be_visible()


async def hand_over(window: Window, user_id: str) -> str:
    """Set up access on the person's page, and return the link that stands on the paper."""
    await window.open(f"/people/{user_id}")
    await window.page.get_by_role("button", name="Zugang einrichten").click()
    await window.page.get_by_role("button", name="Link erstellen").click()
    return (await window.page.locator("#link").inner_text()).strip()


async def join(window: Window, link: str, *, start: str, chat: str) -> None:
    """Open the link that somebody was handed, and chat in this browser."""
    await window.page.goto(link)
    await window.page.get_by_role("button", name=start).click()
    await window.page.get_by_role("button", name=chat).click()
    await window.page.wait_for_url("**/chat")


async def test_a_group_is_made_two_people_chat_and_one_is_let_go(site: Site) -> None:
    one, two, three = site.person(2), site.person(3), site.person(4)
    async with (
        site.window() as admin,
        site.window() as here,
        site.window(language="en-GB", dark=True) as there,
        site.window() as outside,
    ):
        await site.sign_in(admin)
        await make_group(admin, one["display_name"], two["display_name"])
        links = [await hand_over(admin, person["id"]) for person in (one, two, three)]
        await join(here, links[0], start="Los geht", chat="Hier im Browser chatten")
        await join(there, links[1], start="Start", chat="Chat here in the browser")
        await join(outside, links[2], start="Los geht", chat="Hier im Browser chatten")

        await enter(there, GROUP)
        await enter(here, GROUP)
        await say(here, GREETING)
        upload = here.page.locator("converse-muc-message-form input.fileupload")
        await upload.set_input_files({"name": "streuplan.png", "mimeType": "image/png", "buffer": PICTURE})
        await there.page.get_by_text(GREETING).wait_for()
        await there.page.locator("converse-chat-message img[src*='/files/']").wait_for()
        await outside.page.get_by_role("heading", name=three["display_name"]).wait_for(state="attached")
        assert await outside.page.get_by_text(GROUP).count() == 0

        there.expected.append(is_over)
        page = admin.page
        await admin.open(f"/people/{two['id']}")
        await (
            page.get_by_role("link", name="Zugang entziehen")
            .or_(page.get_by_role("button", name="Zugang entziehen"))
            .click()
        )
        await page.get_by_label("Grund", exact=True).fill("Vertrag endet")
        await page.get_by_role("button", name="Zugang jetzt entziehen").click()
        await there.page.get_by_role("heading", name="Your access to the chat has ended").wait_for()
        assert GREETING not in await there.page.content()
        await expect(page.locator("#verdict")).to_contain_text("Vollständig und nachgewiesen")
        await expect(page.locator("#evidence")).to_contain_text(re.compile(r"\d ms"))
        await admin.is_accessible()
        there.expected.append(lambda text: "404" in text)
        await there.page.goto(links[1])
        await expect(there.page.locator("main")).to_contain_text("not valid any more")
        await admin.open("/")
        await admin.is_accessible()
        for path in ("/audit", "/server"):
            await admin.open(path)
            await admin.is_accessible()
        await page.get_by_role("button", name="Abmelden").click()
        await page.wait_for_url("**/sign-in")
        await admin.is_accessible()
