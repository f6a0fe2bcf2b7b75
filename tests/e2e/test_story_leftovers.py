"""Off-boarding on a server that keeps more than ours: push registrations, waiting messages and tokens go as well."""

from pathlib import Path

import pytest

from tests.e2e.edits import HOARDING
from tests.e2e.raw_client import connect
from tests.e2e.service import DOMAIN, VERSIONS, Service, running_service
from tests.e2e.staff import Login, Staff

pytestmark = pytest.mark.asyncio(loop_scope="session")

PUSH = "<enable xmlns='urn:xmpp:push:0' jid='push.example' node='handy'/>"


async def register_push(service: Service, login: Login) -> None:
    """Register a device for push without becoming available: what waits goes on waiting."""
    client = await connect(login.port)
    await client.log_in(login.username, login.credential, domain=DOMAIN, resource="push", tls=service.tls)
    answer = await client.iq("set", PUSH, to=login.jid)
    assert answer.get("type") == "result"
    await client.close()


@pytest.mark.parametrize("version", VERSIONS)
async def test_nothing_that_a_server_keeps_for_a_leaver_is_left(tmp_path: Path, version: str, staff: Staff) -> None:
    async with running_service(tmp_path, version=version, edits=HOARDING) as service:
        leaver, colleague = await service.hire_many("Ludwig", "Carla")
        await service.found("Nord", members=[leaver, colleague])
        other = await staff.login(colleague.login)
        for _ in range(3):
            await other.say(leaver.jid, "Bist du da?")
        await other.ping()
        await register_push(service, leaver.login)
        await service.server.run("keep_oauth_token", user=leaver.username, host=DOMAIN, token="a-token-of-tests")

        answer = await service.api("POST", f"/users/{leaver.id}/deactivate", {}, wait=20, expect=200)
        assert answer["complete"] is True
        evidence = {line["item"]: line for line in answer["evidence"]}
        for item, count in (("push", 1), ("offline_messages", 3), ("tokens", 1)):
            line = evidence[item]
            assert (line["found"], line["done"], line["left"], line["closed"]) == (count, count, 0, True), line
        left = (await service.server.accounts.leftovers([leaver.username], host=DOMAIN))[leaver.username]
        assert (left.push, left.offline_messages, left.tokens) == (0, 0, 0)
        await staff.everybody_leaves()
