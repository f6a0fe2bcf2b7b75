"""Through whichever door somebody loses the right to chat: the same is closed, and the same is proven."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable

import pytest

from tests.e2e.made_up import new_name
from tests.e2e.service import DOMAIN, NEIGHBOUR, Person, Service
from tests.e2e.staff import Staff

pytestmark = pytest.mark.asyncio(loop_scope="session")

ITEMS = {
    "logins": 1, "gate": 1, "sessions": 1, "rooms": 1, "contact_groups": 1, "bookmarks": 1,
    "push": 0, "offline_messages": 0, "tokens": 0, "uploads": 0, "web_sessions": 0, "links": 0,
}  # fmt: skip
"""What every evidence has found, item by item."""

Door = Callable[[Service, Person, str], Awaitable[None]]


async def post_deactivate(service: Service, leaver: Person, _: str) -> None:
    await service.api("POST", f"/users/{leaver.id}/deactivate", {}, expect=202)


async def patch_active(service: Service, leaver: Person, _: str) -> None:
    await service.api("PATCH", f"/users/{leaver.id}", {"active": False}, expect=200)


async def patch_chat_permission(service: Service, leaver: Person, _: str) -> None:
    await service.api("PATCH", f"/users/{leaver.id}", {"chat_permission": False}, expect=200)


async def put_by_external_id(service: Service, leaver: Person, external_id: str) -> None:
    body = {"display_name": leaver.name, "active": False, "chat_permission": True}
    await service.api("PUT", f"/users/by-external-id/{external_id}", body, expect=200)


async def delete(service: Service, leaver: Person, _: str) -> None:
    await service.api("DELETE", f"/users/{leaver.id}", expect=202)


async def csv_import(service: Service, leaver: Person, external_id: str) -> None:
    file = service.folder / "people.csv"
    file.write_text(f"external_id,display_name,active\n{external_id},{leaver.name},nein\n")
    await kleanxmpp(service, "import", str(file), "--company", DOMAIN)


async def command_line(service: Service, leaver: Person, _: str) -> None:
    await kleanxmpp(service, "user", "deactivate", leaver.username, "--company", DOMAIN)


async def scim(service: Service, leaver: Person, _: str) -> None:
    token = (await service.api("POST", "/tokens", {"name": "Entra", "scopes": ["scim"]}))["token"]
    said = {"op": "Replace", "path": "active", "value": "False"}
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [said]}
    headers = {"Authorization": f"Bearer {token}"}
    answer = await service.api("PATCH", f"/scim/v2/Users/{leaver.id}", body, headers=headers, expect=200)
    assert answer["active"] is False


async def disabled_company(service: Service, leaver: Person, _: str) -> None:
    await kleanxmpp(service, "company", "disable", NEIGHBOUR, "--yes")


async def kleanxmpp(service: Service, *arguments: str) -> None:
    """Run the command line beside the running service, as an operator does."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(service.folder), "LANG": "C.UTF-8"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kleanxmpp.cli", *arguments, cwd=service.folder, env=environment,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


DOORS = [
    post_deactivate, patch_active, patch_chat_permission, put_by_external_id, delete, csv_import, command_line, scim,
    disabled_company,
]  # fmt: skip


@pytest.mark.parametrize("service", ["23.01"], indirect=True)
@pytest.mark.parametrize("door", DOORS)
async def test_every_door_closes_and_proves_the_same(service: Service, staff: Staff, door: Door) -> None:
    domain = NEIGHBOUR if door is disabled_company else DOMAIN
    external_id = f"hr-{new_name('').strip()}"
    leaver = await service.hire("Ludwig", domain=domain, external_id=external_id)
    name = new_name("Team", personal=False)
    group = await service.api("POST", "/groups", {"name": name}, domain=domain)
    await service.api("PUT", f"/groups/{group['id']}/members/{leaver.id}", {}, domain=domain)
    await service.calm(domain=domain)
    phone = await staff.login(leaver.login)
    await phone.join(group["room"], leaver.name)
    try:
        await door(service, leaver, external_id)
        assert (await staff.refused_login(leaver.login)).condition == "not-authorized"
        await phone.wait_for("closed")
        found = await service.proven(leaver, domain=domain)
    finally:
        if door is disabled_company:
            await kleanxmpp(service, "company", "enable", NEIGHBOUR)
    erased = {"files": 0} if door is delete else {}
    assert {line["item"]: line["found"] for line in found["evidence"]} == ITEMS | erased
    assert all(line["closed"] is True and line["left"] == 0 for line in found["evidence"])
    if door is not disabled_company:
        assert await service.sessions(leaver.username) == set()
        assert await service.server.groups.of_user(leaver.username, host=DOMAIN) == frozenset()
        members = await service.server.rooms.affiliations(group["slug"], service=f"gruppen.{DOMAIN}")
        assert leaver.jid not in {entry.jid for entry in members or ()}
