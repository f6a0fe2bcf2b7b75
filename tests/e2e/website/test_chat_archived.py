"""A group that is archived while somebody chats in it, seen in a real browser."""

import pytest
from playwright.async_api import expect

from tests.e2e.website.site import Site
from tests.e2e.website.test_chat_live import call, chat, enter, newcomer, put, say

pytestmark = pytest.mark.asyncio(loop_scope="session")

# The stream itself keeps what its author sent until the server has counted it (XEP-0198): that is no history.
_FORGOTTEN = """said => !Object.entries(sessionStorage).some(
    ([name, value]) => !name.startsWith("converse-session") && value.includes(said))"""
SAID = "Der Schlüssel liegt beim Pförtner"


async def test_an_archived_group_leaves_the_tab_with_all_that_was_said_and_comes_back_until_it_is_deleted(
    site: Site,
) -> None:
    frida = await newcomer(site, "Frida Holm")
    group = await call(site, "/groups", {"name": "Baustelle Mitte"})
    await put(site, f"/groups/{group['id']}/members", {"members": [{"user_id": frida["id"]}]})
    async with chat(site, frida, []) as window:
        listed = window.page.locator("a.open-room").filter(has_text="Baustelle Mitte")
        await enter(window, "Baustelle Mitte")
        await say(window, SAID)
        await window.page.get_by_text(SAID).wait_for()

        await call(site, f"/groups/{group['id']}/archive")
        await expect(listed).to_have_count(0)
        await expect(window.page.get_by_text(SAID)).to_have_count(0)
        await window.page.wait_for_function(_FORGOTTEN, arg=SAID)

        await call(site, f"/groups/{group['id']}/restore")
        await enter(window, "Baustelle Mitte")
        await window.page.get_by_text(SAID).wait_for()

        await call(site, "/bulk", {"operations": [{"method": "DELETE", "path": f"/groups/{group['id']}"}]})
        await expect(listed).to_have_count(0)
