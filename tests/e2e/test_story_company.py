"""Two companies on one server: nothing passes between them, and nothing leaves to the outside."""

import pytest

from tests.e2e.made_up import new_name
from tests.e2e.service import NEIGHBOUR, ROOMS, Service
from tests.e2e.staff import Refused, Staff

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_nothing_is_delivered_to_the_outside(service: Service, staff: Staff) -> None:
    phone = await staff.login((await service.hire()).login)
    await phone.say("jemand@draussen.example", "Hallo", identifier="hinaus")
    refusal = await phone.wait_for("message", type="error", id="hinaus")
    assert refusal.facts["error"] in ("remote-server-not-found", "not-allowed", "forbidden", "service-unavailable")


async def test_no_message_reaches_another_company(service: Service, staff: Staff) -> None:
    anna, stranger = await service.hire(), await service.hire("Nora", domain=NEIGHBOUR)
    phone, other = await staff.login(anna.login), await staff.login(stranger.login)
    body = new_name("Über den Zaun")
    await other.say(anna.jid, body)
    await other.send(f"<presence to='{anna.jid}' type='subscribe'/>")
    await other.send(f"<presence to='{phone.jid}'/>")
    await other.ping()
    await phone.has_nothing("message", body=body)
    assert not [news for news in phone.seen if NEIGHBOUR in str(news.facts.get("from"))]


async def test_nothing_of_another_companys_rooms_is_seen(service: Service, staff: Staff) -> None:
    anna, stranger = await service.hire(), await service.hire("Nora", domain=NEIGHBOUR)
    team = await service.found("Nord", members=[anna])
    other = await staff.login(stranger.login)
    await other.send(f"<presence to='{team.room}/Nora'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
    await other.send(
        f"<iq type='get' id='zaun' to='{ROOMS}'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>"
    )
    await other.send(
        f"<iq type='get' id='raum' to='{team.room}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"
    )
    await other.ping()
    assert not [news for news in other.seen if ROOMS in str(news.facts.get("from")) and not news.facts.get("error")]
    assert stranger.jid not in await service.occupants(team)


async def test_an_admin_of_one_company_sees_and_changes_nothing_of_another(service: Service) -> None:
    anna = await service.hire()
    team = await service.found("Nord", members=[anna])
    for method, path, body in (
        ("GET", f"/users/{anna.id}", None),
        ("POST", f"/users/{anna.id}/deactivate", {}),
        ("POST", f"/users/{anna.id}/credentials", {"label": "x"}),
        ("GET", f"/groups/{team.id}", None),
        ("PUT", f"/groups/{team.id}/members", {"members": []}),
        ("DELETE", f"/groups/{team.id}", None),
    ):
        await service.api(method, path, body, domain=NEIGHBOUR, expect=404)
    assert await service.affiliations(team) == {anna.jid: "member"}


async def test_somebody_of_another_company_is_put_into_no_circle(service: Service) -> None:
    anna, stranger = await service.hire(), await service.hire("Nora", domain=NEIGHBOUR)
    team = await service.found("Nord", members=[anna])
    await service.api("PUT", f"/groups/{team.id}/members/{stranger.id}", {}, expect=(404, 422))
    await service.api("PUT", f"/groups/{team.id}/members", {"members": [{"user_id": stranger.id}]}, expect=422)
    await service.calm()
    assert await service.affiliations(team) == {anna.jid: "member"}


async def test_the_same_username_in_both_companies_is_two_people(service: Service, staff: Staff) -> None:
    name = new_name("Maria")
    here, there = await service.hire(name=name), await service.hire(name=name, domain=NEIGHBOUR)
    assert here.username == there.username
    await service.api("POST", f"/users/{here.id}/deactivate", {}, wait=20, expect=200)
    await staff.login(there.login)
    assert (await staff.refused_login(here.login)).condition == "not-authorized"
    with pytest.raises(Refused):
        await (await staff.login(there.login, resource="zwei")).archive(of=here.jid)
