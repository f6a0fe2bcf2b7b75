"""An administrator's day without a mouse, on the running demo: Tab, Enter, Space and letters, and nothing else."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.e2e.website.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")

GROUP = "Fensterreihe Nord"


class Keys:
    """Somebody's hands on the keyboard."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def to(self, target: Locator) -> None:
        """Press Tab until the focus is there."""
        await target.wait_for()
        for _ in range(150):
            if await target.evaluate("one => one === document.activeElement"):
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {target}")

    async def press(self, name: str | re.Pattern[str], *, role: str = "button", key: str = "Enter") -> None:
        """Go to a button or link, and press it."""
        await self.to(self.page.get_by_role(role, name=name, exact=True))  # type: ignore[arg-type]
        await self.page.keyboard.press(key)

    async def write(self, label: str, text: str) -> None:
        await self.to(self.page.get_by_label(label, exact=True))
        await self.page.keyboard.type(text)

    async def menu(self, name: str) -> None:
        await self.to(self.page.get_by_role("navigation").get_by_role("link", name=name))
        await self.page.keyboard.press("Enter")
        await expect(self.page.get_by_role("heading", level=1, name=name)).to_be_visible()

    async def person(self, name: str) -> None:
        """Find somebody, and open their page."""
        await self.menu("Personen")
        await self.write("Suche nach Name, Benutzername oder E-Mail-Adresse", name)
        await expect(self.page.locator("#told")).to_contain_text("gefunden")
        await self.press(name, role="link")
        await expect(self.page.get_by_role("heading", level=1)).to_contain_text(name)


async def test_an_administrator_works_without_a_mouse(site: Site) -> None:
    one, two, leaver = (str(site.person(number)["display_name"]) for number in (6, 7, 8))
    async with site.window() as window:
        page, keys = window.page, Keys(window.page)
        await window.open(await site.link())
        await keys.press("Jetzt anmelden")
        await page.wait_for_url(f"{site.origin}/")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Zum Inhalt springen")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("main")).to_be_focused()
        await window.open("/")

        await keys.person(one)
        await keys.press("Zugang einrichten", key="Space")
        await keys.press("Link erstellen")
        await expect(page.locator("#link")).to_contain_text("/join/")

        await keys.menu("Gruppen")
        await keys.press("Neue Gruppe", key="Space")
        await keys.write("Name", GROUP)
        await keys.press("Gruppe anlegen und Personen hinzufügen")
        for name in (one, two):
            search = page.get_by_label("Name, Benutzername oder E-Mail-Adresse", exact=True)
            await keys.to(search)
            await page.keyboard.press("Control+A")
            await page.keyboard.type(name)
            await keys.press(f"Hinzufügen: {name}", key="Space")
            await expect(page.get_by_role("button", name=f"Herausnehmen: {name}")).to_be_focused()
        await keys.press("Ansehen, was sich ändert")
        await expect(page.get_by_role("heading", name="2 Personen kommen dazu")).to_be_visible()
        await keys.press("Speichern")
        await expect(page.get_by_text("Der Raum ist benutzbar")).to_be_visible()

        await keys.person(leaver)
        await keys.press("Zugang entziehen")
        await keys.write("Grund", "Vertrag endet")
        await page.keyboard.press("Enter")
        await expect(page.locator("#verdict")).to_contain_text("Vollständig und nachgewiesen")
        await keys.to(
            page.get_by_role("button", name="Als PDF drucken").or_(page.get_by_role("link", name="Als PDF drucken"))
        )
