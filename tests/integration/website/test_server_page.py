"""The server check on the website: every line in words, what to change, and looking again while somebody waits."""

import re

import aiohttp
from markupsafe import escape

from kleanxmpp.doctor.lines import LINES
from kleanxmpp.testing_directory import MemoryDirectory
from tests.integration.admin_api.desk import opened
from tests.integration.website.browser import Browser, cookie_jar
from tests.integration.website.test_audit_page import until


async def test_the_check_is_begun_and_its_result_waited_for(admin: Browser) -> None:
    shown = await admin.open("/server")
    assert "There is no result yet." in shown.text and "data-live" not in shown.text
    async with admin.desk.working():
        begun = await admin.send("/server")
        assert "Checking. This takes a few seconds." in begun.text and "data-live" in begun.text
        assert '<noscript><meta http-equiv="refresh"' in begun.text
        shown = await until(admin, "/server", lambda found: "Last checked on" in found.text)
        admin.language = "de"
        german = (await admin.open("/server")).text
        overview = (await admin.open("/")).text
    assert all(escape(line.title.en) in shown.text and escape(line.title.de) in german for line in LINES)
    counts = [int(found) for found in re.findall(r": (\d+)</span>", german)]
    assert "Das Tor steht." in german and sum(counts) == len(LINES) and counts[0] == 0, "red comes first, and is none"
    assert "backup_path" in shown.text and "Copy" in shown.text
    assert shown.text.index("Backups") < shown.text.index("The gate"), "what is to be looked at stands first"
    assert f"{counts[1] + counts[2]} Punkt" in overview and 'href="/server"' in overview


async def test_what_could_not_be_looked_at_is_not_green(admin: Browser) -> None:
    admin.desk.server.away = True
    await admin.send("/server")
    shown = await until(admin, "/server", lambda found: "Last checked on" in found.text)
    assert "not checked: 2" in shown.text and "Could not be checked: The server is away." in shown.text
    admin.language = "de"
    assert 'Nicht prüfbar: <span lang="en">The server is away.</span>' in (await admin.open("/server")).text


async def test_a_process_with_the_website_alone_says_where_to_ask() -> None:
    async with (
        opened(MemoryDirectory(), only_api=True) as desk,
        aiohttp.ClientSession(cookie_jar=cookie_jar(desk)) as session,
    ):
        browser = Browser(desk=desk, session=session)
        await browser.sign_in()
        shown = await browser.open("/server")
        assert "kleanxmpp doctor" in shown.text and "Check now" not in shown.text
        assert (await browser.send("/server")).status == 200
        assert "does not know" in (await browser.open("/")).text
