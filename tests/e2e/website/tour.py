"""Going to a page as somebody who may see it, and what stands there then."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

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
    """A round through pages in one language. Whoever is needed signs in when they are needed first."""

    town: Town
    site: Site
    light: Light
    stack: AsyncExitStack
    rendered: list[str]
    eyes: dict[str, Eye] = field(default_factory=dict)
    titles: dict[str, tuple[str, str]] = field(default_factory=dict)
    eye: Eye = field(init=False)
    who: str = field(init=False, default="")
    status: int = field(init=False, default=0)

    @property
    def tab(self) -> Tab:
        return self.eye.tab

    @property
    def window(self) -> Window:
        return self.eye.window

    @property
    def _me(self) -> str:
        return self.town.known.get(f"{self.who} {self.light.language}", "")

    async def visit(self, page: Page) -> None:
        """Go there, and look."""
        self.who = page.who
        self.eye = self.eyes.get(page.who) or await self._arrive(page.who)
        if page.status >= 400:
            self.window.expected.append(lambda text: f"status of {page.status}" in text)
        self.rendered.clear()
        self.window.faults.clear()
        await page.reach(self)
        assert self.status == page.status, f"{page.name}: {self.status} at {self.tab.url}"
        assert page.template in self.rendered, f"{page.name}: {self.rendered} at {self.tab.url}"
        await self.eye.look(page.route, page.template)
        assert self.window.faults == [], f"{page.name}: {self.window.faults}"

    async def go(self, path: str) -> None:
        """Open a path, in which what the town knows is filled in."""
        response = await self.tab.goto(self.site.origin + path.format(**self.town.known, me=self._me))
        assert response is not None
        self.status = response.status

    async def press(self, button: str) -> None:
        """Press what leads to another page."""
        async with self.tab.expect_navigation() as leading:
            await self.tab.locator(button).click()
        response: Response | None = await leading.value
        assert response is not None
        self.status = response.status

    async def _arrive(self, who: str) -> Eye:
        desk = self.town.empty if who == "empty" else self.town.desk
        site, light = replace(self.site, company=desk.company), self.light
        language = {"de": "de-DE", "en": "en-GB"}[light.language]
        opening = site.window(language=language, dark=light.dark, width=light.width, height=800)
        window = await self.stack.enter_async_context(opening)
        eye = Eye(window=window, light=light, titles=self.titles)
        await eye.begin()
        if who in ROLES:
            name = {"de": "Renate Rolle", "en": "Ruth Role"}[light.language]
            user_id = await self.town.newcomer(name, locale=light.language)
            await site.sign_in(window, ROLES[who], user_id=user_id)
            self.town.known[f"{who} {light.language}"] = user_id
        elif who in SIGNED_IN:
            await site.sign_in(window)
        self.eyes[who] = eye
        return eye


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
