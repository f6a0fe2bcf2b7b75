"""Somebody comes and goes, in a real browser before a real server: added, handed access, off-boarded, proven."""

import pytest
from playwright.async_api import expect

from tests.e2e.website.site import Site
from tests.photos import a_picture

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_somebody_is_added_handed_access_and_offboarded(site: Site) -> None:
    async with site.window() as window:
        page = window.page
        await site.sign_in(window)
        await window.open("/people")
        await window.is_accessible()
        known = str(site.person(0)["display_name"])
        await page.get_by_label("Suche nach Name").press_sequentially(known[:6])
        await expect(page.locator("#told")).to_contain_text("gefunden")
        await expect(page.get_by_role("link", name=known)).to_be_visible()

        await page.get_by_role("button", name="Neue Person").press("Space")
        await page.get_by_label("Name", exact=True).fill("Zora Zeitweilig")
        await page.get_by_label("Standort (optional)").fill("Objekt 12")
        await window.is_accessible()
        await page.get_by_role("button", name="Anlegen").click()
        await expect(page.get_by_text("Jetzt angemeldet")).to_be_visible()
        await window.is_accessible()

        await page.get_by_role("button", name="Foto").click()
        file = {"name": "foto.png", "mimeType": "image/png", "buffer": a_picture(kind="PNG")}
        await page.get_by_label("Bild").set_input_files(file)  # type: ignore[arg-type]  # such a mapping is one, too
        await window.is_accessible()
        await page.get_by_role("button", name="Foto speichern").click()
        face = page.locator("h1").locator("..").locator("img.face")
        assert await face.evaluate("async image => { await image.decode(); return image.naturalWidth; }") == 256

        await page.get_by_role("button", name="Zugang einrichten").click()
        await page.get_by_role("button", name="Link erstellen").click()
        await expect(page.locator("img.qr")).to_be_visible()
        await window.is_accessible()

        await page.get_by_role("link", name="Zurück zur Person").click()
        await page.get_by_role("button", name="Zugang entziehen").click()
        await page.get_by_label("Grund", exact=True).fill("Vertrag endet")
        await page.get_by_role("button", name="Zugang jetzt entziehen").click()
        await expect(page.locator("#verdict")).to_contain_text("Vollständig und nachgewiesen")
        assert await page.locator("#evidence td", has_text=" ms").count() > 9
        await expect(page.locator("#evidence")).not_to_have_attribute("aria-busy", "true")
        await window.is_accessible()
        await window.picture("offboarding")
