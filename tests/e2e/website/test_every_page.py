"""Every page of the website in real Chromium: by day and by night, wide and narrow, by eye and by keyboard alone.

A page that is added and not visited here fails the first test. Each class has a town of its own, so that workers can
share the work.
"""

import os
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from importlib.resources import files
from pathlib import Path
from typing import ClassVar

import pytest
import pytest_asyncio
from playwright.async_api import Browser

import admin_api.website
from admin_api.website import binding
from admin_api.website.rendering import Pages
from kleanxmpp.testing_directory import MemoryDirectory
from tests.e2e.service import ROOT
from tests.e2e.website.pages_of_all import ANYWHERE, OUTSIDE, OVERALL, TROUBLE
from tests.e2e.website.pages_of_groups import GROUPS
from tests.e2e.website.pages_of_people import PEOPLE
from tests.e2e.website.rounds import DAY, NIGHT, PHONE, WIDE, opened_eye
from tests.e2e.website.site import Site
from tests.e2e.website.tour import Page, Tour, overheard
from tests.e2e.website.town import town, trouble
from tests.integration.admin_api.desk import opened

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVERY = (*OVERALL, *OUTSIDE, *PEOPLE, *GROUPS, *TROUBLE)
NO_PAGES = {
    "/groups/{group_id}/state": "a part of the group's page",
    "/audit/chain": "a part of the audit log's page",
    "/audit/export": "a file",
    "/people/{user_id}/offboardings/{offboarding_id}.pdf": "a file",
    "/people/{user_id}/photo": "a picture",
    "/chat/state": "what the chat's script asks",
    "/chat/websocket": "the chat's connection",
}
DOCS = ROOT / "docs"
ELSEWHERE = {"chat.html": "test_chat_live"}


async def test_the_documentation_shows_every_page() -> None:
    pictures = {file.stem for file in (DOCS / "images").glob("*.png")}
    text = "\n".join(file.read_text(encoding="utf-8") for file in [*DOCS.glob("*.md"), DOCS.parent / "README.md"])
    assert {page.name for page in EVERY if is_pictured(page)} <= pictures
    assert pictures == set(re.findall(r"images/([\w-]+)\.png", text))
    sizes = {file.name: file.stat().st_size for file in (DOCS / "images").iterdir()}
    assert max(sizes.values()) < 80_000 and sum(sizes.values()) < 2_500_000, sizes


async def test_no_page_is_left_out() -> None:
    async with opened(MemoryDirectory()) as desk:
        made = {
            route.resource.canonical
            for route in desk.client.app.router.routes()
            if route.method == "GET" and route.resource and route.handler.__module__ == binding.__name__
        }
    assert made - NO_PAGES.keys() | {ANYWHERE} == {page.route for page in EVERY}
    assert made > NO_PAGES.keys()
    templates = Path(str(files(admin_api.website))) / "templates"
    whole = {
        str(file.relative_to(templates))
        for file in templates.rglob("*.html")
        if "{% extends" in file.read_text("utf-8")
    }
    assert whole - ELSEWHERE.keys() == {page.template for page in EVERY}
    assert len({page.name for page in EVERY}) == len(EVERY)


@pytest_asyncio.fixture(scope="class", loop_scope="session")
async def tours(request: pytest.FixtureRequest, browser: Browser) -> AsyncIterator[tuple[Tour, ...]]:
    """The two rounds through the pages of a class."""
    rendered: list[str] = []
    async with AsyncExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(Pages, "text", overheard(rendered))
        here = await stack.enter_async_context(town())
        if request.cls.TROUBLED:
            await trouble(here)
        facts = {"api_url": str(here.desk.client.make_url("/")).rstrip("/")}
        site = Site(browser=browser, facts=facts, directory=here.desk.directory, company=here.desk.company)
        titles: dict[str, tuple[str, str]] = {}
        eyes = [await stack.enter_async_context(opened_eye(site, light=light, titles=titles)) for light in (DAY, NIGHT)]
        yield tuple(Tour(town=here, site=site, eye=eye, rendered=rendered) for eye in eyes)


class Everywhere:
    """What holds for every page."""

    TROUBLED: ClassVar[bool] = False

    async def look(self, page: Page, tours: tuple[Tour, ...]) -> None:
        """Look at a page on both rounds, at further states of it on one. One of them goes through it by keyboard."""
        number = EVERY.index(page)
        chosen = tours[number % 2]
        for tour in tours if is_first(page) else (chosen,):
            await tour.visit(page)
            if tour is chosen:
                await tour.eye.keyboard_reaches_all()
            if tour is chosen and is_pictured(page) and "KLEANXMPP_PICTURES" in os.environ:
                await tour.eye.picture(page.name, width=(WIDE, PHONE)[number // 2 % 2])


def is_first(page: Page) -> bool:
    """Whether no other state of this page stands before it."""
    return page is next(one for one in EVERY if (one.route, one.template) == (page.route, page.template))


def is_pictured(page: Page) -> bool:
    return is_first(page) if page.pictured is None else page.pictured


def each(pages: tuple[Page, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", pages, ids=lambda page: page.name)


class TestOverall(Everywhere):
    @each(OVERALL)
    async def test_it_is_for_everybody(self, page: Page, tours: tuple[Tour, ...]) -> None:
        await self.look(page, tours)


class TestOutside(Everywhere):
    @each(OUTSIDE)
    async def test_it_is_for_everybody(self, page: Page, tours: tuple[Tour, ...]) -> None:
        await self.look(page, tours)


class TestPeople(Everywhere):
    @each(PEOPLE)
    async def test_it_is_for_everybody(self, page: Page, tours: tuple[Tour, ...]) -> None:
        await self.look(page, tours)


class TestGroups(Everywhere):
    @each(GROUPS)
    async def test_it_is_for_everybody(self, page: Page, tours: tuple[Tour, ...]) -> None:
        await self.look(page, tours)


class TestTrouble(Everywhere):
    TROUBLED = True

    @each(TROUBLE)
    async def test_it_is_for_everybody(self, page: Page, tours: tuple[Tour, ...]) -> None:
        await self.look(page, tours)
