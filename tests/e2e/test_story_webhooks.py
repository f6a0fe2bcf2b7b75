"""KleanApp is told that somebody is out, with the evidence, also when it was away at that moment."""

import pytest

from tests.e2e.service import Service
from tests.e2e.staff import Staff
from tests.receiver import Message, receiving

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("service", ["24.12"], indirect=True)
async def test_the_receiver_is_told_of_an_off_boarding_with_the_proof(service: Service, staff: Staff) -> None:
    async with receiving() as receiver:
        hook = await service.api("POST", "/webhooks", {"url": receiver.url}, expect=201)
        service.secrets.append(hook["secret"])
        try:
            ludwig = await service.hire("Ludwig")
            circle = await service.found(members=[ludwig])
            phone = await staff.login(ludwig.login)
            await phone.join(circle.room, ludwig.name)

            def about_ludwig(message: Message) -> bool:
                return message.type == "user.offboarded" and message.data["offboarding"]["user_id"] == ludwig.id

            left = await service.api("POST", f"/users/{ludwig.id}/deactivate", {}, wait=20, expect=200)
            (message,) = await receiver.got(1, where=about_ludwig)
            assert message.is_signed_by(hook["secret"])
            assert message.data["offboarding"] == left.body
            found = {line["item"]: line for line in message.data["offboarding"]["evidence"]}
            assert (found["sessions"]["found"], found["rooms"]["found"]) == (1, 1)
            assert all(line["closed"] is True and line["left"] == 0 for line in found.values())
            users = [one.data for one in receiver.messages if one.type == "user.updated"]
            assert [one["user"]["may_chat"] for one in users if one["user"]["id"] == ludwig.id] == [True, False]
            (group,) = [one.data["group"] for one in receiver.messages if one.data.get("change") == "circle_changed"]
            assert group["room"] == circle.room
        finally:
            await service.api("DELETE", f"/webhooks/{hook['id']}", expect=204)
