"""Somebody is handed a link and sets up their phone, in a real browser; the login works on the running server."""

import json
from collections.abc import Mapping

import aiohttp
import pytest

from tests.e2e.staff import Login, Staff
from tests.e2e.website.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def handed(site: Site, user_id: str) -> Mapping[str, str]:
    """Make a link as another system does, to send it by SMS."""
    headers = {"Authorization": f"Bearer {site.facts['admin_token']}"}
    url = f"{site.origin}/api/v1/users/{user_id}/links"
    async with aiohttp.ClientSession(headers=headers) as http, http.post(url, json={"uses": 2}) as answer:
        assert answer.status == 201
        return dict(json.loads(await answer.text()))


async def test_a_link_becomes_a_login_on_a_phone(site: Site, staff: Staff) -> None:
    person = site.person(0)
    link = await handed(site, person["id"])
    async with site.window(width=360, height=740) as window:
        page = window.page
        await page.goto(link["url"])
        assert person["display_name"] not in await page.content()
        await window.is_accessible()
        await page.get_by_role("button", name="Los geht").click()
        await page.get_by_role("button", name="Android").click()
        await page.get_by_role("heading", name=person["display_name"]).wait_for()
        await window.is_accessible()
        await page.get_by_role("button", name="Meine Zugangsdaten zeigen").click()
        await page.get_by_role("button", name="Passwort kopieren").wait_for()
        await window.is_accessible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
        jid, password = [await page.locator(id_).inner_text() for id_ in ("#address", "#password")]
        await page.go_back()
        await page.get_by_role("heading", name="Schon gezeigt").wait_for()
        assert password not in await page.content()
        await window.is_accessible()
    facts = site.facts
    phone = await staff.login(
        Login(jid=jid, credential=password, host=facts["xmpp_host"], port=facts["xmpp_port"], ca_file=facts["ca_file"])
    )
    assert phone.bare == person["jid"]
