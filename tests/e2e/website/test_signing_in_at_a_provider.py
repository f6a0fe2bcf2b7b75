"""Signing in at a company's identity provider in real Chromium: there, in at its own form, back, and out again.

Only a browser knows whether the page's policy, its cookies and the redirects between two origins go together.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from kleanxmpp import staff_roles
from kleanxmpp.provider_sign_ins import Matches
from kleanxmpp.website_ports import StaffRole
from tests.e2e.service import WEBSITE
from tests.e2e.website.site import Site
from tests.integration.website.pretender import desk_with, settings_for
from tests.integration.website.test_signing_in_at_a_real_provider import PASSWORD, canaille, register

__all__ = ["canaille"]

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_person_goes_to_the_provider_and_comes_back_signed_in(browser: Browser, canaille: Any) -> None:
    issuer = canaille.url.rstrip("/")
    by_number = replace(
        settings_for(issuer, claim="sub", matches=Matches.EXTERNAL_ID), labels={"de": "Mit KleanApp anmelden"}
    )
    async with desk_with(api={"website_folder": WEBSITE}, firma=by_number) as desk:
        register(canaille, desk)
        made = await desk.person("Aylin Öztürk", external_id="emp-1")
        await staff_roles.give(
            desk.directory, desk.company, made["id"],
            roles=frozenset({StaffRole.HR}), actor="test", now=datetime.now(UTC),
        )  # fmt: skip
        facts = {"api_url": str(desk.client.make_url("/")).rstrip("/")}
        site = Site(browser=browser, facts=facts, directory=desk.directory, company=desk.company)
        async with site.window() as window:
            page, window.others = window.page, (issuer,)
            await window.open("/groups?q=Nord")
            await page.wait_for_url("**/sign-in?next=**")
            await page.get_by_role("button", name="Mit KleanApp anmelden").click()
            await page.locator("[name=login]").fill("emp-1")
            await page.keyboard.press("Enter")
            await page.locator("[name=password]").fill(PASSWORD)
            await page.keyboard.press("Enter")
            await page.wait_for_url(f"{site.origin}/groups?q=Nord")
            await expect(page.get_by_role("heading", name="Gruppen", level=1)).to_be_visible()
            await window.open("/me")
            await expect(page.get_by_text("Aylin Öztürk")).to_be_visible()

            await page.get_by_role("button", name="Abmelden", exact=True).click()
            await expect(page.get_by_text("Sie sind hier abgemeldet.")).to_be_visible()
            await window.open("/groups")
            await page.wait_for_url("**/sign-in?next=**")
            await page.get_by_role("button", name="Mit KleanApp anmelden").click()
            await page.wait_for_url(f"{site.origin}/groups")  # still signed in at the provider
            await page.get_by_role("button", name="Abmelden", exact=True).click()
            await page.get_by_role("link", name="Auch vom Konto Ihres Unternehmens abmelden").click()
            await page.wait_for_url(f"{issuer}/**")
            await page.locator("[name=answer][value=logout]").click()
            await page.wait_for_url(f"{site.origin}/sign-in**")
