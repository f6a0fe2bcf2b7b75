"""Real Chromium before the running demo. Every window watches: no other host is asked, and nothing breaks the policy.

A window that saw an error of the page, a request to elsewhere, or a violation of the content security policy fails the
test when it is closed.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.async_playwright import Axe
from PIL import Image
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright

from kleanxmpp import one_time_links, staff_roles
from kleanxmpp.model import Company
from kleanxmpp.ports import Directory
from kleanxmpp.website_ports import StaffRole

CHROMIUM = "/usr/bin/chromium"
_SWITCHES = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
PICTURES = Path(os.environ.get("KLEANXMPP_PICTURES", "var/test/pictures"))
"""Where pictures of the pages go; docs/website.md shows them."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start Debian's Chromium without a screen."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(_SWITCHES))
        try:
            yield browser
        finally:
            await browser.close()


@dataclass(kw_only=True)
class Window:
    """One window of one person's browser. Without slots: Playwright marks whoever listens to it.

    `others`: origins that may be asked besides our own, because the person goes there.
    """

    page: Page
    context: BrowserContext
    origin: str
    others: tuple[str, ...] = ()
    faults: list[str] = field(default_factory=list)
    expected: list[Callable[[str], bool]] = field(default_factory=list)

    def watch(self) -> None:
        """Note what must not happen, in this page and in all that it opens."""
        self.context.on("request", self._asked)
        self.context.on("console", self._said)
        self.context.on("weberror", lambda error: self.faults.append(f"error: {error.error}"))

    async def open(self, path: str) -> None:
        await self.page.goto(f"{self.origin}{path}")

    async def is_accessible(self) -> None:
        """Fail for a violation of WCAG 2.2 AA that a program can find."""
        found = (await Axe().run(self.page, options=_RULES)).response["violations"]
        told = [(one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found]
        assert not told, f"{self.page.url}: {told}"

    async def picture(self, name: str) -> None:
        """Keep a picture of the page, small enough for the documentation."""
        taken = await self.page.screenshot(animations="disabled")
        await asyncio.to_thread(_keep, taken, PICTURES / f"{name}.png")

    def _asked(self, request: Request) -> None:
        known = tuple(f"{origin}/" for origin in (self.origin, *self.others))
        if urlsplit(request.url).scheme not in {"data", "blob"} and not request.url.startswith(known):
            self.faults.append(f"asked {request.url}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(holds(message.text) for holds in self.expected):
            self.faults.append(f"console: {message.text}")


def _keep(picture: bytes, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.open(BytesIO(picture)).convert("RGB").quantize(64, dither=Image.Dither.NONE).save(file, optimize=True)


@dataclass(slots=True, kw_only=True)
class Site:
    """The demo's website, and its directory for links that only a shell makes. `facts`: what the demo wrote."""

    browser: Browser
    facts: Mapping[str, Any]
    directory: Directory
    company: Company

    @property
    def origin(self) -> str:
        return str(self.facts["api_url"])

    @asynccontextmanager
    async def window(
        self, *, language: str = "de-DE", dark: bool = False, width: int = 1280, height: int = 900
    ) -> AsyncIterator[Window]:
        """Open a window of a browser that nobody is signed in at; fail for what it noted, when it is closed."""
        context = await self.browser.new_context(
            locale=language,
            color_scheme="dark" if dark else "light",
            viewport={"width": width, "height": height},
            reduced_motion="reduce",
        )
        context.set_default_timeout(15_000)
        window = Window(page=await context.new_page(), context=context, origin=self.origin)
        window.watch()
        try:
            yield window
        finally:
            await context.close()
        assert window.faults == [], window.faults

    async def link(self, *roles: StaffRole, user_id: str | None = None) -> str:
        """Return the path of a link that signs in once: a person, who gets these roles, or whoever holds it."""
        now = datetime.now(UTC)
        if user_id is not None:
            await staff_roles.give(self.directory, self.company, user_id, roles=frozenset(roles), actor="test", now=now)
        _, code = await one_time_links.make_sign_in(
            self.directory,
            self.company,
            user_id=user_id,
            roles=frozenset() if user_id else frozenset(roles or [StaffRole.ADMIN]),
            actor="test",
            now=now,
        )
        return f"/sign-in/{code}"

    async def sign_in(self, window: Window, *roles: StaffRole, user_id: str | None = None) -> None:
        """Sign in at this window with a link."""
        await window.open(await self.link(*roles, user_id=user_id))
        await window.page.locator("main form button").click()
        await window.page.wait_for_url(f"{self.origin}/")

    def person(self, number: int) -> Mapping[str, Any]:
        """Return one of the demo's people, as they stand in its file."""
        found: Mapping[str, Any] = self.facts["users"][number]
        return found
