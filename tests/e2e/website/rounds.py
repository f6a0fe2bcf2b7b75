"""Looking at one page after another as somebody who works with it: by eye, by keyboard, on a phone and at night.

A round is made in German on a phone by day, and in English on a wide screen by night; each page has to fit on the other
screen, too. Windows change their width once a page and no more, because that is what costs most.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page as Tab

from admin_api.website import words
from tests.e2e.website.site import Site, Window

PHONE, WIDE = 360, 1280
_RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "resultTypes": ["violations"],
    "rules": {
        name: {"enabled": True}
        for name in (
            "target-size", "heading-order", "landmark-one-main", "page-has-heading-one", "region", "skip-link",
            "tabindex", "empty-heading", "label-title-only", "scope-attr-valid",
        )
    },
}  # fmt: skip
_LOOKING = (Path(__file__).parent / "looking.js").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """How pages are looked at on a round."""

    language: str
    dark: bool
    width: int


DAY, NIGHT = Light(language="de", dark=False, width=PHONE), Light(language="en", dark=True, width=WIDE)


@dataclass(slots=True, kw_only=True)
class Eye:
    """Looks at what a window shows. `titles`: of which route and template; two pages share none."""

    window: Window
    light: Light
    titles: dict[str, tuple[str, str]] = field(default_factory=dict)
    width: int = field(init=False)

    def __post_init__(self) -> None:
        self.width = self.light.width

    @property
    def tab(self) -> Tab:
        return self.window.page

    async def look(self, route: str, template: str) -> None:
        """Fail for whatever is wrong with the page that is shown."""
        where = f"{self.tab.url} ({template}, {self.light})"
        jumped = await self._ask("jumped")
        assert jumped < 0.1, f"the layout jumps by {jumped}: {where}"
        await self._is_named(route, template, where)
        await self._speaks_one_language(where)
        await self._fits(where)
        await self._resize(WIDE if self.width == PHONE else PHONE)
        await self._fits(where)

    async def _fits(self, where: str) -> None:
        outside = await self._ask("outside")
        assert outside is None, f"{self.width} px are too narrow for {outside}: {where}"
        if self.width == self.light.width:
            await self._is_accessible(where)

    async def _resize(self, width: int, height: int = 800) -> None:
        self.width = width
        await self.tab.set_viewport_size({"width": width, "height": height})

    async def picture(self, name: str, *, width: int) -> None:
        """Keep a picture of what is at the top of the page."""
        await self.tab.evaluate("document.activeElement.blur(), scrollTo(0, 0)")
        await self._resize(width, 740 if width == PHONE else 900)
        await self.window.picture(name)

    async def _is_named(self, route: str, template: str, where: str) -> None:
        head = await self._ask("head")
        assert head["lang"] == self.light.language, where
        assert head["headings"] == 1, f"{head['headings']} main headings: {where}"
        assert head["skip"] or template.startswith("chat"), f"nothing to skip the menu with: {where}"
        title = head["title"]
        assert title and not title.startswith(" ·"), where
        known = self.titles.setdefault(title, (route, template))
        assert known[0] == route or known[1] == template, f"{title!r} is the title of {known}, too: {where}"

    async def _speaks_one_language(self, where: str) -> None:
        foreign = set(await self._ask("texts")) & of_others(self.light.language)
        assert not foreign, f"{sorted(foreign)} in {where}"

    async def keyboard_reaches_all(self) -> None:
        """Fail unless Tab leads to everything that can be operated, once, in order, and shows where it is."""
        for _ in range(await self._ask("begin")):
            await self.tab.keyboard.press("Tab")
        wrong = await self._ask("end")
        assert wrong is None, f"{wrong}: {self.tab.url} ({self.light})"

    async def _is_accessible(self, where: str) -> None:
        found = (await Axe().run(self.tab, options=_RULES)).response["violations"]
        told = [(one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found]
        assert not told, f"{told}: {where}"

    async def _ask(self, what: str) -> Any:
        return await self.tab.evaluate(f"looking.{what}()")


@asynccontextmanager
async def opened_eye(site: Site, *, light: Light, titles: dict[str, tuple[str, str]]) -> AsyncIterator[Eye]:
    """Open a window, and look from within at every page that is opened in it."""
    language = {"de": "de-DE", "en": "en-GB"}[light.language]
    async with site.window(language=language, dark=light.dark, width=light.width, height=800) as window:
        await window.context.add_init_script(_LOOKING)
        yield Eye(window=window, light=light, titles=titles)
        window.faults.clear()  # told already, of the page that had them


@cache
def of_others(language: str) -> frozenset[str]:
    """Return what only the other language says: whole sentences and labels without names in them."""
    catalogue: dict[str, str] = words.translations("de")._catalog  # type: ignore[attr-defined]
    said = {key if isinstance(key, str) else key[0]: text for key, text in catalogue.items()}
    german = {text for text in said.values() if "%(" not in text}
    english = {text for text in said if "%(" not in text and text}
    return frozenset(german - english if language == "en" else english - german)
