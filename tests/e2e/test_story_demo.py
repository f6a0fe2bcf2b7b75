"""`kleanxmpp demo`: one command, a company to play with, and nothing left behind."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e import processes
from tests.e2e.demo_process import START_SECONDS, demo, end, facts_of
from tests.e2e.service import BACKPORT
from tests.e2e.staff import Login, Staff
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEYS = {
    "api_url", "admin_token", "domain", "rooms_domain", "xmpp_host", "xmpp_port", "websocket_url", "ca_file",
    "ejabberd_api_url", "files_url", "users", "groups", "dashboard_link", "join_links",
}  # fmt: skip


async def fetch(method: str, url: str, **options: Any) -> Any:
    """Return the JSON of a good answer."""
    async with aiohttp.ClientSession() as http, http.request(method, url, **options) as answer:
        assert answer.status == 200
        return await answer.json()


def login(facts: dict[str, Any], user: dict[str, Any]) -> Login:
    return Login(
        jid=user["jid"], credential=user["credential"], host=facts["xmpp_host"], port=facts["xmpp_port"],
        ca_file=facts["ca_file"],
    )  # fmt: skip


@pytest.mark.parametrize("options", [(), ("--ejabberd-root", str(BACKPORT))], ids=["23.01", "24.12"])
async def test_the_demo_company_chats_and_leaves_nothing_behind(
    tmp_path: Path, staff: Staff, options: tuple[str, ...]
) -> None:
    folder = tmp_path / "demo"
    async with demo(folder, *options) as process:
        facts = await facts_of(folder, process)
        assert facts.keys() >= KEYS
        assert (len(facts["users"]), len(facts["groups"])) == (60, 12)
        assert all(user.keys() >= {"id", "username", "jid", "display_name", "credential"} for user in facts["users"])
        assert all(group.keys() >= {"id", "slug", "room"} for group in facts["groups"])
        assert (folder / "demo.json").stat().st_mode & 0o077 == 0, "logins are nobody else's business"

        headers = {"Authorization": f"Bearer {facts['admin_token']}"}
        people = await fetch("GET", f"{facts['api_url']}/api/v1/users?limit=100", headers=headers)
        assert len(people["items"]) == 60
        assert "ejabberd" in await fetch("POST", f"{facts['ejabberd_api_url']}/status", json={})

        users = {user["jid"]: user for user in facts["users"]}
        phone = await staff.login(login(facts, facts["users"][0]))
        colleague = users[next(jid for jid in phone.contacts if jid in users)]
        other = await staff.login(login(facts, colleague))
        await other.is_there()
        await phone.say(other.bare, "Willkommen bei Glanz & Gloria")
        await other.wait_for("message", type="chat", body="Willkommen bei Glanz & Gloria")
        shared = set(await phone.stored_bookmarks()) & set(await other.stored_bookmarks())
        room = min(shared & {group["room"] for group in facts["groups"]})
        for client, user in ((phone, facts["users"][0]), (other, colleague)):
            await client.join(room, user["display_name"])
        assert room.endswith(f"@{facts['rooms_domain']}")
        assert await end(process, folder) == 0


async def test_ctrl_c_while_it_starts_leaves_nothing_behind_and_the_next_start_works(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    async with demo(folder) as process:

        async def started() -> bool:
            return bool(processes.belonging_to(folder, word="beam.smp"))

        await eventually(started, what="ejabberd is being started", within=START_SECONDS)
        await end(process, folder)
    assert "Traceback" not in (tmp_path / "demo.log").read_text()
    async with demo(folder) as process:
        assert len((await facts_of(folder, process))["users"]) == 60
        await end(process, folder)


async def test_a_folder_with_other_things_in_it_is_not_touched(tmp_path: Path) -> None:
    folder = tmp_path / "wichtig"
    folder.mkdir()
    (folder / "steuer.txt").write_text("nicht löschen")
    async with demo(folder) as process:
        assert await asyncio.wait_for(process.wait(), 30) != 0
    assert (folder / "steuer.txt").read_text() == "nicht löschen"
    assert "Traceback" not in (tmp_path / "demo.log").read_text()
