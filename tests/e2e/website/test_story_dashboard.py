"""A day of an administrator, in a real browser."""

import pytest

from tests.e2e.website.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_somebody_with_a_link_signs_in_and_out(site: Site) -> None:
    async with site.window() as window:
        await window.open("/")
        await window.is_accessible()
        await site.sign_in(window)
        await window.is_accessible()
        await window.picture("overview")
        await window.page.get_by_role("button", name="Abmelden").click()
        await window.page.wait_for_url("**/sign-in")
