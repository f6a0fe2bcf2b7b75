"""The website on the in-memory directory, or on both where a test asks for `desk`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.integration.admin_api.conftest import desk, directory, migrated_file, quick_desk, store
from tests.integration.admin_api.desk import Desk, Store, opened
from tests.integration.website.browser import Browser, cookie_jar
from tests.postgres import postgres_cluster

__all__ = ["desk", "directory", "migrated_file", "postgres_cluster", "quick_desk", "store"]


@asynccontextmanager
async def browser_at(desk: Desk) -> AsyncIterator[Browser]:
    """Open a browser that nobody is signed in at."""
    async with aiohttp.ClientSession(cookie_jar=cookie_jar(desk)) as session:
        yield Browser(desk=desk, session=session)


@pytest.fixture
async def browser(quick_desk: Desk) -> AsyncIterator[Browser]:
    """A browser that nobody is signed in at."""
    async with browser_at(quick_desk) as opened:
        yield opened


@pytest.fixture
async def admin(browser: Browser) -> Browser:
    """A browser in which an administrator is signed in, by a link from the shell."""
    await browser.sign_in()
    return browser


@pytest.fixture
async def admin_on_sqlite(migrated_file: Path, tmp_path: Path) -> AsyncIterator[Browser]:
    """Like `admin`, on SQLite."""
    store = Store(kind="sqlite", template=migrated_file, folder=tmp_path, cluster=None)
    async with (
        store.opened() as directory,
        opened(directory) as desk,
        aiohttp.ClientSession(cookie_jar=cookie_jar(desk)) as session,
    ):
        browser = Browser(desk=desk, session=session)
        await browser.sign_in()
        yield browser


@pytest.fixture
async def other_browser(quick_desk: Desk) -> AsyncIterator[Browser]:
    """A second browser, that nobody is signed in at."""
    async with aiohttp.ClientSession(cookie_jar=cookie_jar(quick_desk)) as session:
        yield Browser(desk=quick_desk, session=session)


@pytest.fixture
async def signed_in(desk: Desk) -> AsyncIterator[Browser]:
    """An administrator's browser where a test asks for `desk`, on whatever directory."""
    async with aiohttp.ClientSession(cookie_jar=cookie_jar(desk)) as session:
        browser = Browser(desk=desk, session=session)
        await browser.sign_in()
        yield browser
