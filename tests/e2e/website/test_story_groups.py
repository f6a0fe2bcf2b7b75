"""A group from its name to a room that is usable, in a real browser with scripts, on a real server."""

import re

import pytest
from playwright.async_api import expect

from tests.e2e.website.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_group_is_made_filled_and_usable_without_a_reload(site: Site) -> None:
    person = site.person(0)
    async with site.window(width=360) as window:
        await site.sign_in(window)
        page = window.page
        await window.open("/groups/new")
        await page.get_by_label("Name").fill("Objekt Hafen")
        await page.get_by_role("button", name="Gruppe anlegen und Personen hinzufügen").click()
        await page.wait_for_url("**/circle")
        await page.get_by_label("Name, Benutzername oder E-Mail-Adresse").press_sequentially(person["username"][:6])
        await page.get_by_role("button", name=f"Hinzufügen: {person['display_name']}").click()
        await expect(page.get_by_text("Noch nicht gespeichert: dazu 1, heraus 0")).to_be_visible()
        await window.is_accessible()
        await page.get_by_role("button", name="Ansehen, was sich ändert").click()
        await expect(page.get_by_role("heading", name="1 Person kommt dazu")).to_be_visible()
        await window.is_accessible()
        await page.get_by_role("button", name="Speichern").click()
        await expect(page.get_by_text("Der Raum ist benutzbar")).to_be_visible()
        await expect(page.get_by_role("cell", name=re.compile(person["display_name"]))).to_be_visible()
        await window.is_accessible()
        await window.open("/groups")
        await page.get_by_label("Gruppe suchen").press_sequentially("hafen")
        await expect(page.get_by_text("1 Gruppe", exact=True)).to_be_visible()
        await window.is_accessible()
