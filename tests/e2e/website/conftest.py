"""Chromium, and the demo before it: each started once for each worker that needs it."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from kleanxmpp.db.directory import SqlDirectory
from tests.e2e.demo_process import demo, end, facts_of
from tests.e2e.website.site import Site, chromium


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def site(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("website") / "demo"
    async with demo(folder) as process:
        facts = await facts_of(folder, process)
        directory = SqlDirectory(f"sqlite:///{folder / 'directory.db'}")
        try:
            async with directory.read() as tx:
                company = await tx.company_by_domain(facts["domain"])
            assert company is not None, json.dumps(sorted(facts))
            yield Site(browser=browser, facts=facts, directory=directory, company=company)
        finally:
            await directory.close()
        await end(process, folder)
