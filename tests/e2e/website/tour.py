"""Going to a page as somebody who may see it, and what stands there then."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from playwright.async_api import Page as Tab
from playwright.async_api import Response

from admin_api.website.rendering import Pages
from kleanxmpp.website_ports import StaffRole
from tests.e2e.website.rounds import Eye, Light
from tests.e2e.website.site import Site, Window
from tests.e2e.website.town import Town

SIGNED_IN = {"link", "empty", "passing"}
ROLES = {"admin": StaffRole.ADMIN, "auditor": StaffRole.AUDITOR, "lead": StaffRole.GROUP_LEAD}


@dataclass(frozen=True, slots=True)
class Page:
    """A page, or a state of one that looks different. `name`: of its picture.

    `who` sees it: somebody with a role, "link" (signed in by a link from the shell), "empty" (the same at the company
    that has nothing yet), "passing" (whose session ends there), or anybody else: a browser that nobody is signed in at.
    `pictured` None: in the documentation as the first of its kind.
    """

    name: str
    route: str
    template: str
    reach: Callable[["Tour"], Awaitable[None]]
    who: str = "admin"
    status: int = 200
    pictured: bool | None = None


@dataclass(slots=True, kw_only=True)
class Tour:
    """A round through pages in one language, in one window. People sign in when they are needed first."""

    town: Town
    site: Site
    eye: Eye
    rendered: list[str]
    who: str = ""
    status: int = 0
    cookies: dict[str, list[Any]] = field(default_factory=dict)

    @property
    def tab(self) -> Tab:
        return self.eye.tab

    @property
    def window(self) -> Window:
        return self.eye.window

    @property
    def light(self) -> Light:
        return self.eye.light

    @property
    def _me(self) -> str:
        return f"{self.who} {self.light.language}"

    async def visit(self, page: Page) -> None:
        """Go there, and look."""
        if page.who != self.who:
            await self._become(page.who)
        self.window.expected[:] = [lambda text: page.status >= 400 and f"status of {page.status}" in text]
        self.rendered.clear()
        self.window.faults.clear()
        await page.reach(self)
        assert self.status == page.status, f"{page.name}: {self.status} at {self.tab.url}"
        assert page.template in self.rendered, f"{page.name}: {self.rendered} at {self.tab.url}"
        await self.eye.look(page.route, page.template)
        assert self.window.faults == [], f"{page.name}: {self.window.faults}"

    async def go(self, path: str) -> None:
        """Open a path, in which what the town knows is filled in."""
        response = await self.tab.goto(
            self.site.origin + path.format(**self.town.known, me=self.town.known.get(self._me, ""))
        )
        assert response is not None
        self.status = response.status

    async def press(self, button: str) -> None:
        """Press what leads to another page."""
        async with self.tab.expect_navigation() as leading:
            await self.tab.locator(button).click()
        response: Response | None = await leading.value
        assert response is not None
        self.status = response.status

    async def lose_session(self) -> None:
        """Forget who is signed in, and leave the page as it is."""
        await self.window.context.clear_cookies()
        self.cookies.pop(self.who, None)
        self.who = ""

    async def _become(self, who: str) -> None:
        """Sign in as somebody else, the first time; later just go on as them."""
        context = self.window.context
        if self.who:
            self.cookies[self.who] = await context.cookies()
        await self.tab.goto("about:blank")
        await context.clear_cookies()
        self.who = who
        if who in self.cookies:
            await context.add_cookies(self.cookies[who])
        elif who in ROLES:
            name = {"de": "Renate Rolle", "en": "Ruth Role"}[self.light.language]
            self.town.known[self._me] = await self.town.newcomer(name, locale=self.light.language)
            await self.site.sign_in(self.window, ROLES[who], user_id=self.town.known[self._me])
        elif who in SIGNED_IN:
            company = (self.town.empty if who == "empty" else self.town.desk).company
            await replace(self.site, company=company).sign_in(self.window)


def at(path: str) -> Callable[[Tour], Awaitable[None]]:
    """Return how one gets to a page that needs nothing but its path."""

    async def reach(tour: Tour) -> None:
        await tour.go(path)

    return reach


def overheard(rendered: list[str]) -> Callable[..., str]:
    """Return `Pages.text` that tells which templates it filled in."""
    text = Pages.text

    def telling(self: Pages, template: str, *, language: str, **values: object) -> str:
        rendered.append(template)
        return text(self, template, language=language, **values)

    return telling
