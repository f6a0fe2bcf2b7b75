"""Somebody is away for a while: nothing is reachable, nothing is lost, and a group never stands without a moderator."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.made_up import new_name
from tests.e2e.service import DOMAIN, Service
from tests.e2e.staff import Staff

pytestmark = pytest.mark.asyncio(loop_scope="session")

only_installed = pytest.mark.parametrize("service", ["23.01"], indirect=True)


async def test_a_pause_keeps_the_place_and_its_end_gives_everything_back(service: Service, staff: Staff) -> None:
    away, colleague = await service.hire_many("Paula", "Carla")
    team = await service.found("Nord", members=[colleague], moderators=[away])
    phone, other = await staff.login(away.login), await staff.login(colleague.login)
    await phone.join(team.room, away.name)

    pause = {"mode": "paused", "returns_on": "2199-03-01", "reason": "Elternzeit"}
    answer = await service.api("POST", f"/users/{away.id}/deactivate", pause, wait=20, expect=200)
    assert (answer["mode"], answer["complete"]) == ("paused", True)
    await phone.wait_for("closed")
    assert (await staff.refused_login(away.login)).condition == "not-authorized"
    assert await service.affiliations(team) == {colleague.jid: "member"}
    assert await service.occupants(team) == set()
    assert (await other.fetch_contacts())[away.jid].name == f"{away.name} (bis 01.03.)"
    await other.say(away.jid, new_name("Wann kommst du wieder"), identifier="an-paula")
    assert (await other.wait_for("message", type="error", id="an-paula")).facts["error"] == "service-unavailable"
    assert await service.server.accounts.offline_count(away.username, host=DOMAIN) == 0
    members = (await service.api("GET", f"/groups/{team.id}/members"))["items"]
    assert {one["user_id"]: (one["role"], one["effective"]) for one in members}[away.id] == ("moderator", False)

    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    await service.api("POST", f"/users/{away.id}/deactivate", {"mode": "paused", "returns_on": soon}, expect=202)
    await service.gate_is_open(away.username)
    await service.calm()
    back = await staff.login(away.login)
    assert set(back.contacts) == {colleague.jid}
    assert set(await back.stored_bookmarks()) == {team.room}
    await back.join(team.room, away.name)
    assert await service.affiliations(team) == {away.jid: "admin", colleague.jid: "member"}
    assert (await other.fetch_contacts())[away.jid].name == away.name


@only_installed
async def test_an_announcement_group_speaks_on_through_whoever_took_it_over(service: Service, staff: Staff) -> None:
    leaver, heir, colleague = await service.hire_many("Ludwig", "Erika", "Carla")
    news = await service.found("Meldungen", kind="announcement", members=[heir, colleague], moderators=[leaver])
    answer = await service.api("POST", f"/users/{leaver.id}/deactivate", {"hand_over_to": heir.id}, wait=20, expect=200)
    (handed,) = answer["handovers"]
    assert (handed["group_id"], handed["group_name"], handed["to"]) == (news.id, news.name, [heir.id])
    await service.calm()
    assert await service.affiliations(news) == {heir.jid: "admin", colleague.jid: "member"}
    speaker, listener = await staff.login(heir.login), await staff.login(colleague.login)
    await speaker.join(news.room, heir.name)
    await listener.join(news.room, colleague.name)
    body = new_name("Ab morgen spricht hier jemand anderes")
    await speaker.say_in(news.room, body)
    await listener.wait_for("message", body=body)
